"""Checks that nobody changed the audit log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatsite.accounts import audit


class Command(BaseCommand):
    """`manage.py verify_audit`."""

    help = "Walks the audit log's chain of hashes; names the first entry that was changed or removed, with exit code 1."

    def handle(self, *args: Any, **options: Any) -> None:
        """Walk it, and tell."""
        try:
            count = audit.verify()
        except audit.Broken as error:
            raise CommandError(f"The audit log does not hold: {error}.") from None
        self.stdout.write(f"The audit log holds: {count} entries.")
