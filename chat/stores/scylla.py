"""The message store in ScyllaDB or Cassandra; here a chat is `channel_id`.

Cells resolve by the highest write timestamp, so each write says how it wins: what a
message brings is dated by its id's time, what changes it by the change's version, at
least one microsecond later. Any order of the same writes ends the same. Only changes
read a message before they write: for the text they replace.
A delete is final because readers look at `deleted_at` first; the text it takes is blanked
with a date above every edit that is stored, and an edit that comes later brings none.
"""

import asyncio
import logging
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from chat.events import MessageDeleted, MessageEdited, MessageImported, MessageSent, Origin, body_digest
from chat.fold import MessageState, Stamped
from chat.inboxes import Unread
from chat.stores import PAGE_BUCKETS, PAGE_SECONDS, Edit, Nonce, StorePage, written_up_to
from chat.stores import scylla_describing as describing
from chat.stores import scylla_schema as schema
from chat.stores import scylla_statements as cql
from chat.stores.scylla_session import ERASE_AHEAD_US, UNSET, Bound, Cql, Row, Statement, all_of, iso_of
from chatsite.kernel import clock
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.ids import BUCKET_MS, MAX_ID, ChatId, MessageId, UserId, bucket_of, make_id, ms_of, unix_ms_of
from chatsite.kernel.ids import version_of as moment_of  # of an id, in microseconds since 1970
from chatsite.kernel.servers import Description

logger = logging.getLogger(__name__)
R = TypeVar("R")

TOGETHER = 16  # messages of one partition in one request
NOTED_BUCKETS = 100_000  # buckets this process has written already, about 20 MB; a forgotten one is written again
NONCE_MS = 24 * 3_600_000
LOOKS = 2  # queries a page spends on one bucket: a second one where hidden rows filled the first
UNREAD_ROWS = 256  # rows of one query that counts
UNREAD_MOST = 4_096  # rows a count looks at in one chat; imports and one's own messages above it hide what is older
LATE_MS = 120_000  # how long after its id's time a message may get its pos: a retry keeps its id for 60 s
ERASE_ROWS = 1_000

# What is left of the text of a deleted message: values, for a null would be a tombstone.
_NOTHING: tuple[Any, ...] = ("", "", [], set())
_encode = msgspec.json.encode
_origin = msgspec.json.Decoder(Origin).decode


class ScyllaMessageStore:
    """MessageStore over the tables of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)
        self._pages = _Shared()
        self._noted: OrderedDict[tuple[UUID, int], None] = OrderedDict()

    async def open(self) -> None:
        try:
            await self._cql.open()
            await asyncio.to_thread(schema.require_applied, self._cql)
        except Unavailable as error:
            logger.warning("the message store is away, its tables are not looked at: %s", error)

    async def add(self, chat: ChatId, sent: Sequence[Stamped]) -> None:
        by_bucket: dict[int, list[Stamped]] = defaultdict(list)
        for one in sent:
            by_bucket[bucket_of(int(one.event.message_id))].append(one)
        await self._note_buckets(chat, by_bucket)
        batches = [
            [bound for one in chunk for bound in _sent(chat, one)]
            for said in by_bucket.values()
            for chunk in _chunks(said, TOGETHER)
        ]
        nonces = [values for one in sent if (values := _nonce(chat, one, now_ms=clock.now_ms())) is not None]
        writes = [self._cql.write_together(batch) for batch in batches]
        await all_of([*writes, *(self._cql.write(cql.NONCE, *values) for values in nonces)])

    async def change(self, chat: ChatId, changed: Sequence[Stamped]) -> None:
        by_message: dict[MessageId, list[Stamped]] = defaultdict(list)
        for one in changed:
            by_message[MessageId(int(one.event.message_id))].append(one)
        await self._note_buckets(chat, {bucket_of(message) for message in by_message})
        await all_of(self._change_one(chat, message, happened) for message, happened in by_message.items())

    async def get(self, chat: ChatId, message: MessageId) -> MessageState | None:
        rows = await self._cql.rows(cql.GET, chat, bucket_of(message), message)
        return _state(rows[0]) if rows else None

    async def page(
        self, chat: ChatId, *, before: MessageId | None = None, after: MessageId | None = None, limit: int
    ) -> StorePage:
        if after is not None:
            return await self._pages.of((chat, after, limit, True), lambda: self._after(chat, after, limit))
        bound = before if before is not None else MessageId(MAX_ID)
        return await self._pages.of((chat, bound, limit, False), lambda: self._before(chat, bound, limit))

    async def edits(self, chat: ChatId, message: MessageId) -> list[Edit]:
        state = await self.get(chat, message)
        if state is None or state.is_deleted:
            return []
        rows = await self._cql.rows(cql.TEXTS, chat, message, state.version)
        return [Edit(version, content, iso_of(edited_at)) for version, content, edited_at in rows]

    async def find_nonce(self, chat: ChatId, sender: UserId, nonce: str) -> Nonce | None:
        rows = await self._cql.rows(cql.FIND_NONCE, chat, sender, nonce)
        return Nonce(*rows[0]) if rows else None

    async def unread(
        self, viewer: UserId, above: Mapping[ChatId, int], *, types: Sequence[str], limit: int
    ) -> dict[ChatId, list[Unread]]:
        found = await all_of(
            self._unread(chat, _Counting(viewer, pos, frozenset(types), limit)) for chat, pos in above.items()
        )
        return {chat: unread for chat, unread in zip(above, found, strict=True) if unread}

    async def size(self, chat: ChatId) -> int:
        counts = await all_of(self._cql.rows(cql.SIZE, chat, bucket) for bucket in await self._buckets(chat))
        return sum(rows[0][0] for rows in counts)

    async def erase(self, chat: ChatId) -> dict[str, int]:
        counts = {"messages": 0, "message_edits": 0, "channel_buckets": 0}  # Nonces go by themselves within a day.
        moment = time.time_ns() // 1_000 + ERASE_AHEAD_US
        for bucket in await self._buckets(chat):
            senders, edited = set(), []
            async for message, sender, edited_at in self._keys(chat, bucket):
                counts["messages"] += 1
                senders.add(sender)
                edited += [message] if edited_at is not None else []
            texts = await all_of(self._cql.rows(cql.TEXTS, chat, message, MAX_ID) for message in edited)
            await all_of(self._cql.write(cql.DROP_TEXTS, moment, chat, message) for message in edited)
            await all_of(self._cql.write(cql.DROP_NONCES, moment, chat, sender) for sender in senders - {None})
            await self._cql.write(cql.DROP_MESSAGES, moment, chat, bucket)
            # Last: a run that is killed finds by it what is left.
            await self._cql.write(cql.DROP_BUCKET, moment, chat, bucket)
            self._noted.pop((chat, bucket), None)
            counts["message_edits"] += sum(map(len, texts))
            counts["channel_buckets"] += 1
        return counts

    async def applied(self, chat: ChatId) -> int:
        return await written_up_to(chat)

    async def describe(self) -> Description:
        return await asyncio.to_thread(describing.describe, self._cql)

    async def close(self) -> None:
        await asyncio.to_thread(self._cql.close)

    # --- tables

    def migrate(self) -> Iterator[str]:
        """Make the keyspace and apply the files it lacks; names each one when it is applied."""
        return schema.migrate(self._cql)

    def lacks(self) -> Iterator[str]:
        """The statements that `migrate` would execute now."""
        yield schema.keyspace_statement(self._cql)
        for file in schema.files(self._cql):
            if not file.applied:
                yield from file.statements

    def files(self) -> dict[str, bool]:
        """The numbered files, and whether each was applied."""
        return {file.name: file.applied for file in schema.files(self._cql)}

    # --- writes

    async def _note_buckets(self, chat: ChatId, buckets: Iterable[int]) -> None:
        """Write which buckets hold something, before anything is in them: a walk finds what it holds."""
        new = [bucket for bucket in buckets if (chat, bucket) not in self._noted]
        await all_of(
            self._cql.write(cql.BUCKET, chat, bucket, moment_of(make_id(bucket * BUCKET_MS, 0, 0))) for bucket in new
        )
        for bucket in new:
            self._noted[chat, bucket] = None
            if len(self._noted) > NOTED_BUCKETS:
                self._noted.popitem(last=False)

    async def _change_one(self, chat: ChatId, message: MessageId, changed: Sequence[Stamped]) -> None:
        """Apply changes of one message, in order: each reads what the one before it wrote."""
        where = (chat, bucket_of(message), message)
        for event, version, _ in changed:
            state, moment = await self.get(chat, message), max(version, moment_of(message) + 1)
            match event:
                case MessageEdited() if state is not None and state.is_deleted:
                    await self._cql.write(cql.BLANK, moment, version, *_NOTHING, *where)
                case MessageEdited():
                    await self._keep_texts(chat, state, event, version, moment=moment)
                    text = (event.content, event.html or "", set(event.mentions), _time(event.edited_at))
                    await self._cql.write(cql.EDIT, moment, version, *text, *where)
                case MessageDeleted():
                    by = (UUID(event.by), _time(event.deleted_at), event.reason or "")
                    newest = max(version, state.version if state is not None else version)
                    blank = (max(moment, newest + 1), newest, *_NOTHING, *where)
                    await self._cql.write_together([(cql.DELETE, (moment, *by, *where)), (cql.BLANK, blank)])
                    await self._cql.write(cql.DROP_TEXTS, blank[0], chat, message)

    async def _keep_texts(
        self, chat: ChatId, state: MessageState | None, event: MessageEdited, version: int, *, moment: int
    ) -> None:
        """Keep an edit's own text, and before the first edit the one that the message was sent with."""
        message = MessageId(int(event.message_id))
        if state is not None and state.created_at is not None and not state.is_edited:
            first = moment_of(message)
            await self._cql.write(cql.TEXT, chat, message, first, state.content, _time(state.created_at), first)
        await self._cql.write(cql.TEXT, chat, message, version, event.content, _time(event.edited_at), moment)

    # --- reads

    async def _buckets(self, chat: ChatId) -> list[int]:
        return [bucket for (bucket,) in await self._cql.rows(cql.BUCKETS, chat)]

    async def _before(self, chat: ChatId, before: MessageId, limit: int) -> StorePage:
        buckets = await self._cql.rows(cql.BUCKETS_DOWN, chat, bucket_of(before), PAGE_BUCKETS + 1)
        found, more, stopped_at = await self._walk(chat, cql.OLDER, [bucket for (bucket,) in buckets], before, limit)
        return StorePage(found[::-1], more, stopped_at)

    async def _after(self, chat: ChatId, after: MessageId, limit: int) -> StorePage:
        buckets = await self._cql.rows(cql.BUCKETS_UP, chat, bucket_of(after), PAGE_BUCKETS + 1)
        return StorePage(*await self._walk(chat, cql.NEWER, [bucket for (bucket,) in buckets], after, limit))

    async def _walk(
        self, chat: ChatId, rows: Statement, buckets: Sequence[int], bound: MessageId, limit: int
    ) -> tuple[list[MessageState], bool, MessageId | None]:
        """Messages bucket by bucket; whether there are more, and the cursor where the work limit struck."""
        deadline = time.monotonic() + PAGE_SECONDS
        found: list[MessageState] = []
        for number, bucket in enumerate(buckets[:PAGE_BUCKETS], start=1):
            visible, stopped_at = await self._visible(chat, rows, bucket, bound, limit + 1 - len(found))
            found += visible
            if len(found) > limit:
                return found[:limit], True, None
            if stopped_at is not None:
                return found, True, stopped_at
            if number < len(buckets) and (number == PAGE_BUCKETS or time.monotonic() > deadline):
                return found, True, _end_of(bucket, newer=rows is cql.NEWER)
        return found, False, None

    async def _visible(
        self, chat: ChatId, statement: Statement, bucket: int, bound: MessageId, wanted: int
    ) -> tuple[list[MessageState], MessageId | None]:
        """Messages of one bucket, and the last row's id where rows that are hidden took all its looks."""
        found: list[MessageState] = []
        for _ in range(LOOKS):
            asked = wanted - len(found)
            rows = await self._cql.rows(statement, chat, bucket, bound, asked)
            found += [state for state in map(_state, rows) if state.is_visible]
            if len(rows) < asked or len(found) == wanted:
                return found, None
            bound = rows[-1][1]
        return found, bound

    async def _unread(self, chat: ChatId, counting: "_Counting") -> list[Unread]:
        """What a walk down the newest buckets finds, until nothing older can count or its work is done."""
        looked = 0
        for (bucket,) in await self._cql.rows(cql.BUCKETS_DOWN, chat, bucket_of(MAX_ID), PAGE_BUCKETS):
            bound = MAX_ID
            while not counting.done and looked < UNREAD_MOST:
                rows = await self._cql.rows(cql.COUNTED, chat, bucket, bound, UNREAD_ROWS)
                counting.take(rows)
                looked += len(rows)
                if len(rows) < UNREAD_ROWS:
                    break
                bound = rows[-1][0]
        return sorted(counting.found, key=lambda one: one.pos)

    async def _keys(self, chat: ChatId, bucket: int) -> AsyncIterator[Row]:
        """The ids of a bucket with what else is kept under them."""
        bound = MAX_ID
        while rows := await self._cql.rows(cql.KEYS, chat, bucket, bound, ERASE_ROWS):
            for row in rows:
                yield row
            bound = rows[-1][0]


class _Counting:
    """Which rows of a chat somebody has not read; rows come in falling id.

    Ids and positions rise together but for LATE_MS: what got its pos after a message did has an id that
    is at most so much older. So nothing counts that far below the newest row at or below `above`.
    """

    def __init__(self, viewer: UserId, above: int, types: frozenset[str], limit: int) -> None:
        self._viewer, self._above, self._types, self._limit = viewer, above, types, limit
        self._floor_ms: int | None = None
        self.found: list[Unread] = []
        self.done = False

    def take(self, rows: Sequence[Row]) -> None:
        """Count rows; `done` once those below them cannot change what was found."""
        for message, pos, sender, message_type, thread, deleted_at, mentions in rows:
            if len(self.found) == self._limit or (self._floor_ms is not None and ms_of(message) < self._floor_ms):
                self.done = True
                return
            if pos is None or message_type is None:
                continue
            if pos <= self._above:
                self._floor_ms = self._floor_ms if self._floor_ms is not None else ms_of(message) - LATE_MS
            elif message_type in self._types and sender != self._viewer and thread is None and deleted_at is None:
                named = mentions or ()
                self.found.append(Unread(message, pos, str(self._viewer) in named or "all" in named))


class _Shared:
    """Equal reads at the same time share one: who asks while it runs shares the next, which sees all before it."""

    def __init__(self) -> None:
        self._running: dict[Any, asyncio.Task[Any]] = {}
        self._next: dict[Any, asyncio.Task[Any]] = {}

    async def of(self, read: Any, work: Callable[[], Awaitable[R]]) -> R:
        """What a read answers that starts from here on."""
        key = (asyncio.get_running_loop(), read)
        if (task := self._next.get(key)) is None:
            task = self._next[key] = asyncio.ensure_future(self._run(key, work))
        return await asyncio.shield(task)  # One who goes away leaves it to the others.

    async def _run(self, key: Any, work: Callable[[], Awaitable[R]]) -> R:
        if running := self._running.get(key):
            await asyncio.wait([running])
        task = self._running[key] = self._next.pop(key)
        try:
            return await work()
        finally:
            if self._running[key] is task:
                del self._running[key]


def _chunks(items: Sequence[Stamped], size: int) -> Iterator[list[Stamped]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _end_of(bucket: int, *, newer: bool) -> MessageId:
    """The cursor behind a bucket."""
    return MessageId(make_id((bucket + 1) * BUCKET_MS, 0, 0) - 1) if newer else make_id(bucket * BUCKET_MS, 0, 0)


def _sent(chat: ChatId, said: Stamped) -> Iterator[Bound]:
    """The writes of one message: it binds nothing that only a change sets, and no null."""
    event, version, pos = said
    assert isinstance(event, MessageSent | MessageImported)
    message = MessageId(int(event.message_id))
    where = (chat, bucket_of(message), message)
    yield (
        cql.SENT,
        (
            *where,
            version,
            event.content,
            UUID(event.sender_id),
            event.html or UNSET,
            event.message_type,
            int(event.reply_to_id) if event.reply_to_id else UNSET,
            int(event.thread_id) if event.thread_id else UNSET,
            [UUID(one) for one in event.attachments] or UNSET,
            set(event.mentions) or UNSET,
            _encode(event.origin).decode() if event.origin else UNSET,
            (isinstance(event, MessageSent) and event.nonce) or UNSET,
            _time(event.sent_at),
            moment_of(message),
        ),
    )
    if isinstance(event, MessageSent):
        # A retry stands in the log twice and the first place is the message's: the lower pos has the later date.
        yield cql.PLACE, (moment_of(message) - pos, pos, *where)


def _nonce(chat: ChatId, said: Stamped, *, now_ms: int) -> tuple[Any, ...] | None:
    """The row of a message's nonce, None where no client may retry any more."""
    event = said.event
    if not isinstance(event, MessageSent) or event.nonce is None:
        return None
    message = MessageId(int(event.message_id))
    if unix_ms_of(message) < now_ms - NONCE_MS:
        return None
    digest = body_digest(event.content, event.reply_to_id, event.mentions)
    return chat, UUID(event.sender_id), event.nonce, message, digest, moment_of(message)


def _state(row: Row) -> MessageState:
    (
        chat_id, message_id, version, content, sender_id, html, message_type, reply_to_id, thread_id, attachments,
        mentions, origin, nonce, pos, created_at, edited_at, deleted_by, deleted_at, delete_reason,
    ) = row  # fmt: skip
    gone = deleted_at is not None
    return MessageState(
        chat_id=str(chat_id),
        message_id=message_id,
        version=version,
        content="" if gone else content,
        sender_id=str(sender_id) if sender_id else None,
        html=None if gone else html or None,
        message_type=message_type,
        reply_to_id=reply_to_id,
        thread_id=thread_id,
        attachments=() if gone else tuple(str(one) for one in attachments or ()),
        mentions=() if gone else tuple(mentions or ()),
        origin=_origin(origin) if origin else None,
        nonce=nonce,
        pos=pos,
        created_at=iso_of(created_at) if created_at else None,
        edited_at=iso_of(edited_at) if edited_at and not gone else None,
        deleted_by=str(deleted_by) if deleted_by else None,
        deleted_at=iso_of(deleted_at) if gone else None,
        delete_reason=delete_reason or None,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
