"""Makes the tables of the message store in ScyllaDB or Cassandra."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from chat.stores import NotMigrated
from chat.stores.cql import Cql, schema
from chatsite.kernel.errors import Unavailable

ALIAS = "cassandra"
LOCK = 0x43514C  # an advisory lock of PostgreSQL's; any number that nothing else of ours takes


class Command(BaseCommand):
    """`manage.py migrate_messages`."""

    help = "Makes the keyspace and the tables of the message store: the numbered files that it lacks, in order."

    def add_arguments(self, parser: CommandParser) -> None:
        """Do it, or only look."""
        parser.add_argument("--dry-run", action="store_true", help="print the statements, execute none")
        parser.add_argument("--status", action="store_true", help="list the files, and which are applied")

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply what is missing."""
        if ALIAS not in settings.DATABASES:
            raise CommandError("This shape keeps messages elsewhere; CHAT_SHAPE=cluster has them in ScyllaDB.")
        cql = Cql.of(ALIAS)
        try:
            if options["status"]:
                self._say(f"{'applied' if file.applied else 'missing'}  {file.name}" for file in schema.files(cql))
            elif options["dry_run"]:
                self._say(_statements(cql))
            else:
                with _alone():
                    self._say(f"applied  {name}" for name in schema.migrate(cql))
                self.stdout.write(f"The keyspace {cql.keyspace} is up to date.")
        except NotMigrated as error:
            raise CommandError(str(error)) from None
        except Unavailable as error:
            raise CommandError(f"{error} {error.__cause__ or ''}") from None
        finally:
            cql.close()

    def _say(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _statements(cql: Cql) -> Iterator[str]:
    yield f"{schema.keyspace_statement(cql)};"
    for file in schema.files(cql):
        if not file.applied:
            yield from (f"{statement};" for statement in file.statements)


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: two that make the same table by two servers can leave it torn."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's transaction is such a lock by itself.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
