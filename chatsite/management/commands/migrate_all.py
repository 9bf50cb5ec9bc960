"""Makes every table of the chosen shape, or brings it up to date."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from chatsite.management.running import sql_databases


class Command(BaseCommand):
    """`manage.py migrate_all`."""

    help = "Makes every table of the chosen shape, or brings it up to date; run again it changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Schemas, then tables, then what is no database of Django's."""
        for alias in sql_databases():
            self._make_schema(alias)
            call_command("migrate", database=alias, verbosity=options["verbosity"], interactive=False)
        for command in settings.MIGRATE_TOO:
            call_command(command)

    def _make_schema(self, alias: str) -> None:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('search_path')")
            (schema,) = cursor.fetchone()
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(schema)}")
