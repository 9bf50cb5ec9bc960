"""Who has taken note of important messages, and what waits for somebody to do so."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from chat.fold import MessageState
from chat.models import Acknowledgement, ImportantMessage, Participant
from chat.queries import places
from chat.queries.messages import require_message
from chat.queries.places import Place, among
from chat.queries.reactions import Reactions
from chatsite.accounts.models import User
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict
from chatsite.kernel.ids import ChatId, MessageId, UserId

NAMED = 10  # of those who have acknowledged a message, how many a page names: the first, and the viewer
MOST_WAITING = 100  # of those who have not, how many are named


class Noted(NamedTuple):
    """How many have acknowledged a message, and who: the first of them, and the viewer if they have."""

    given: int
    users: Sequence[str]


NOBODY = Noted(0, ())


class Given(NamedTuple):
    """An acknowledgement; `version` says when (microseconds)."""

    user: UUID
    version: int


class Waiting(NamedTuple):
    """Who of those that are in the chat now has yet to acknowledge a message: how many, and who, up to 100."""

    left: int
    users: Sequence[UUID]


class Acknowledgers(NamedTuple):
    """Who has acknowledged a message, the first of them first; `next` is where to go on, None at the end.

    `waiting` is for the message's sender alone.
    """

    given: Sequence[Given]
    next: int | None
    waiting: Waiting | None


class ToDo(NamedTuple):
    """Important messages that somebody has not acknowledged, the newest first; `next` is where to go on."""

    messages: list[MessageState]
    reactions: Reactions
    next: MessageId | None


def of_page(states: Iterable[MessageState], *, viewer: str) -> Mapping[Place, Noted]:
    """Of those messages that are important, who has acknowledged them; one query, and none where nothing is."""
    asked = [state for state in states if state.important and not state.is_deleted]
    if not asked:
        return {}
    rows = (
        Acknowledgement.objects.filter(among(asked, prefix="message__"))
        .annotate(
            number=Window(RowNumber(), partition_by=F("message_id"), order_by=F("version").asc()),
            total=Window(Count("id"), partition_by=F("message_id")),
        )
        .filter(Q(number__lte=NAMED) | (Q(user=UUID(viewer)) if viewer else Q(pk__in=[])))
        .order_by("version")
        .values_list("message__chat", "message__message_id", "user", "total")
    )
    users: defaultdict[Place, list[str]] = defaultdict(list)
    totals: dict[Place, int] = {}
    for chat_id, message, user, total in rows:
        place = ChatId(chat_id), MessageId(message)
        users[place].append(str(user))
        totals[place] = total
    return {place: Noted(totals[place], tuple(named)) for place, named in users.items()}


async def of(
    chat: ChatId, message: MessageId, *, viewer: UserId, after: int | None = None, limit: int
) -> Acknowledgers:
    """Who has acknowledged an important message; NotFound, Conflict for another message, Unavailable."""
    state = await require_message(chat, message, viewer=viewer)
    if state.is_deleted or not state.important:
        raise Conflict("This message asks for no acknowledgement.")
    with unavailable_when_away():
        return await in_db_thread(_of, chat, state, viewer, after, limit)


async def to_do(*, viewer: UserId, before: MessageId | None = None, limit: int) -> ToDo:
    """What waits for somebody's acknowledgement; what was said within the last second may be missing."""
    with unavailable_when_away():
        rows = await in_db_thread(_to_do, viewer, before, limit + 1)
    states = await places.read(rows[:limit], viewer=viewer)
    messages = [states[place] for place in rows[:limit] if place in states]
    reactions = await places.reactions_to(messages, viewer=viewer)
    return ToDo(messages, reactions, rows[limit - 1][1] if len(rows) > limit else None)


def _of(chat: ChatId, state: MessageState, viewer: UserId, after: int | None, limit: int) -> Acknowledgers:
    given = Acknowledgement.objects.filter(message__chat=chat, message__message_id=state.message_id)
    rows = given.filter(version__gt=after or 0).order_by("version").values_list("user", "version")[: limit + 1]
    found = [Given(*row) for row in rows]
    waiting = _waiting(chat, given, viewer) if state.sender_id == str(viewer) else None
    return Acknowledgers(found[:limit], found[limit - 1].version if len(found) > limit else None, waiting)


def _waiting(chat: ChatId, given: QuerySet[Acknowledgement], sender: UserId) -> Waiting:
    # A bot of a webhook could not acknowledge anything, and nobody waits for one.
    here = Participant.objects.filter(chat=chat, is_active=True, user__is_bot=False).exclude(user=sender)
    left = here.exclude(user__in=given.values("user"))
    users = User.objects.filter(id__in=left.values("user")).order_by("name", "username").values_list("id", flat=True)
    return Waiting(left.count(), list(users[:MOST_WAITING]))


def _to_do(viewer: UserId, before: MessageId | None, limit: int) -> list[Place]:
    mine = ImportantMessage.objects.filter(
        chat__participants__user=viewer, chat__participants__is_active=True, chat__is_archived=False, is_deleted=False
    )
    done = Acknowledgement.objects.filter(user=viewer).values("message")
    rows = mine.exclude(sender=viewer).exclude(id__in=done)
    if before is not None:
        rows = rows.filter(message_id__lt=before)
    found = rows.order_by("-message_id").values_list("chat", "message_id")[:limit]
    return [(ChatId(chat), MessageId(message)) for chat, message in found]
