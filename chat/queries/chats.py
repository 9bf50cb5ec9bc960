"""The chats of a person, as lists show them."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from chat.models import Ban, Chat, Erased, Invite, Participant
from chat.policy import Mode
from chat.queries import activity, unread
from chat.queries.erased import CHAT
from chat.queries.participants import chat_id
from chat.queries.unread import Counts, position_of
from chatsite.accounts.models import User
from chatsite.gateway.streams import stream
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Invalid, NotFound
from chatsite.kernel.eventlog import Positions
from chatsite.kernel.ids import ChatId, UserId

PAGE = 200  # chats or participants of one answer
HEARD = 500  # chats that SUBSCRIBE "all" hears at once, the latest
LATE_US = 10_000_000  # rows follow their events within seconds: who asks what changed gets that much more


class Membership(NamedTuple):
    """A chat as one of its participants has it."""

    chat: Chat
    participant: Participant


def require_participant(chat_id: UUID, user: User) -> Membership:
    """A chat and the viewer's place in it; NotFound where they have none."""
    participant = _places(user.id).filter(chat_id=chat_id).first()
    if participant is None:
        raise NotFound()
    return Membership(participant.chat, participant)


def page(user: User, *, words: str = "", changed_since: int = 0, after: str | None = None) -> list[Membership]:
    """Up to 201 chats of a person, the latest first; one more than a page says there is a next one.

    `after` is the cursor `cursor()` made of the last chat of the page before.
    """
    places = _places(user.id)
    if words:
        places = places.filter(chat__name__icontains=words)
    if changed_since:
        since = changed_since - LATE_US
        places = places.filter(Q(chat__version__gt=since) | Q(version__gt=since))
    if after is not None:
        places = places.filter(_below(after))
    ordered = places.order_by("-chat__version", "-chat_id")[: PAGE + 1]
    return [Membership(place.chat, place) for place in ordered]


def removed_since(user: User, changed_since: int) -> list[str]:
    """The chats that a person is in no longer and was at a version, those that were deleted for good too."""
    since = changed_since - LATE_US
    left = Participant.objects.filter(user=user, is_active=False, version__gt=since)
    moment = datetime.fromtimestamp(max(0, since) / 1_000_000, UTC)
    erased = Erased.objects.filter(kind=CHAT, created_at__gt=moment).values_list("subject", "members")
    return [
        *(str(one) for one in left.values_list("chat_id", flat=True)),
        *(str(subject) for subject, members in erased if str(user.id) in members),
    ]


def cursor(membership: Membership) -> str:
    """Where a page ended."""
    return f"{membership.chat.version}.{membership.chat.id}"


async def counts(user: UserId, memberships: Sequence[Membership], *, done: Positions) -> dict[ChatId, Counts]:
    """What a person has not read of their chats; `done` is what `unread.copied()` said before those were read."""
    copies = {chat_id(str(row.chat.id)): position_of(row.participant) for row in memberships}
    return await unread.of(user, copies, done=done)


async def subjects_of(user: str) -> dict[str, dict[str, Any]]:
    """The latest chats of a person, with what SUBSCRIBED_ALL says of each."""
    done = await unread.copied()
    memberships = await in_db_thread(_latest, UUID(user))
    large = {ChatId(row.chat.id) for row in memberships if row.chat.mode == Mode.ACTIVITY}
    own = (await stream().heads([user]))[user].pos if large else 0
    found = await counts(UserId(UUID(user)), memberships, done=done)
    activity.remember(user, {chat: found[chat] for chat in large}, own=own)
    return {
        str(chat): {"pos": one.up_to, "unread": one.unread, "mentions": one.mentions} for chat, one in found.items()
    }


def participants(chat: Chat, *, after: str | None) -> list[Participant]:
    """Up to 201 active participants in the order of joining; one more than a page says there are more."""
    places = Participant.objects.filter(chat=chat, is_active=True)
    if after is not None:
        joined_at, _, place_id = after.partition("_")
        try:
            moment, last = datetime.fromisoformat(joined_at).astimezone(UTC), UUID(place_id)
        except (ValueError, OverflowError):
            raise Invalid("this is no cursor of ours.", field="after") from None
        places = places.filter(Q(joined_at__gt=moment) | Q(joined_at=moment, id__gt=last))
    return list(places.order_by("joined_at", "id")[: PAGE + 1])


def require_place(place_id: UUID) -> Participant:
    """Somebody's place by its own id; NotFound once its chat is gone."""
    place = Participant.objects.filter(id=place_id).first()
    if place is None:
        raise NotFound()
    return place


def participant_cursor(place: Participant) -> str:
    """Where a page of participants ended."""
    return f"{place.joined_at.isoformat().replace('+00:00', 'Z')}_{place.id}"


def peers(user: User, memberships: Sequence[Membership]) -> dict[UUID, list[UUID]]:
    """With whom each direct chat is, by chat; those too who left it with their company."""
    direct = [row.chat.id for row in memberships if row.chat.pair]
    others = Participant.objects.filter(chat__in=direct).exclude(user=user) if direct else Participant.objects.none()
    found: dict[UUID, list[UUID]] = {}
    for chat, other in others.order_by("joined_at", "id").values_list("chat_id", "user_id"):
        found.setdefault(chat, []).append(other)
    return found


def invites(chat: Chat, *, now: datetime) -> list[Invite]:
    """The invites of a chat that still let somebody in."""
    return list(Invite.objects.filter(chat=chat, expires_at__gt=now).order_by("created_at"))


def require_invite(code: str) -> Invite:
    """An invite by its code, ended or not; NotFound once it was revoked."""
    found = Invite.objects.filter(code=code).first()
    if found is None:
        raise NotFound()
    return found


def chats_of(user: UUID, asked: Collection[UUID]) -> set[str]:
    """Those of some chats that somebody is in."""
    if not asked:
        return set()
    places = Participant.objects.filter(user=user, chat__in=asked, is_active=True)
    return {str(chat) for chat in places.values_list("chat", flat=True)}


def bans(chat: Chat) -> list[Ban]:
    """Who may not come back into a chat."""
    return list(Ban.objects.filter(chat=chat).order_by("created_at"))


def require_receipt(receipt_id: UUID, user: User) -> Erased:
    """The receipt of what somebody has erased; NotFound for everybody but them and staff."""
    receipt = Erased.objects.filter(id=receipt_id).first()
    if receipt is None or not (receipt.by_id == user.id or user.is_staff):
        raise NotFound()
    return receipt


def _latest(user: UUID) -> list[Membership]:
    places = _places(user).order_by("-chat__version", "-chat_id")[:HEARD]
    return [Membership(place.chat, place) for place in places]


def _below(after: str) -> Q:
    version, _, last = after.partition(".")
    try:
        return Q(chat__version__lt=int(version)) | Q(chat__version=int(version), chat_id__lt=UUID(last))
    except ValueError:
        raise Invalid("this is no cursor of ours.", field="after") from None


def _places(user: UUID) -> "QuerySet[Participant]":
    return Participant.objects.select_related("chat").filter(user=user, is_active=True)
