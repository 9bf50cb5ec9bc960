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
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

from chat.events import MessageDeleted, MessageEdited
from chat.fold import MessageState, Stamped
from chat.inboxes import Unread
from chat.stores import PAGE_BUCKETS, PAGE_SECONDS, Edit, Nonce, StorePage, written_up_to
from chat.stores import scylla_describing as describing
from chat.stores import scylla_schema as schema
from chat.stores import scylla_statements as cql
from chat.stores.scylla_rows import NOTHING, nonce_of, place_of, rows_of, state_of, time_of
from chat.stores.scylla_session import ERASE_AHEAD_US, Cql, Row, Statement, all_of, iso_of
from chat.stores.scylla_shared import SharedReads
from chat.stores.scylla_unread import Counting
from chatsite.kernel import clock
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.ids import BUCKET_MS, MAX_ID, ChatId, MessageId, UserId, bucket_of, make_id
from chatsite.kernel.ids import version_of as moment_of  # of an id, in microseconds since 1970
from chatsite.kernel.servers import Description

logger = logging.getLogger(__name__)

TOGETHER = 16  # messages of one partition in one request
NOTED_BUCKETS = 100_000  # buckets this process has written already, about 20 MB; a forgotten one is written again
LOOKS = 2  # queries a page spends on one bucket: a second one where hidden rows filled the first
UNREAD_ROWS = 256  # rows of one query that counts
UNREAD_MOST = 4_096  # rows a count looks at in one chat; imports and one's own messages above it hide what is older
ERASE_ROWS = 1_000


class ScyllaMessageStore:
    """MessageStore over the tables of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)
        self._pages = SharedReads()
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
            [bound for one in chunk for bound in rows_of(chat, one)]
            for said in by_bucket.values()
            for chunk in _chunks(said, TOGETHER)
        ]
        nonces = [values for one in sent if (values := nonce_of(chat, one, now_ms=clock.now_ms())) is not None]
        places = [values for one in sent if (values := place_of(chat, one)) is not None]
        writes = [self._cql.write_together(batch) for batch in batches]
        writes += [self._cql.write(cql.IN_THREAD, *values) for values in places]
        await all_of([*writes, *(self._cql.write(cql.NONCE, *values) for values in nonces)])

    async def change(self, chat: ChatId, changed: Sequence[Stamped]) -> None:
        by_message: dict[MessageId, list[Stamped]] = defaultdict(list)
        for one in changed:
            by_message[MessageId(int(one.event.message_id))].append(one)
        await self._note_buckets(chat, {bucket_of(message) for message in by_message})
        await all_of(self._change_one(chat, message, happened) for message, happened in by_message.items())

    async def get(self, chat: ChatId, message: MessageId) -> MessageState | None:
        rows = await self._cql.rows(cql.GET, chat, bucket_of(message), message)
        return state_of(rows[0]) if rows else None

    async def page(
        self, chat: ChatId, *, before: MessageId | None = None, after: MessageId | None = None, limit: int
    ) -> StorePage:
        if after is not None:
            return await self._pages.of((chat, after, limit, True), lambda: self._after(chat, after, limit))
        bound = before if before is not None else MessageId(MAX_ID)
        return await self._pages.of((chat, bound, limit, False), lambda: self._before(chat, bound, limit))

    async def thread(
        self,
        chat: ChatId,
        root: MessageId,
        *,
        before: MessageId | None = None,
        after: MessageId | None = None,
        limit: int,
    ) -> StorePage:
        statement, bound = (cql.THREAD_DOWN, before if before is not None else MAX_ID)
        if after is not None:
            statement, bound = (cql.THREAD_UP, after)
        rows = await self._cql.rows(statement, chat, root, bound, limit + 1)
        by_bucket: dict[int, list[int]] = defaultdict(list)
        for (message,) in rows[:limit]:
            by_bucket[bucket_of(message)].append(message)
        found = await all_of(self._cql.rows(cql.SOME, chat, bucket, ids) for bucket, ids in by_bucket.items())
        states = [state_of(row) for some in found for row in some]
        visible = sorted((one for one in states if one.is_visible), key=lambda state: state.message_id)
        if len(rows) <= limit:
            return StorePage(visible, more=False, cursor=None)
        # A place may be written before its message: then the walk goes on behind the place.
        last = MessageId(rows[limit - 1][0])
        return StorePage(visible, more=True, cursor=None if last in {one.message_id for one in visible} else last)

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
            self._unread(chat, Counting(viewer, pos, frozenset(types), limit)) for chat, pos in above.items()
        )
        return {chat: unread for chat, unread in zip(above, found, strict=True) if unread}

    async def size(self, chat: ChatId) -> int:
        counts = await all_of(self._cql.rows(cql.SIZE, chat, bucket) for bucket in await self._buckets(chat))
        return sum(rows[0][0] for rows in counts)

    async def erase(self, chat: ChatId) -> dict[str, int]:
        counts = {
            "messages": 0,
            "message_edits": 0,
            "thread_messages": 0,
            "channel_buckets": 0,
        }  # Nonces go by themselves within a day.
        moment = time.time_ns() // 1_000 + ERASE_AHEAD_US
        for bucket in await self._buckets(chat):
            senders, edited, threads = set(), [], Counter[int | None]()
            async for message, sender, edited_at, thread in self._keys(chat, bucket):
                counts["messages"] += 1
                senders.add(sender)
                threads[thread] += 1
                edited += [message] if edited_at is not None else []
            del threads[None]
            await all_of(self._cql.write(cql.DROP_THREAD, moment, chat, thread) for thread in threads)
            texts = await all_of(self._cql.rows(cql.TEXTS, chat, message, MAX_ID) for message in edited)
            await all_of(self._cql.write(cql.DROP_TEXTS, moment, chat, message) for message in edited)
            await all_of(self._cql.write(cql.DROP_NONCES, moment, chat, sender) for sender in senders - {None})
            await self._cql.write(cql.DROP_MESSAGES, moment, chat, bucket)
            # Last: a run that is killed finds by it what is left.
            await self._cql.write(cql.DROP_BUCKET, moment, chat, bucket)
            self._noted.pop((chat, bucket), None)
            counts["message_edits"] += sum(map(len, texts))
            counts["thread_messages"] += threads.total()
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
                    await self._cql.write(cql.BLANK, moment, version, *NOTHING, *where)
                case MessageEdited():
                    await self._keep_texts(chat, state, event, version, moment=moment)
                    text = (event.content, event.html or "", set(event.mentions), time_of(event.edited_at))
                    await self._cql.write(cql.EDIT, moment, version, *text, *where)
                case MessageDeleted():
                    by = (UUID(event.by), time_of(event.deleted_at), event.reason or "")
                    newest = max(version, state.version if state is not None else version)
                    blank = (max(moment, newest + 1), newest, *NOTHING, *where)
                    await self._cql.write_together([(cql.DELETE, (moment, *by, *where)), (cql.BLANK, blank)])
                    await self._cql.write(cql.DROP_TEXTS, blank[0], chat, message)

    async def _keep_texts(
        self, chat: ChatId, state: MessageState | None, event: MessageEdited, version: int, *, moment: int
    ) -> None:
        """Keep an edit's own text, and before the first edit the one that the message was sent with."""
        message = MessageId(int(event.message_id))
        if state is not None and state.created_at is not None and not state.is_edited:
            first = moment_of(message)
            await self._cql.write(cql.TEXT, chat, message, first, state.content, time_of(state.created_at), first)
        await self._cql.write(cql.TEXT, chat, message, version, event.content, time_of(event.edited_at), moment)

    # --- reads

    async def _buckets(self, chat: ChatId) -> list[int]:
        return [bucket for (bucket,) in await self._cql.rows(cql.BUCKETS, chat)]

    async def _before(self, chat: ChatId, before: MessageId, limit: int) -> StorePage:
        buckets = await self._cql.rows(cql.BUCKETS_DOWN, chat, bucket_of(before - 1), PAGE_BUCKETS + 1)
        found, more, stopped_at = await self._walk(chat, cql.OLDER, [bucket for (bucket,) in buckets], before, limit)
        return StorePage(found[::-1], more, stopped_at)

    async def _after(self, chat: ChatId, after: MessageId, limit: int) -> StorePage:
        buckets = await self._cql.rows(cql.BUCKETS_UP, chat, bucket_of(after + 1), PAGE_BUCKETS + 1)
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
            found += [state for state in map(state_of, rows) if state.is_visible]
            if len(rows) < asked or len(found) == wanted:
                return found, None
            bound = rows[-1][1]
        return found, bound

    async def _unread(self, chat: ChatId, counting: Counting) -> list[Unread]:
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


def _chunks(items: Sequence[Stamped], size: int) -> Iterator[list[Stamped]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _end_of(bucket: int, *, newer: bool) -> MessageId:
    """The cursor behind a bucket."""
    return MessageId(make_id((bucket + 1) * BUCKET_MS, 0, 0) - 1) if newer else make_id(bucket * BUCKET_MS, 0, 0)
