"""Tells which rule lets somebody read, post or manage in a chat, or does not."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.queries.access import explain
from chatsite.accounts.models import User
from chatsite.kernel.clock import now_ms


class Command(BaseCommand):
    """`manage.py explain_access`."""

    help = "Tells what somebody may do in a chat, and which rule says so. It changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and where."""
        parser.add_argument("user", metavar="USER", help="a username or the id of a person")
        parser.add_argument("chat", metavar="CHAT", help="the id of a chat")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each action."""
        if (chat := _uuid(options["chat"])) is None:
            raise CommandError(f"{options['chat']!r} is no id of a chat.")
        user = _find_user(options["user"])
        decisions = explain(user, chat, now_ms=now_ms())
        if options["json"]:
            decided = [decision._asdict() for decision in decisions]
            person = str(user.id) if user else None
            self.stdout.write(json.dumps({"user": person, "chat": str(chat), "decisions": decided}, indent=2))
            return
        for action, allowed, rule, code, why in decisions:
            answer = "yes" if allowed else f"no, {code}"
            self.stdout.write(f"{action}: {answer} (rule {rule!r}: {why})")
        if user is not None and user.is_staff:
            self.stdout.write("As staff they may act through the admin too, with an owner's powers, on the record.")


def _find_user(text: str) -> User | None:
    user_id = _uuid(text)
    return User.objects.filter(username=text).first() or (
        User.objects.filter(id=user_id).first() if user_id is not None else None
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
