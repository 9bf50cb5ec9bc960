"""The chats of a person, as lists show them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from chat.models import Chat, Participant
from chatsite.accounts.models import User
from chatsite.kernel.errors import Invalid, NotFound

PAGE = 200  # chats or participants of one answer


class Membership(NamedTuple):
    """A chat as one of its participants has it."""

    chat: Chat
    participant: Participant


def require_participant(chat_id: UUID, user: User) -> Membership:
    """A chat and the viewer's place in it; NotFound where they have none."""
    participant = _places(user).filter(chat_id=chat_id).first()
    if participant is None:
        raise NotFound()
    return Membership(participant.chat, participant)


def page(user: User, *, words: str = "", changed_since: int = 0, after: str | None = None) -> list[Membership]:
    """Up to 201 chats of a person, the latest first; one more than a page says there is a next one.

    `after` is the cursor `cursor()` made of the last chat of the page before.
    """
    places = _places(user)
    if words:
        places = places.filter(chat__name__icontains=words)
    if changed_since:
        places = places.filter(Q(chat__version__gt=changed_since) | Q(version__gt=changed_since))
    if after is not None:
        places = places.filter(_below(after))
    ordered = places.order_by("-chat__version", "-chat_id")[: PAGE + 1]
    return [Membership(place.chat, place) for place in ordered]


def cursor(membership: Membership) -> str:
    """Where a page ended."""
    return f"{membership.chat.version}.{membership.chat.id}"


def participants(chat: Chat, *, after: str | None) -> list[Participant]:
    """Up to 201 active participants in the order of joining; one more than a page says there are more."""
    places = Participant.objects.filter(chat=chat, is_active=True)
    if after is not None:
        joined_at, _, place_id = after.partition("_")
        try:
            moment, last = datetime.fromisoformat(joined_at), UUID(place_id)
        except ValueError:
            raise Invalid("this is no cursor of ours.", field="after") from None
        places = places.filter(Q(joined_at__gt=moment) | Q(joined_at=moment, id__gt=last))
    return list(places.order_by("joined_at", "id")[: PAGE + 1])


def participant_cursor(place: Participant) -> str:
    """Where a page of participants ended."""
    return f"{place.joined_at.isoformat().replace('+00:00', 'Z')}_{place.id}"


def _below(after: str) -> Q:
    version, _, chat_id = after.partition(".")
    try:
        return Q(chat__version__lt=int(version)) | Q(chat__version=int(version), chat_id__lt=UUID(chat_id))
    except ValueError:
        raise Invalid("this is no cursor of ours.", field="after") from None


def _places(user: User) -> "QuerySet[Participant]":
    return Participant.objects.select_related("chat").filter(user=user, is_active=True)
