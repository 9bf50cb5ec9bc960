"""Runs groups in a process of their own, and looks after them: what is held, retry, replay."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.queries.rules import watch_rules
from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError
from chatsite.kernel.groups import Group, groups, run_groups
from chatsite.kernel.lock import FolderTaken
from chatsite.kernel.models import DeadLetter, HeldKey
from chatsite.management import running


class Command(BaseCommand):
    """`manage.py project`."""

    help = (
        "Runs the groups named, or --all, until it is stopped. Without a name it shows what the groups hold or could"
        " not read; --retry GROUP KEY tries a held key again; --replay GROUP starts one again at the first record."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to run or do; without anything it only shows."""
        names = ", ".join(sorted(group.name for group in groups()))
        parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"run it: {names}")
        parser.add_argument("--all", action="store_true", help="run every group")
        parser.add_argument("--retry", nargs=2, metavar=("GROUP", "KEY"), help="try a held key again")
        parser.add_argument("--replay", metavar="GROUP", help="start a group again at the log's first record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run groups, show, or ask the running ones for more."""
        if options["retry"]:
            self._retry(*options["retry"])
        elif options["replay"]:
            self._replay(_group(options["replay"]))
        elif chosen := groups() if options["all"] else [_group(name) for name in options["groups"]]:
            self._run(chosen)
        else:
            self._show()

    def _run(self, chosen: Sequence[Group]) -> None:
        running.require_migrated()
        running.require_replicated()
        self.stdout.write(f"Running {', '.join(group.name for group in chosen)}  (pid {os.getpid()})")
        self.stdout.flush()
        try:
            with running.groups_lock(), clock.leased(), running.new_runner() as runner:
                runner.run(running.run_until_stopped([run_groups(chosen), watch_rules()]))
        except FolderTaken as error:
            raise CommandError(str(error)) from None

    def _show(self) -> None:
        lines = [
            f"held  {held.group}  {held.key}  from offset {held.offset} of partition {held.partition}: {held.error}"
            for held in HeldKey.objects.order_by("group", "partition", "offset")
        ]
        for alias in running.sql_databases():
            lines += [
                f"dead  {letter.group}  offset {letter.offset} of partition {letter.partition}: {letter.reason}"
                for letter in DeadLetter.objects.using(alias).order_by("group", "partition", "offset")
            ]
        self.stdout.write("\n".join(lines) or "Nothing is held, and nothing was unreadable.")

    def _retry(self, group: str, key: str) -> None:
        if not HeldKey.objects.filter(group=group, key=key).update(retry=True):
            raise CommandError(f"{group} holds no key {key}.")
        self.stdout.write("It is tried again within 2 s by the process that runs the group.")

    def _replay(self, group: Group) -> None:
        try:
            with running.groups_lock():  # A running group would write its own offset over this one.
                asyncio.run(_rewind(group))
        except FolderTaken as error:
            raise CommandError(str(error)) from None
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"{group.name} starts again at the log's first record.")


def _group(name: str) -> Group:
    if (group := next((group for group in groups() if group.name == name), None)) is None:
        raise CommandError(f"There is no group {name}: {', '.join(sorted(group.name for group in groups()))}.")
    return group


async def _rewind(group: Group) -> None:
    source = group.source()
    await source.open()
    try:
        await source.rewind(group.name)
    finally:
        await source.close()
