"""Brings in chats that were held elsewhere."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.commands.imports import Imported, Planned, import_lines, plan_lines
from chatsite.accounts.models import Company, CompanyMember, User
from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.ids import ChatId
from chatsite.management.importing import JOBS, Job, Owned, opened
from chatsite.management.progress import Report, progress
from chatsite.management.settling import settle

DEFAULT_OWNER = "admin"
INTERRUPTED = 130  # the exit code of a shell for Ctrl-C
_Row = dict[str, Any]
_Take = Callable[..., Awaitable[tuple[ChatId, Imported | Planned]]]


class Command(BaseCommand):
    """`manage.py import_chat`."""

    help = (
        "Brings in chats from files, one chat a file. Nobody is told of them, and nothing becomes unread."
        " It may be stopped in any way and run again: what is there already stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to bring in, and whose it becomes."""
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE",
            help="irc: DATE_HOUR.log, which names the chat; telegram: result.json, the export of one chat",
        )  # fmt: skip
        parser.add_argument("--format", required=True, choices=sorted(JOBS), help="what the files are")
        parser.add_argument(
            "--replies", nargs="+", type=Path, metavar="FILE",
            help="irc: one for each FILE, in their order (default: DATE_HOUR.replies.txt beside it, if any)",
        )  # fmt: skip
        parser.add_argument(
            "--owner", metavar="USER",
            help="who owns the chats (default: admin); of a Telegram chat that is no supergroup or channel the person"
            " whose export it is, who must be named",
        )  # fmt: skip
        parser.add_argument("--company", metavar="NAME", help="whose chats they become (default: the owner's company)")
        parser.add_argument(
            "--dry-run", action="store_true", help="read everything, say what would be made, and make nothing of it"
        )
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check everything that can be checked first, then bring in file by file."""
        owner = _require_owner(options["owner"] or DEFAULT_OWNER)
        whose = Owned(owner, _company(owner, options["company"]), is_named=options["owner"] is not None)
        started = time.monotonic()
        try:
            jobs = JOBS[options["format"]](options["files"], options["replies"], whose)
            if options["dry_run"]:
                rows = asyncio.run(self._plan(jobs))
            else:
                with clock.leased():
                    rows = asyncio.run(self._import(jobs))
        except DomainError as error:
            raise CommandError(error.detail) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was brought in stays; run it again to go on.", returncode=INTERRUPTED
            ) from None
        self._summarize(rows, time.monotonic() - started, as_json=options["json"])

    async def _import(self, jobs: Sequence[Job]) -> list[_Row]:
        try:
            rows = [await _read(job, import_lines) for job in jobs]
            if not await settle():
                self.stderr.write("All is kept, but the running server has not stored all of it yet.")
            return rows
        finally:
            await outbox().close()
            await log().close()

    async def _plan(self, jobs: Sequence[Job]) -> list[_Row]:
        people: set[UUID] = set()  # Who is in two files is made once.
        return [await _read(job, partial(plan_lines, people=people)) for job in jobs]

    def _summarize(self, rows: list[_Row], seconds: float, *, as_json: bool) -> None:
        messages = sum(row["messages"] for row in rows)
        if as_json:
            self.stdout.write(json.dumps({"files": rows, "messages": messages, "seconds": round(seconds, 3)}))
            return
        for row in rows:
            self.stdout.write(
                f"{row['name']}: {row['messages']} messages, {row['new']} of them new; {row['replies']} replies."
                f"{_left_out(row)} {_ending(row)}"
            )
        self.stdout.write(f"{messages} messages in {seconds:.1f} s.")


async def _read(job: Job, take: _Take) -> _Row:
    """Hand the lines of a file on; answers the summary of what came of it."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(opened(job.file))
            # In a thread: it may take minutes, and Ctrl-C is heard between steps of the loop only.
            content = await asyncio.to_thread(job.read, file)
            report = stack.enter_context(progress(sys.stderr, title=job.file.name, total=job.file.stat().st_size))
            chat, done = await take(
                content.lines,
                source=job.source,
                replies=content.replies,
                report=lambda done: _say(report, file, done),
            )
    except DomainError as error:
        error.detail = f"{job.file}: {error.detail}"
        raise
    except OSError as error:
        raise CommandError(f"{job.file}: {error.strerror}.") from None
    told = {"file": str(job.file), "name": job.source.title, "chat_id": str(chat)}
    return told | done._asdict() | {"left_out": content.left_out}


def _left_out(row: _Row) -> str:
    number = row["left_out"]
    return f" {number} of which the file tells nothing were left out." if number else ""


def _ending(row: _Row) -> str:
    if "new_chat" not in row:
        return f"Chat {row['chat_id']}"
    chat = "a new chat" if row["new_chat"] else f"chat {row['chat_id']}"
    return f"They would come into {chat}, with {row['new_people']} new people. Nothing was made."


def _require_owner(username: str) -> User:
    owner = User.objects.filter(username=username, is_active=True).first()
    if owner is None:
        raise CommandError(f"There is no active person {username!r}; name one with --owner.")
    return owner


def _company(owner: User, name: str | None) -> Company | None:
    """The company of that name, or the first one of the owner."""
    if name is None:
        place = CompanyMember.objects.filter(user=owner).order_by("joined_at").select_related("company").first()
        return place.company if place else None
    found = list(Company.objects.filter(name=name)[:2])
    if len(found) != 1:
        raise CommandError(f"There is {'more than one' if found else 'no'} company {name!r}.")
    if not owner.is_staff and not CompanyMember.objects.filter(company=found[0], user=owner).exists():
        raise CommandError(f"{owner.username} is not of the company {name!r}.")
    return found[0]


def _say(report: Report, file: BinaryIO, done: Imported) -> None:
    report(file.tell(), f"{done.messages} messages, {done.new} new")
