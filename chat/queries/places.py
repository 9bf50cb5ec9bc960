"""Messages of several chats, as they are now."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from chat.fold import MessageState
from chat.queries.messages import find_all, reactions
from chat.queries.reactions import Reactions
from chatsite.kernel.errors import NotFound
from chatsite.kernel.ids import ChatId, MessageId, UserId

Place = tuple[ChatId, MessageId]


def place_of(state: MessageState) -> Place:
    """Where a message is."""
    return ChatId(UUID(state.chat_id)), MessageId(state.message_id)


def among(states: Iterable[MessageState], *, prefix: str = "") -> Q:
    """Which rows are of one of some messages: an id of one chat is nothing in another."""
    by_chat: defaultdict[str, list[int]] = defaultdict(list)
    for state in states:
        by_chat[state.chat_id].append(state.message_id)
    wanted = Q(pk__in=[])
    for chat, ids in by_chat.items():
        wanted |= Q(**{f"{prefix}chat": UUID(chat), f"{prefix}message_id__in": ids})
    return wanted


async def read(places: Iterable[Place], *, viewer: UserId) -> dict[Place, MessageState]:
    """Those of some messages that are not deleted, but for those of chats that the viewer has left."""
    by_chat: defaultdict[ChatId, list[MessageId]] = defaultdict(list)
    for chat, message in places:
        by_chat[chat].append(message)
    found: dict[Place, MessageState] = {}
    for chat, wanted in by_chat.items():
        try:
            states = await find_all(chat, wanted, viewer=viewer)
        except NotFound:
            continue
        found |= {(chat, MessageId(state.message_id)): state for state in states}
    return found


async def reactions_to(messages: Iterable[MessageState], *, viewer: UserId) -> Reactions:
    """The reactions of messages of several chats, by message id."""
    by_chat: defaultdict[str, list[MessageState]] = defaultdict(list)
    for state in messages:
        by_chat[state.chat_id].append(state)
    given = [await reactions(ChatId(UUID(chat)), states, viewer=viewer) for chat, states in by_chat.items()]
    return {message: tallies for one in given for message, tallies in one.items()}
