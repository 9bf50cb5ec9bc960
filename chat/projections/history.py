"""The group `history-writers`: message facts become rows of the message store."""

from collections.abc import Sequence

from chat.events import MessageDeleted, MessageEdited, MessageSent
from chat.fold import Stamped
from chat.messages import Message
from chat.queries.participants import chat_id
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

history_writers = group("history-writers")


@history_writers.project(MessageSent, MessageEdited, MessageDeleted)
async def store_messages(records: Sequence[Record]) -> None:
    """Store what happened to messages of one chat; replays land on the same rows."""
    chat = chat_id(records[0].key)
    happened = [Stamped(record.fact.payload, record.fact.version, record.pos) for record in records]
    if sent := [one for one in happened if isinstance(one.event, MessageSent)]:
        await Message.objects.add(chat, sent)
    if changed := [one for one in happened if not isinstance(one.event, MessageSent)]:
        await Message.objects.change(chat, changed)
