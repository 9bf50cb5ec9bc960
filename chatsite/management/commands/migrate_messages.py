"""Makes the tables of the message store in ScyllaDB or Cassandra, in the shape cluster."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from chat.stores import NotMigrated, store
from chatsite.kernel.errors import Unavailable

LOCK = 0x43514C  # an advisory lock of PostgreSQL's; any number that nothing else of ours takes


@runtime_checkable
class CqlStore(Protocol):
    """A message store whose tables Django's migrations do not make."""

    def migrate(self) -> Iterator[str]:
        """Make the keyspace and apply the files it lacks; names each one when it is applied."""

    def lacks(self) -> Iterator[str]:
        """The statements that `migrate` would execute now."""

    def files(self) -> Mapping[str, bool]:
        """The numbered files, and whether each was applied."""


class Command(BaseCommand):
    """`manage.py migrate_messages`."""

    help = (
        "Makes the keyspace and the tables of the message store: the numbered files that it lacks, in order."
        " Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Do it, or only look."""
        parser.add_argument("--dry-run", action="store_true", help="print the statements, execute none")
        parser.add_argument("--status", action="store_true", help="list the files, and which are applied")

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply what is missing."""
        messages = store()
        if not isinstance(messages, CqlStore):
            self.stdout.write("The messages of this shape are in the database: manage.py migrate_all makes its tables.")
            return
        try:
            if options["status"]:
                files = messages.files()
                self._say(f"{'applied' if applied else 'missing'}  {name}" for name, applied in files.items())
            elif options["dry_run"]:
                self._say(f"{statement};" for statement in messages.lacks())
            else:
                with _alone():
                    self._say(f"applied  {name}" for name in messages.migrate())
                self.stdout.write("The tables of the message store are up to date.")
        except NotMigrated as error:
            raise CommandError(str(error)) from None
        except Unavailable as error:
            raise CommandError(f"{error} {error.__cause__ or ''}") from None
        finally:
            asyncio.run(messages.close())

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: two that make the same table by two servers can leave it torn."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's transaction is such a lock by itself.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
