"""A whole chat as the store has it, for those who carry it elsewhere."""

from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from chat.fold import MessageState
from chat.messages import Message
from chat.models import Chat, Participant
from chat.queries.reactions import Reactions
from chat.stores import Edit, reaction_store
from chatsite.kernel.errors import NotFound
from chatsite.kernel.ids import MIN_ID, ChatId, MessageId

PAGE = 200  # rows in memory at once


def require_chat(chat: ChatId) -> Chat:
    """A chat, whoever is in it; NotFound where there is none."""
    if (row := Chat.objects.filter(id=chat).first()) is None:
        raise NotFound(f"There is no chat {chat}.")
    return row


def all_places(chat: Chat) -> Iterator[Sequence[Participant]]:
    """Everybody who is or was in a chat, in the order of their ids, 200 at a time."""
    last = UUID(int=0)
    while places := list(Participant.objects.filter(chat=chat, id__gt=last).order_by("id")[:PAGE]):
        yield places
        last = places[-1].id


async def earlier_texts(chat: ChatId, messages: Sequence[MessageState]) -> dict[MessageId, Sequence[Edit]]:
    """The earlier texts of those messages that were edited, oldest first; deleted ones keep none."""
    edited = [MessageId(state.message_id) for state in messages if state.is_edited and not state.is_deleted]
    return {message: await Message.objects.edits(chat, message) for message in edited}


async def stored_reactions(chat: ChatId, messages: Sequence[MessageState]) -> Reactions:
    """The reactions of those messages that are not deleted."""
    ids = [MessageId(state.message_id) for state in messages if not state.is_deleted]
    return await reaction_store().counts(chat, ids)


async def stored_messages(chat: ChatId) -> AsyncIterator[Sequence[MessageState]]:
    """The stored messages of a chat, oldest first, 200 at a time."""
    after = MIN_ID
    while True:
        page = await Message.objects.page(chat, after=MessageId(after), limit=PAGE)
        yield page.messages
        if not page.more:
            return
        after = page.cursor if page.cursor is not None else page.messages[-1].message_id
