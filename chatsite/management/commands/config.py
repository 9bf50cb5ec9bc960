"""Lists every setting: its value, where that came from, default and help."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatsite.settings.registry import SETTINGS


class Command(BaseCommand):
    """`manage.py config`."""

    help = "Lists every setting with its value, where the value came from, its default and its help."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the table that the code reads."""
        rows = [
            {
                "name": one.name,
                "kind": one.kind,
                "value": "(hidden)" if one.secret else _text(one.read()),
                "source": one.source(),
                "default": _text(one.default),
                "help": one.help,
            }
            for one in SETTINGS.values()
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            self.stdout.write(self.style.MIGRATE_HEADING(row["name"]) + f" = {row['value']}  ({row['source']})")
            self.stdout.write(f"    {row['help']} Kind: {row['kind']}; default: {row['default']}.")


def _text(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)
