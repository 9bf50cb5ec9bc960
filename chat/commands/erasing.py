"""The chore that follows a hard delete: everything that the stores hold of a chat goes."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from chat.commands.chats import finish_erasing
from chat.indexes import index
from chat.messages import Message
from chat.projections.history import ERASE_CHAT
from chat.queries.participants import chat_id
from chat.stores import pin_store, reaction_store, read_store
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId

# What drops the rows that other apps keep of a chat, and answers how many went, by table.
erasers: list[Callable[[ChatId], Awaitable[dict[str, int]]]] = []


@chores.handles(ERASE_CHAT)
async def erase_chat(payload: dict[str, Any]) -> None:
    """Delete all that stores and index hold of a chat, and complete the receipt; a second run finds nothing."""
    chat = chat_id(payload["chat"])
    # First: what is beside the messages may be found by them.
    others = [await erase(chat) for erase in erasers]
    reactions = await reaction_store().erase(chat)
    counts = await Message.objects.erase(chat)
    for gone in others:
        counts |= gone
    counts["message_reactions"] = reactions
    counts["pinned_messages"] = await pin_store().erase(chat)
    counts["read_positions"] = await read_store().erase(chat)
    counts["messages_search"] = await index().erase(chat)
    await in_db_thread(finish_erasing, UUID(payload["receipt"]), counts)
