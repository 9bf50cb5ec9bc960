"""What one wants to be notified of: a fact of Django's database, for oneself alone."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from chat.models import Participant
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock
from chatsite.kernel.errors import NotFound
from chatsite.kernel.events import iso


def mute_for_oneself(chat_id: UUID, *, user: User, until: datetime | None) -> None:
    """Let a chat not notify one before a time; None wants notifications again."""
    with transaction.atomic():
        place = Participant.objects.select_for_update().filter(chat=chat_id, user=user, is_active=True).first()
        if place is None:
            raise NotFound()
        place.notifications_muted_until, place.version = until, clock.version()
        place.save(update_fields=["notifications_muted_until", "version"])
        moment = iso(int(until.timestamp() * 1_000)) if until else None
        person_changed(user.id, kind="mute", state={"roomId": str(chat_id), "until": moment})
