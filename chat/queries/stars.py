"""What a person has starred, of what they may still read."""

from typing import NamedTuple

from django.db.models import QuerySet

from chat.fold import MessageState
from chat.models import Star
from chat.queries import places
from chat.queries.places import Place
from chat.queries.reactions import Reactions
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, MessageId, UserId


class Starred(NamedTuple):
    """A message that is starred; `version` says since when (microseconds)."""

    message: MessageState
    version: int


class StarPage(NamedTuple):
    """Starred messages, the latest star first; `next` is where to go on, None at the end."""

    stars: list[Starred]
    reactions: Reactions
    next: int | None


async def page(*, viewer: UserId, before: int | None = None, limit: int) -> StarPage:
    """Up to so many starred messages; fewer where some were deleted a moment ago."""
    rows = await in_db_thread(_rows, viewer, before, limit + 1)
    shown = rows[:limit]
    states = await places.read([place_of(row) for row in shown], viewer=viewer)
    stars = [Starred(states[place_of(row)], row.version) for row in shown if place_of(row) in states]
    reactions = await places.reactions_to([one.message for one in stars], viewer=viewer)
    return StarPage(stars, reactions, shown[-1].id if len(rows) > limit else None)


def of_chat(chat: ChatId, *, viewer: UserId) -> list[MessageId]:
    """Which messages of one chat are starred, the latest star first."""
    rows = _mine(viewer).filter(chat=chat).order_by("-id")
    return [MessageId(message) for message in rows.values_list("message_id", flat=True)]


def all_places(*, viewer: UserId) -> list[Place]:
    """Every message that is starred."""
    return [(ChatId(chat), MessageId(message)) for chat, message in _mine(viewer).values_list("chat_id", "message_id")]


def place_of(row: Star) -> Place:
    """Which message a star is of."""
    return ChatId(row.chat_id), MessageId(row.message_id)


def _rows(viewer: UserId, before: int | None, limit: int) -> list[Star]:
    rows = _mine(viewer) if before is None else _mine(viewer).filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])


def _mine(viewer: UserId) -> "QuerySet[Star]":
    return Star.objects.filter(user=viewer, chat__participants__user=viewer, chat__participants__is_active=True)
