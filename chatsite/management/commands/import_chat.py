"""Brings in chats that were held elsewhere."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.commands.imports import Imported, Planned, Source, import_lines, plan_lines
from chat.imports import irc
from chatsite.accounts.models import Company, CompanyMember, User
from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.ids import ChatId
from chatsite.management.progress import Report, progress
from chatsite.management.settling import settle

INTERRUPTED = 130  # the exit code of a shell for Ctrl-C
_Row = dict[str, Any]
_Take = Callable[..., Awaitable[tuple[ChatId, Imported | Planned]]]


class _Job(NamedTuple):
    log: Path
    replies: dict[int, int]

    @property
    def name(self) -> str:
        return self.log.name.removesuffix(".log")


class Command(BaseCommand):
    """`manage.py import_chat`."""

    help = (
        "Brings in chats from files, one chat a file. Nobody is told of them, and nothing becomes unread."
        " It may be stopped in any way and run again: what is there already stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to bring in, and whose it becomes."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="DATE_HOUR.log; names the chat")
        parser.add_argument("--format", required=True, choices=["irc"], help="what the files are")
        parser.add_argument(
            "--replies", nargs="+", type=Path, metavar="FILE",
            help="one for each FILE, in their order (default: DATE_HOUR.replies.txt beside it, where there is one)",
        )  # fmt: skip
        parser.add_argument("--owner", default="admin", metavar="USER", help="who owns the chats (default: admin)")
        parser.add_argument("--company", metavar="NAME", help="whose chats they become (default: the owner's company)")
        parser.add_argument(
            "--dry-run", action="store_true", help="read everything, say what would be made, and make nothing of it"
        )
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check everything that can be checked first, then bring in file by file."""
        owner = _require_owner(options["owner"])
        company = _company(owner, options["company"])
        jobs = _jobs(options["files"], options["replies"])
        started = time.monotonic()
        try:
            if options["dry_run"]:
                rows = asyncio.run(self._plan(jobs, owner, company))
            else:
                with clock.leased():
                    rows = asyncio.run(self._import(jobs, owner, company))
        except DomainError as error:
            raise CommandError(error.detail) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was brought in stays; run it again to go on.", returncode=INTERRUPTED
            ) from None
        self._summarize(rows, time.monotonic() - started, as_json=options["json"])

    async def _import(self, jobs: Sequence[_Job], owner: User, company: Company | None) -> list[_Row]:
        try:
            rows = [await _read(job, import_lines, owner, company) for job in jobs]
            if not await settle():
                self.stderr.write("All is kept, but the running server has not stored all of it yet.")
            return rows
        finally:
            await outbox().close()
            await log().close()

    async def _plan(self, jobs: Sequence[_Job], owner: User, company: Company | None) -> list[_Row]:
        people: set[UUID] = set()  # Who is in two files is made once.
        return [await _read(job, partial(plan_lines, people=people), owner, company) for job in jobs]

    def _summarize(self, rows: list[_Row], seconds: float, *, as_json: bool) -> None:
        messages = sum(row["messages"] for row in rows)
        if as_json:
            self.stdout.write(json.dumps({"files": rows, "messages": messages, "seconds": round(seconds, 3)}))
            return
        for row in rows:
            self.stdout.write(
                f"{row['name']}: {row['messages']} messages, {row['new']} of them new; {row['replies']} replies."
                f" {_ending(row)}"
            )
        self.stdout.write(f"{messages} messages in {seconds:.1f} s.")


async def _read(job: _Job, take: _Take, owner: User, company: Company | None) -> _Row:
    """Hand the lines of a file on; answers the summary of what came of it."""
    source = Source("irc", job.name, company, owner)
    with ExitStack() as stack:
        file = stack.enter_context(_open(job.log))
        report = stack.enter_context(progress(sys.stderr, title=job.log.name, total=job.log.stat().st_size))
        try:
            chat, done = await take(
                irc.read(_lines(file), name=job.log.name),
                source=source,
                replies=job.replies,
                report=lambda done: _say(report, file, done),
            )
        except DomainError as error:
            error.detail = f"{job.log}: {error.detail}"
            raise
        except OSError as error:
            raise CommandError(f"{job.log}: {error.strerror}.") from None
    return {"file": str(job.log), "name": job.name, "chat_id": str(chat), **done._asdict()}


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


def _jobs(files: Sequence[Path], replies: Sequence[Path] | None) -> list[_Job]:
    """The files with their reply links, all of them readable."""
    if replies is not None and len(replies) != len(files):
        raise CommandError(f"--replies names {len(replies)} files for {len(files)}: one for each is needed.")
    if len({file.name for file in files}) < len(files):
        raise CommandError("Two files have the same name: each names a chat.")
    jobs = []
    for number, file in enumerate(files):
        _open(file).close()
        beside = file.with_name(f"{file.name.removesuffix('.log')}.replies.txt")
        links = replies[number] if replies is not None else beside if beside.exists() else None
        jobs.append(_Job(file, _read_replies(links) if links else {}))
    return jobs


def _read_replies(path: Path) -> dict[int, int]:
    with _open(path) as file:
        try:
            return irc.read_replies(_lines(file))
        except DomainError as error:
            raise CommandError(f"{path}: {error.detail}") from None


def _open(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise CommandError(f"{path}: {'no file' if path.exists() else 'there is no such file'}.")
        return path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of a longer one than can be only the beginning is read."""
    return iter(lambda: file.readline(irc.MAX_LINE + 1), b"")


def _say(report: Report, file: BinaryIO, done: Imported) -> None:
    report(file.tell(), f"{done.messages} messages, {done.new} new")
