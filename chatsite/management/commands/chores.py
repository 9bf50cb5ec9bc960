"""Looks after deferred work: what waits, what was given up, retry."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsite.kernel import chores
from chatsite.kernel.models import Chore

SHOWN = 200


class Command(BaseCommand):
    """`manage.py chores`."""

    help = "Shows the chores that wait or were given up; --retry KIND KEY tries one that was given up again."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do; without an option it only shows."""
        parser.add_argument("--retry", nargs=2, metavar=("KIND", "KEY"), help="try a chore again (in `serve`)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show, or let the running server try again."""
        if not options["retry"]:
            lines = [_line(chore) for chore in Chore.objects.order_by("given_up_at", "due_at")[:SHOWN]]
            self.stdout.write("\n".join(lines) or "Nothing waits, and nothing was given up.")
            return
        kind, key = options["retry"]
        if not chores.retry(kind, key):
            raise CommandError(f"No chore {kind} {key} was given up.")
        self.stdout.write("It is tried again within a second by the running server.")


def _line(chore: Chore) -> str:
    state = "given up" if chore.given_up_at else f"due {chore.due_at:%Y-%m-%d %H:%M:%SZ}"
    return f"{state}  {chore.kind}  {chore.key}  tries {chore.tries}" + (f": {chore.error}" if chore.error else "")
