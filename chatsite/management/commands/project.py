"""Looks after the groups: what is held, retry, replay."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from chatsite.kernel.database import MESSAGES
from chatsite.kernel.groups import groups
from chatsite.kernel.lock import FolderLock, FolderTaken
from chatsite.kernel.models import DeadLetter, HeldKey


class Command(BaseCommand):
    """`manage.py project`."""

    help = "Shows what the groups hold or could not read; --retry GROUP KEY tries a held key again; --replay GROUP."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do; without an option it only shows."""
        parser.add_argument("--retry", nargs=2, metavar=("GROUP", "KEY"), help="try a held key again (in `serve`)")
        parser.add_argument("--replay", metavar="GROUP", help="start a group again at the log's first record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show, or ask the running groups for more."""
        if options["retry"]:
            self._retry(*options["retry"])
        elif options["replay"]:
            self._replay(options["replay"])
        else:
            self._show()

    def _show(self) -> None:
        lines = [
            f"held  {held.group}  {held.key}  from offset {held.offset}: {held.error}"
            for held in HeldKey.objects.order_by("group", "offset")
        ]
        for alias in (DEFAULT_DB_ALIAS, MESSAGES):
            lines += [
                f"dead  {letter.group}  offset {letter.offset}: {letter.reason}"
                for letter in DeadLetter.objects.using(alias).order_by("group", "offset")
            ]
        self.stdout.write("\n".join(lines) or "Nothing is held, and nothing was unreadable.")

    def _retry(self, group: str, key: str) -> None:
        if not HeldKey.objects.filter(group=group, key=key).update(retry=True):
            raise CommandError(f"{group} holds no key {key}.")
        self.stdout.write("It is tried again within 2 s by the running server.")

    def _replay(self, name: str) -> None:
        group = next((group for group in groups() if group.name == name), None)
        if group is None:
            raise CommandError(f"There is no group {name}: {', '.join(sorted(group.name for group in groups()))}.")
        try:
            with FolderLock(settings.DATA):  # A running group would write its own offset over this one.
                asyncio.run(_rewind(group.source(), name))
        except FolderTaken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{name} starts again at the log's first record.")


async def _rewind(log: Any, name: str) -> None:
    await log.rewind(name)
    await log.close()
