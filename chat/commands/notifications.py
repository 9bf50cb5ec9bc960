"""What one wants to be notified of: a fact of Django's database, for oneself alone."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock
from chatsite.kernel.events import iso


def mute_for_oneself(chat_id: UUID, *, user: User, until: datetime | None) -> None:
    """Let a chat not notify one before a time; None wants notifications again."""
    with transaction.atomic():
        place = locking.place(chat_id, user.id)
        place.notifications_muted_until, place.version = until, clock.version()
        place.save(update_fields=["notifications_muted_until", "version"])
        moment = iso(int(until.timestamp() * 1_000)) if until else None
        person_changed(user.id, kind="mute", state={"roomId": str(chat_id), "until": moment})
