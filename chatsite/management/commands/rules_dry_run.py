"""Tells in how many messages of the last days the rules of staff find something, and shows none of them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.models import ModerationRule
from chat.queries.dry_runs import Looked, dry_run
from chatsite.kernel.errors import DomainError
from chatsite.management import running

DAYS = 30


class Command(BaseCommand):
    """`manage.py rules_dry_run`."""

    help = (
        "Counts, by chat and rule, the messages of the last days in which rules find something, those that are off too."
        " It changes nothing and shows no text. What was refused or masked was not said, so it is not counted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which rule, and how far back."""
        parser.add_argument("--rule", metavar="NAME", help="by its name in the admin (default: every rule)")
        parser.add_argument("--days", type=int, default=DAYS, help=f"how far back (default: {DAYS})")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and print a line for each chat and rule."""
        if options["days"] < 1:
            raise CommandError("--days is 1 or more.")
        since = datetime.now(UTC) - timedelta(days=options["days"])
        try:
            looked = asyncio.run(_look(since, _rule(options["rule"])))
        except DomainError as error:
            raise CommandError(error.detail) from None
        if options["json"]:
            self.stdout.write(json.dumps([{**one._asdict(), "chat": str(one.chat)} for one in looked], indent=2))
            return
        for one in looked:
            for rule, count in sorted(one.found.items()):
                self.stdout.write(f"{rule}: {count:,} of {one.messages:,} in {one.chat} {one.name}".rstrip())
        messages = sum(one.messages for one in looked)
        self.stdout.write(f"{messages:,} messages of {len(looked):,} chats since {since:%Y-%m-%d %H:%M} UTC.")


def _rule(name: str | None) -> UUID | None:
    if name is None:
        return None
    found = ModerationRule.objects.filter(name=name).values_list("id", flat=True)
    if len(found) != 1:
        raise CommandError(f"There {'is no rule' if not found else f'are {len(found)} rules'} called {name!r}.")
    return found[0]


async def _look(since: datetime, rule: UUID | None) -> list[Looked]:
    try:
        return [one async for one in dry_run(since=since, rule=rule)]
    finally:
        await running.close_backends()
