"""Writes into the index of the search what the message store has: what was said before it began, or all of it anew."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from chat.events import whole_text
from chat.fold import MessageState
from chat.indexes import Entry, index
from chat.messages import Message
from chat.models import Chat, Erased
from chat.queries.erased import CHAT
from chat.queries.exports import stored_messages
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, UserId

CHATS = 500  # ids in memory at once


class Indexed(NamedTuple):
    """How many messages of a chat were written; 0 where all of them were there."""

    chat: ChatId
    messages: int


async def index_all() -> AsyncIterator[Indexed]:
    """Index every chat whose messages are not all in the index: a second run goes on where the first was stopped."""
    last: UUID | None = None
    while chats := await in_db_thread(_chats_after, last):
        for chat in chats:
            yield Indexed(chat, await index_chat(chat))
        last = chats[-1]


async def index_chat(chat: ChatId) -> int:
    """Index what the store has of a chat; answers how many messages that took."""
    if await Message.objects.size(chat) == await index().size(chat):
        return 0
    count = 0
    async for states in stored_messages(chat):
        began = time.monotonic()
        entries = list(_entries(chat, states))
        await index().put(entries)
        count += len(entries)
        await asyncio.sleep(time.monotonic() - began)  # Half of the database's time is for those who talk.
    # What was read before a chat was deleted for good may have been written after everything of it went.
    if await in_db_thread(_is_erased, chat):
        await index().erase(chat)
    return count


def _entries(chat: ChatId, states: Sequence[MessageState]) -> Iterator[Entry]:
    for state in states:
        if state.sender_id is not None:
            text = None if state.is_deleted else whole_text(state.content, state.poll)
            yield Entry(chat, state.message_id, state.version, UserId(UUID(state.sender_id)), text)


def _chats_after(last: UUID | None) -> list[ChatId]:
    chats = Chat.objects.order_by("id") if last is None else Chat.objects.filter(id__gt=last).order_by("id")
    return [ChatId(chat) for chat in chats.values_list("id", flat=True)[:CHATS]]


def _is_erased(chat: ChatId) -> bool:
    return Erased.objects.filter(kind=CHAT, subject=chat).exists()
