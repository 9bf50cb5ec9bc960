"""The event log in an SQL database: partitions by key, group commit.

Each append locks the head rows of its partitions, in rising order and until its
commit, so offsets are handed out in commit order. SQLite has one partition and one
process that reads; PostgreSQL has many of both, shared out by leases.
"""

import asyncio
import time
import uuid
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from chatsite.kernel.database import Writer, in_db_thread, in_read_thread, plain_cursor
from chatsite.kernel.errors import Conflict
from chatsite.kernel.eventlog import Appended, Positions
from chatsite.kernel.eventlog import sql_reads as reads
from chatsite.kernel.eventlog.sql_listening import Listener
from chatsite.kernel.eventlog.sql_reader import SqlGroupReader
from chatsite.kernel.eventlog.sql_shares import Keep, has_members, keep_offsets
from chatsite.kernel.eventlog.sql_tail import Tail
from chatsite.kernel.eventlog.sql_trimming import Trim, trim_many
from chatsite.kernel.events import NewRecord, Record
from chatsite.kernel.positions import offset_of
from chatsite.kernel.servers import Description, describe_database

COMMITTED_SECONDS = 0.05  # how long what other processes finished is believed
_LOOKUP_CHUNK = 500  # unique keys of one SELECT, under every database's limit of parameters


@dataclass(frozen=True)
class _Added:
    """What a batch adds, and what each of its items is answered."""

    records: list[Record] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    answers: list[Appended] = field(default_factory=list)


class SqlEventLog:
    """SqlLog over the tables of `kernel.models` in one of Django's databases."""

    def __init__(self, alias: str, keep_seconds: int, partitions: int = 1) -> None:
        self.alias, self.partitions = alias, partitions
        self.shared = connections[alias].vendor != "sqlite"  # several processes may read as one group
        self._keep_ms = keep_seconds * 1_000
        self._writer = Writer.of(alias)
        self._tail = Tail()
        self._readers: set[SqlGroupReader] = set()
        self._committed: dict[str, tuple[float, Positions]] = {}  # by group, with the moment (monotonic) it was read
        self._generation = 1  # until `open` has read it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener = Listener(alias, self.channel, self._wake)
        self.news = asyncio.Event()
        self.partition_of = lru_cache(maxsize=100_000)(self._partition_of)

    @property
    def channel(self) -> str:
        """The name under which PostgreSQL tells other processes of news."""
        return f"log_{self.alias}"

    async def open(self) -> str:
        self._loop = asyncio.get_running_loop()
        identity, self._generation = await in_db_thread(self._make_heads)
        return f"{identity}-{self._generation}"

    def _partition_of(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self.partitions

    def append(self, record: NewRecord) -> asyncio.Future[Appended]:
        return self._writer.submit(self._append_many, record, last=True)

    def append_in(self, records: Sequence[NewRecord]) -> None:
        if not transaction.get_connection(self.alias).in_atomic_block:
            raise RuntimeError("append_in needs the caller's transaction: use transaction.atomic().")
        with plain_cursor(self.alias) as cursor:
            self._append(cursor, records)

    async def read(self, group: str) -> SqlGroupReader:
        await in_db_thread(self._register, group)
        reader = SqlGroupReader(self, group)
        await reader.start()
        self._readers.add(reader)
        if self.shared:
            self._listener.start()
        return reader

    async def progress(self, group: str) -> Positions:
        own = [reader for reader in self._readers if reader.group == group]
        here = {partition: pos for reader in own for partition, pos in reader.progress().items()}
        if len(here) == self.partitions:
            return here
        return {**await self._committed_of(group), **here}

    async def behind(self, group: str) -> int:
        heads, done = await in_read_thread(reads.heads, self.alias), await self.progress(group)
        finished = {head.partition: max(offset_of(done.get(head.partition, 0)), head.floor) for head in heads}
        return sum(max(0, head.offset - finished[head.partition]) for head in heads)

    async def ends(self) -> Positions:
        return {head.partition: head.pos(head.offset) for head in await in_read_thread(reads.heads, self.alias)}

    async def floors(self) -> Positions:
        return {head.partition: head.pos(head.floor) for head in await in_read_thread(reads.heads, self.alias)}

    async def find(self, unique_key: str) -> Record | None:
        found = await in_read_thread(reads.records, self.alias, "r.unique_key = %s", [unique_key], limit=1)
        return found[0] if found else None

    async def newest(self, *, limit: int) -> list[Record]:
        return await in_read_thread(reads.newest_records, self.alias, self.partitions, limit)

    async def key_records(self, key: str, *, after: int, limit: int) -> list[Record]:
        where = "r.record_key = %s AND r.log_offset > %s"
        return await in_read_thread(reads.records, self.alias, where, [key, offset_of(after)], limit=limit)

    async def newest_of(self, keys: Sequence[str], *, limit: int) -> tuple[Positions, dict[str, list[Record]]]:
        return await in_read_thread(reads.newest_of, self.alias, keys, limit)

    async def park(self, record: Record, *, group: str, reason: str) -> None:
        await self._writer.submit(self._park_many, (record, group, reason))

    async def rewind(self, group: str) -> None:
        if self.shared and await in_read_thread(has_members, self.alias, group):
            raise Conflict(f"{group} is running: stop every process that runs it first.")
        self._committed.pop(group, None)
        await self._writer.submit(self._rewind_many, group)

    async def trim(self, *, now_ms: int, below: Positions, groups: Collection[str]) -> int:
        trimmed = 0
        for partition in range(self.partitions):
            stop = below.get(partition)
            job = Trim(partition, now_ms - self._keep_ms, offset_of(stop) if stop is not None else None, groups)
            while dropped := await self._writer.submit(trim_many, job):
                trimmed += dropped
        return trimmed

    async def describe(self) -> Description:
        return await in_read_thread(describe_database, self.alias)

    async def close(self) -> None:
        for reader in tuple(self._readers):
            await reader.close()
        await asyncio.to_thread(self._listener.stop)
        await asyncio.to_thread(self._writer.close)

    async def keep(self, finished: Sequence[Keep]) -> None:
        """Keep how far a reader's partitions are, with the next commit."""
        if finished:
            await self._writer.submit(self._keep_many, finished)

    def forget(self, reader: SqlGroupReader) -> None:
        """Answer progress from the table again: the reader has stopped."""
        self._readers.discard(reader)
        self._committed.pop(reader.group, None)

    async def after(self, offsets: Mapping[int, int], limit: int, *, in_table: bool) -> list[Record]:
        """The next records of some partitions, each after its offset; from memory where that has them."""
        if not self.shared:
            records = self._tail.after(offsets[0], limit) if 0 in offsets else []
            if records is not None and (records or not in_table):
                return records
        return await in_read_thread(reads.records_after, self.alias, offsets, limit) if offsets else []

    # --- inside the writer's or a caller's transaction

    def _append_many(self, cursor: CursorWrapper, records: Sequence[NewRecord]) -> list[Appended]:
        return self._append(cursor, records)

    def _append(self, cursor: CursorWrapper, records: Sequence[NewRecord]) -> list[Appended]:
        now_ms = time.time_ns() // 1_000_000
        partitions = [self.partition_of(record.key) for record in records]
        heads = self._lock_heads(cursor, sorted(set(partitions)))
        added = _numbered(records, partitions, heads, {}, now_ms)
        while not self._insert(cursor, added):
            # Somebody sends again, which is rare: only then is it looked up who took the keys. It is seen under the
            # lock, as whoever takes a key at the same time takes it in the same partition.
            self._take_back(cursor, heads)
            taken = self._taken(cursor, [record.unique_key for record in records if record.unique_key])
            added = _numbered(records, partitions, heads, taken, now_ms)
        if added.rows:
            last = {record.partition: record.offset for record in added.records}
            moved = [(offset, partition) for partition, offset in last.items()]
            cursor.executemany("UPDATE log_partitions SET head = %s WHERE partition = %s", moved)
            if self.shared:
                cursor.execute("SELECT pg_notify(%s, '')", [self.channel])
            # Robust: it is committed by then, and an error here must not look as if it were not.
            transaction.on_commit(lambda: self._tell(added.records), using=self.alias, robust=True)
        return added.answers

    @staticmethod
    def _insert(cursor: CursorWrapper, added: _Added) -> bool:
        """Insert the rows whose unique key nobody took before; False where somebody did."""
        if not added.rows:
            return True
        cursor.executemany(
            "INSERT INTO log_records"
            " (partition, log_offset, record_key, event_type, event_id, unique_key, value, appended_ms)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (unique_key) DO NOTHING",
            added.rows,
        )
        return bool(cursor.rowcount == len(added.rows))

    @staticmethod
    def _take_back(cursor: CursorWrapper, heads: Mapping[int, reads.Head]) -> None:
        """Remove what this transaction inserted: all above the heads, which it has locked."""
        cursor.executemany(
            "DELETE FROM log_records WHERE partition = %s AND log_offset > %s",
            [(head.partition, head.offset) for head in heads.values()],
        )

    def _taken(self, cursor: CursorWrapper, keys: list[str]) -> dict[str, Record]:
        """The records that took unique keys before."""
        taken = {}
        for start in range(0, len(keys), _LOOKUP_CHUNK):
            chunk = keys[start : start + _LOOKUP_CHUNK]
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(f"SELECT r.unique_key, {reads.COLUMNS} {reads.FROM} WHERE r.unique_key IN ({marks})", chunk)
            taken.update({row[0]: reads.record_of(row[1:]) for row in cursor.fetchall()})
        return taken

    def _lock_heads(self, cursor: CursorWrapper, partitions: Sequence[int]) -> dict[int, reads.Head]:
        """The heads of partitions, locked until the commit."""
        marks = ", ".join(["%s"] * len(partitions))
        cursor.execute(
            "SELECT partition, head, floor, generation FROM log_partitions"  # noqa: S608 - marks alone
            f" WHERE partition IN ({marks}) ORDER BY partition{' FOR UPDATE' if self.shared else ''}",
            partitions,
        )
        heads = {row[0]: reads.Head(*row) for row in cursor.fetchall()}
        if len(heads) < len(partitions):
            self._insert_heads(cursor)
            return self._lock_heads(cursor, partitions)
        return heads

    def _insert_heads(self, cursor: CursorWrapper) -> None:
        """Make the rows of all partitions; the first one's identity is the log's."""
        insert = (
            "INSERT INTO log_partitions (partition, head, floor, generation, identity) VALUES (%s, 0, 0, 1, %s)"
            " ON CONFLICT DO NOTHING"
        )
        cursor.execute(insert, [0, uuid.uuid4().hex])
        cursor.execute("SELECT identity FROM log_partitions WHERE partition = 0")
        (identity,) = cursor.fetchone()
        cursor.executemany(insert, [(partition, identity) for partition in range(1, self.partitions)])

    def _keep_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[Keep]]) -> list[None]:
        keep_offsets(cursor, [one for batch in batches for one in batch])
        return [None] * len(batches)

    def _park_many(self, cursor: CursorWrapper, items: Sequence[tuple[Record, str, str]]) -> list[None]:
        cursor.executemany(
            "INSERT INTO log_dead_letters (group_name, partition, log_offset, reason, value, parked_at)"
            " VALUES (%s, %s, %s, %s, %s, CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING",
            [(group, record.partition, record.offset, reason, record.value) for record, group, reason in items],
        )
        return [None] * len(items)

    def _rewind_many(self, cursor: CursorWrapper, groups: Sequence[str]) -> list[None]:
        cursor.executemany(
            "UPDATE log_group_offsets SET log_offset = (SELECT floor FROM log_partitions p"
            " WHERE p.partition = log_group_offsets.partition) WHERE group_name = %s",
            [(group,) for group in groups],
        )
        return [None] * len(groups)

    # --- blocking reads

    def _make_heads(self) -> tuple[str, int]:
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            self._insert_heads(cursor)
            cursor.execute("SELECT COUNT(*) FROM log_partitions")
            (count,) = cursor.fetchone()
            if count != self.partitions:
                raise ImproperlyConfigured(
                    f"The log was made with {count} partitions and cannot have {self.partitions}."
                )
            cursor.execute("SELECT identity, generation FROM log_partitions WHERE partition = 0")
            identity, generation = cursor.fetchone()
            return identity, generation

    def _register(self, group: str) -> None:
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            cursor.execute(
                "INSERT INTO log_group_offsets (group_name, partition, log_offset, holder)"
                " SELECT %s, partition, floor, '' FROM log_partitions WHERE true ON CONFLICT DO NOTHING",
                [group],
            )

    async def _committed_of(self, group: str) -> Positions:
        """What all readers of a group have kept, read from the table twenty times a second at most."""
        known = self._committed.get(group)
        if known is None or time.monotonic() - known[0] > COMMITTED_SECONDS:
            known = self._committed[group] = (
                time.monotonic(),
                await in_read_thread(reads.committed, self.alias, group),
            )
        return known[1]

    def offsets_of(self, group: str) -> dict[int, int]:
        """The offset up to which a group has finished each partition."""
        return {partition: offset_of(pos) for partition, pos in reads.committed(self.alias, group).items()}

    def pos(self, offset: int) -> int:
        """The pos of an offset of this log."""
        return reads.pos_of(self._generation, offset)

    # --- news, in the loop's thread

    def _tell(self, records: list[Record]) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._extend, records)

    def _wake(self) -> None:
        self._tell([])

    def _extend(self, records: list[Record]) -> None:
        if records and not self.shared:
            self._tail.extend(records)
        self.look()

    def look(self) -> None:
        """Let every reader look for records at once."""
        self.news.set()
        self.news = asyncio.Event()


def _numbered(
    records: Sequence[NewRecord],
    partitions: Sequence[int],
    heads: Mapping[int, reads.Head],
    taken: Mapping[str, Record],
    now_ms: int,
) -> _Added:
    """Number the records of a batch from the heads of their partitions; of a unique key, the first one alone."""
    added = _Added()
    first_of = dict(taken)
    offsets = {partition: head.offset for partition, head in heads.items()}
    for new, partition in zip(records, partitions, strict=True):
        if new.unique_key and (first := first_of.get(new.unique_key)):
            added.answers.append(Appended(first.pos, first.offset, first))
            continue
        offsets[partition] += 1
        offset = offsets[partition]
        record = _record_of(new, partition, offset, heads[partition].pos(offset), now_ms)
        if new.unique_key:
            first_of[new.unique_key] = record
        added.records.append(record)
        added.rows.append((partition, offset, new.key, new.event_type, new.event_id, new.unique_key, new.value, now_ms))
        added.answers.append(Appended(record.pos, offset, None))
    return added


def _record_of(new: NewRecord, partition: int, offset: int, pos: int, now_ms: int) -> Record:
    return Record(
        partition=partition,
        offset=offset,
        pos=pos,
        key=new.key,
        event_type=new.event_type,
        event_id=new.event_id,
        value=new.value,
        appended_ms=now_ms,
    )
