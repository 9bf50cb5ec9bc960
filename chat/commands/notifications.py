"""What one wants to be notified of: a fact of Django's database, for oneself alone."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.models import Participant
from chat.policy import Level
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock
from chatsite.kernel.events import iso


def mute_for_oneself(chat_id: UUID, *, user: User, until: datetime | None) -> None:
    """Let a chat not notify one before a time; None wants notifications again."""
    with transaction.atomic():
        place = locking.place(chat_id, user.id)
        place.notifications_muted_until = until
        _changed(place, "notifications_muted_until")


def set_level(chat_id: UUID, level: Level, *, user: User) -> None:
    """Say what of a chat one wants to be notified of, while it is not muted; what it is already changes nothing."""
    with transaction.atomic():
        place = locking.place(chat_id, user.id)
        if place.notification_level != level:
            place.notification_level = level
            _changed(place, "notification_level")


def _changed(place: Participant, field: str) -> None:
    place.version = clock.version(above=place.version)
    place.save(update_fields=[field, "version"])
    until = place.notifications_muted_until
    state = {
        "roomId": str(place.chat_id),
        "until": iso(int(until.timestamp() * 1_000)) if until else None,
        "level": place.notification_level,
    }
    person_changed(place.user_id, kind="mute", state=state, version=place.version)
