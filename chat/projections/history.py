"""The group `history-writers`: message facts become rows of the message store."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from chat.events import (
    ChatHardDeleted,
    MessageDeleted,
    MessageEdited,
    MessageImported,
    MessagePinned,
    MessageSent,
    MessageUnpinned,
    ReactionAdded,
    ReactionRemoved,
    ReadAdvanced,
)
from chat.fold import Stamped, pin_of
from chat.messages import Message
from chat.queries.erased import is_erased, mark
from chat.queries.participants import chat_id
from chat.stores import Reaction, Read, pin_store, reaction_store, read_store
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group
from chatsite.kernel.ids import MessageId, UserId

ERASE_CHAT = "erase_chat"  # the chore that deletes what a chat left in the stores

history_writers = group("history-writers")


@history_writers.project(MessageSent, MessageImported, MessageEdited, MessageDeleted)
async def store_messages(records: Sequence[Record]) -> None:
    """Store what happened to messages of one chat; replays land on the same rows."""
    chat = chat_id(records[0].key)
    if await is_erased(records[0].key):
        return
    happened = [Stamped(record.fact.payload, record.fact.version, record.pos) for record in records]
    if said := [one for one in happened if isinstance(one.event, MessageSent | MessageImported)]:
        await Message.objects.add(chat, said)
    if changed := [one for one in happened if isinstance(one.event, MessageEdited | MessageDeleted)]:
        await Message.objects.change(chat, changed)


@history_writers.project(ReactionAdded, ReactionRemoved)
async def store_reactions(records: Sequence[Record]) -> None:
    """Store who gave which message of one chat an emoji, or took it back; replays land on the same rows."""
    if await is_erased(records[0].key):
        return
    reactions = [
        Reaction(
            MessageId(int((changed := record.fact.payload).message_id)),
            changed.emoji,
            UserId(UUID(changed.user_id)),
            active=isinstance(changed, ReactionAdded),
            version=record.fact.version,
        )
        for record in records
    ]
    await reaction_store().set(chat_id(records[0].key), reactions)


@history_writers.project(MessagePinned, MessageUnpinned)
async def store_pins(records: Sequence[Record]) -> None:
    """Store which messages of one chat are pinned; replays land on the same rows."""
    if not await is_erased(records[0].key):
        pins = [pin_of(record.fact.payload, record.fact.version) for record in records]
        await pin_store().set(chat_id(records[0].key), pins)


@history_writers.project(ReadAdvanced)
async def store_reads(records: Sequence[Record]) -> None:
    """Store how far a person has read; erased chats have no positions."""
    reads = [
        Read(
            chat_id(read.room_id),
            UserId(UUID(read.user_id)),
            int(read.message_id),
            read.pos,
            read.read_at,
            record.fact.version,
            back=read.back,
        )
        for record in records
        if not await is_erased((read := record.fact.payload).room_id)
    ]
    if reads:
        await read_store().advance(reads)


@history_writers.project(ChatHardDeleted)
async def erase_later(records: Sequence[Record]) -> None:
    """Leave everything later of a deleted chat, and have its rows deleted once those before are written."""
    for record in records:
        mark(chat_id(record.key))
        await in_db_thread(_add_chore, record.key, record.fact.payload.receipt_id)


@transaction.atomic
def _add_chore(chat: str, receipt_id: str) -> None:
    chores.add(ERASE_CHAT, key=chat, payload={"chat": chat, "receipt": receipt_id})
