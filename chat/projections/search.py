"""The group `search`: what is said becomes words in the index.

It may be late and nobody waits for it: who searches looks through what is not indexed yet.
So it writes for all chats together, once a second, and then rests for longer than it worked:
while people talk much it takes a fifth of a core, and less of the database.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from chat.events import ChatHardDeleted, MessageDeleted, MessageEdited, MessageImported, MessageSent, whole_text
from chat.fold import Stamped, apply
from chat.indexes import GROUP, Entry, index
from chat.messages import Message
from chat.queries.erased import is_erased, mark
from chat.queries.participants import chat_id
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group
from chatsite.kernel.ids import MessageId, UserId

FLUSH_SECONDS = 1.0
FLUSH_ENTRIES = 1_000  # a write that holds so many does not wait: the group works on 4,000 at most at once
REST = 4  # times what the write before took; not after imports, which come in bulk and while nobody talks

search = group(GROUP, may_lag=True)


@dataclass
class _Flush:
    """What the next write holds, and who waits for it."""

    entries: list[Entry] = field(default_factory=list)
    is_live: bool = False
    full: asyncio.Event = field(default_factory=asyncio.Event)
    done: "asyncio.Task[list[Entry]] | None" = None

    async def wait(self) -> list[Entry]:
        """Wait until everything is written; answers the changes of messages that the index has never had."""
        self.done = self.done or asyncio.get_running_loop().create_task(self._write())
        return await asyncio.shield(self.done)

    async def _write(self) -> list[Entry]:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.full.wait()
        async with _pace.turn:
            await asyncio.sleep(_pace.until - time.monotonic())
            _next.clear()
            began = time.monotonic()
            try:
                # A chat may have been deleted for good while its entries waited.
                return await index().put([one for one in self.entries if not await is_erased(str(one.chat))])
            finally:
                now = time.monotonic()
                _pace.until = now + REST * (now - began) if self.is_live else now


@dataclass
class _Pace:
    """One write at a time in this process, and none before `until` (monotonic)."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    until: float = 0.0


_next: list[_Flush] = []  # the one flush that still takes entries, if there is one
_pace = _Pace()


@search.project(MessageSent, MessageImported, MessageEdited, MessageDeleted)
async def index_later(records: Sequence[Record]) -> None:
    """Put what is said into the next write and wait for it; erased chats are left."""
    if await is_erased(records[0].key):
        return
    unknown = await _written([_entry(record) for record in records], is_live=not _is_imported(records))
    mine = [one for one in unknown if str(one.chat) == records[0].key]
    found = [await _whole(record) for record in records if _entry(record) in mine]
    await index().put([one for one in found if one is not None])


@search.project(ChatHardDeleted)
async def forget_chats(records: Sequence[Record]) -> None:
    """Forget the chats that were deleted for good: what was indexed of them since went with them."""
    for record in records:
        chat = chat_id(record.key)
        mark(chat)
        await index().erase(chat)


async def _written(entries: Sequence[Entry], *, is_live: bool) -> list[Entry]:
    if not _next:
        _next.append(_Flush())
    flush = _next[0]
    flush.entries += entries
    flush.is_live |= is_live
    if len(flush.entries) >= FLUSH_ENTRIES:
        flush.full.set()
    return await flush.wait()


def _is_imported(records: Sequence[Record]) -> bool:
    return all(isinstance(record.fact.payload, MessageImported) for record in records)


def _entry(record: Record) -> Entry:
    """What an event makes of a message."""
    event, version = record.fact.payload, record.fact.version
    chat = chat_id(record.key)
    match event:
        case MessageSent() | MessageImported():
            poll = event.poll if isinstance(event, MessageSent) else None
            text = whole_text(event.content, poll)
            return Entry(chat, int(event.message_id), version, UserId(UUID(event.sender_id)), text)
        case MessageEdited():
            return Entry(chat, int(event.message_id), version, None, event.content)
    return Entry(chat, int(event.message_id), version, None, None)


async def _whole(record: Record) -> Entry | None:
    """An edited message from the store: it was said before the index began."""
    event = record.fact.payload
    stored = await Message.objects.find(chat_id(record.key), MessageId(int(event.message_id)))
    state = apply(stored, Stamped(event, record.fact.version, record.pos))
    if state.sender_id is None:
        return None
    text = None if state.is_deleted else whole_text(state.content, state.poll)
    return Entry(chat_id(record.key), state.message_id, state.version, UserId(UUID(state.sender_id)), text)
