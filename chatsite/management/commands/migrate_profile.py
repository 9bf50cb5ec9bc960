"""Moves an installation to the next shape: embedded to standard, standard to cluster."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError
from chatsite.kernel.groups import catch_up, groups
from chatsite.kernel.lock import FolderLock, FolderTaken
from chatsite.management import running
from chatsite.management.moving import Differs, Refused, Say, folder, schema
from chatsite.settings.registry import setting


class Command(BaseCommand):
    """`manage.py migrate_profile`."""

    help = (
        "Run with the new shape's environment and every server stopped. It may be killed and run again; in the end it"
        " compares what came with what was there, and says how sign-ins stay valid. Clients reload what they show."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from, or what to do there first."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--from-data", type=Path, metavar="FOLDER", help="the data folder of the embedded shape")
        source.add_argument(
            "--from-standard", action="store_true", help="what the shape standard keeps in PostgreSQL of log and store"
        )
        source.add_argument(
            "--settle", action="store_true", help="in the old shape's environment: let the groups finish, then end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Move, or let the groups finish first."""
        try:
            if options["settle"]:
                self._settle()
            elif options["from_standard"]:
                self._from_standard()
            else:
                self._from_data(options["from_data"].expanduser().resolve())
        except (FolderTaken, Refused) as error:
            raise CommandError(str(error)) from None
        except Differs as error:
            raise CommandError(f"{error} Do not serve it: move once more into a new database.") from None
        except (DomainError, DatabaseError, OSError) as error:
            raise CommandError(f"It is not moved yet, run it again: {error}") from None

    def _settle(self) -> None:
        running.require_migrated()
        with running.groups_lock(), clock.leased(), running.new_runner() as runner:
            runner.run(_catch_up())
        self.stdout.write("The groups have finished.")

    def _from_data(self, source: Path) -> None:
        if setting("CHAT_SHAPE") != "standard" or not settings.SHARED:
            raise Refused("A folder is moved into the shape standard: set CHAT_SHAPE=standard.")
        running.require_migrated()
        with FolderLock(source), folder.opened(source) as aliases:
            folder.move(aliases, folder=source, say=self._say)
        self._say("Everything that was there came.")
        self._say(
            f"Sign-ins stay valid with the keys of {source}:"
            f' CHAT_SECRET_KEY="$(cat {source}/secret.key)" CHAT_TOKEN_KEY="$(cat {source}/tokens.pem)"'
        )
        self._say("Run: manage.py doctor && manage.py serve --all")

    def _from_standard(self) -> None:
        if setting("CHAT_SHAPE") != "cluster":
            raise Refused("Log and store are moved into the shape cluster: set CHAT_SHAPE=cluster.")
        running.require_migrated()
        with schema.opened(), running.new_runner() as runner:
            runner.run(_move_schema(self._say))
        self._say("Everything that was there came. What was moved is still in the schema messages of PostgreSQL.")
        self._say("Run: manage.py doctor && manage.py serve --all")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


async def _move_schema(say: Say) -> None:
    try:
        await schema.move(topic=setting("CHAT_KAFKA_TOPIC"), say=say)
    finally:
        await running.close_backends()


async def _catch_up() -> None:
    try:
        await catch_up(groups())
    finally:
        await running.close_backends()
