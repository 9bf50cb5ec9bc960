"""Which chats one wants first in the list: a fact of Django's database, for oneself alone."""

from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock


def set_favourite(chat_id: UUID, *, user: User, favourite: bool) -> None:
    """Make a chat a favourite, or no longer; what it is already changes nothing. NotFound."""
    with transaction.atomic():
        place = locking.place(chat_id, user.id)
        if place.is_favourite == favourite:
            return
        place.is_favourite, place.version = favourite, clock.version(above=place.version)
        place.save(update_fields=["is_favourite", "version"])
        state = {"roomId": str(chat_id), "favourite": favourite}
        person_changed(user.id, kind="favourite", state=state, version=place.version)
