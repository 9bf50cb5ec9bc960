"""The event log in an SQL database: one partition, group commit.

Each append moves the head row, whose lock is held until its commit, so offsets
are handed out in commit order. Readers in the writing process are served from its tail in
memory; what other processes append is found by polling.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from chatsite.kernel.database import Writer, in_db_thread, in_read_thread, plain_cursor
from chatsite.kernel.eventlog import Appended
from chatsite.kernel.events import NewRecord, Record

PARTITION = 0
GENERATION_SHIFT = 40  # pos = generation << 40 + offset: 8,191 generations stay below 2^53
TAIL_RECORDS = 4_096  # newest records kept for readers in this process, 4 to 8 MB
FOREIGN_POLL_SECONDS = 0.25  # how soon a record that another process appended is found
TRIM_CHUNK = 2_000  # records dropped in one commit, some 20 ms
_LOOKUP_CHUNK = 500  # unique keys of one SELECT, under every database's limit of parameters
_KEYS_CHUNK = 250  # keys of one SELECT: SQLite joins at most 500
_COLUMNS = "r.log_offset, p.generation, r.record_key, r.event_type, r.event_id, r.value, r.appended_ms"
_FROM = "FROM log_records r JOIN log_partitions p ON p.partition = r.partition"


@dataclass(frozen=True)
class _Head:
    offset: int
    floor: int
    generation: int
    identity: str

    def pos(self, offset: int) -> int:
        return (self.generation << GENERATION_SHIFT) + offset if offset else 0


class SqlEventLog:
    """EventLog over the tables of `kernel.models` in one of Django's databases."""

    def __init__(self, alias: str, keep_seconds: int) -> None:
        self.alias = alias
        self._keep_ms = keep_seconds * 1_000
        self._writer = Writer.of(alias)
        self._tail: list[Record] = []  # at most twice TAIL_RECORDS, in rising offset without a gap
        self._readers: set[SqlGroupReader] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.news = asyncio.Event()

    async def open(self) -> str:
        self._loop = asyncio.get_running_loop()
        head = await in_db_thread(self._make_head)
        return f"{head.identity}-{head.generation}"

    def append(self, record: NewRecord) -> asyncio.Future[Appended]:
        return self._writer.submit(self._append_many, record)

    def append_in(self, records: Sequence[NewRecord]) -> None:
        if not transaction.get_connection(self.alias).in_atomic_block:
            raise RuntimeError("append_in needs the caller's transaction: use transaction.atomic().")
        with plain_cursor(self.alias) as cursor:
            appended = self._append(cursor, records)
        new = [record for _, record in appended if record]
        transaction.on_commit(lambda: self._tell(new), using=self.alias, robust=True)

    async def read(self, group: str) -> "SqlGroupReader":
        offset, pos = await in_db_thread(self._register, group)
        reader = SqlGroupReader(self, group, offset, pos)
        self._readers.add(reader)
        return reader

    async def progress(self, group: str) -> int:
        for reader in self._readers:
            if reader.group == group:
                return reader.finished_pos
        return await in_read_thread(self._committed, group)

    async def end(self) -> int:
        head = await in_read_thread(self._head)
        return head.pos(head.offset)

    async def floor(self) -> int:
        head = await in_read_thread(self._head)
        return head.pos(head.floor)

    async def find(self, unique_key: str) -> Record | None:
        found = await in_read_thread(self._select, "r.unique_key = %s", [unique_key], limit=1)
        return found[0] if found else None

    async def newest(self, *, limit: int) -> list[Record]:
        return await in_read_thread(self._select, "r.partition = %s", [PARTITION], limit=limit, newest=True)

    async def key_records(self, key: str, *, after: int, limit: int) -> list[Record]:
        where = "r.record_key = %s AND r.log_offset > %s"
        return await in_read_thread(self._select, where, [key, _offset(after)], limit=limit)

    async def newest_of(self, keys: Sequence[str], *, after: int, limit: int) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {key: [] for key in keys}
        for start in range(0, len(keys), _KEYS_CHUNK):
            records = await in_read_thread(self._newest_of, keys[start : start + _KEYS_CHUNK], _offset(after), limit)
            for record in records:
                found[record.key].append(record)
        return found

    async def park(self, record: Record, *, group: str, reason: str) -> None:
        await self._writer.submit(self._park_many, (record, group, reason))

    async def rewind(self, group: str) -> None:
        await self._writer.submit(self._rewind_many, group)

    async def trim(self, *, now_ms: int, below: int | None = None) -> int:
        trimmed = 0
        while dropped := await self._writer.submit(self._trim_many, (now_ms - self._keep_ms, below)):
            trimmed += dropped
        return trimmed

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.close)

    async def finish(self, group: str, offset: int) -> None:
        """Keep a group's offset with the next commit."""
        await self._writer.submit(self._finish_many, (group, offset))

    def forget(self, reader: "SqlGroupReader") -> None:
        """Answer progress from the table again: the reader has stopped."""
        self._readers.discard(reader)

    # --- inside the writer's or a caller's transaction

    def _append_many(self, cursor: CursorWrapper, records: Sequence[NewRecord]) -> list[Appended]:
        appended = self._append(cursor, records)
        new = [record for _, record in appended if record]
        # Robust: it is committed by then, and an error here must not look as if it were not.
        transaction.on_commit(lambda: self._tell(new), using=self.alias, robust=True)
        return [position for position, _ in appended]

    def _append(self, cursor: CursorWrapper, records: Sequence[NewRecord]) -> list[tuple[Appended, Record | None]]:
        now_ms = time.time_ns() // 1_000_000
        taken = self._taken(cursor, [record.unique_key for record in records if record.unique_key])
        fresh = sum(1 for record in records if not record.unique_key or record.unique_key not in taken)
        head = self._move_head(cursor, fresh)
        offset = head.offset - fresh
        rows: list[tuple[Any, ...]] = []
        outcomes: list[tuple[Appended, Record | None]] = []
        for new in records:
            if new.unique_key and (first := taken.get(new.unique_key)):
                outcomes.append((Appended(first.pos, first.offset, first), None))
                continue
            offset += 1
            record = Record(
                partition=PARTITION,
                offset=offset,
                pos=head.pos(offset),
                key=new.key,
                event_type=new.event_type,
                event_id=new.event_id,
                value=new.value,
                appended_ms=now_ms,
            )
            if new.unique_key:
                taken[new.unique_key] = record
            rows.append((PARTITION, offset, new.key, new.event_type, new.event_id, new.unique_key, new.value, now_ms))
            outcomes.append((Appended(record.pos, offset, None), record))
        if rows:
            cursor.executemany(
                "INSERT INTO log_records"
                " (partition, log_offset, record_key, event_type, event_id, unique_key, value, appended_ms)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                rows,
            )
        if offset != head.offset:  # The batch held one unique key twice: give back what it did not use.
            self._move_head(cursor, offset - head.offset)
        return outcomes

    def _taken(self, cursor: CursorWrapper, keys: list[str]) -> dict[str, Record]:
        taken: dict[str, Record] = {}
        for start in range(0, len(keys), _LOOKUP_CHUNK):
            chunk = keys[start : start + _LOOKUP_CHUNK]
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(f"SELECT r.unique_key, {_COLUMNS} {_FROM} WHERE r.unique_key IN ({marks})", chunk)
            taken.update((key, _record(row)) for key, *row in cursor.fetchall())
        return taken

    def _move_head(self, cursor: CursorWrapper, by: int) -> _Head:
        cursor.execute(
            "UPDATE log_partitions SET head = head + %s WHERE partition = %s"
            " RETURNING head, floor, generation, identity",
            [by, PARTITION],
        )
        if row := cursor.fetchone():
            return _Head(*row)
        cursor.execute(
            "INSERT INTO log_partitions (partition, head, floor, generation, identity) VALUES (%s, 0, 0, 1, %s)"
            " ON CONFLICT DO NOTHING",
            [PARTITION, uuid.uuid4().hex],
        )
        return self._move_head(cursor, by)

    def _finish_many(self, cursor: CursorWrapper, items: Sequence[tuple[str, int]]) -> list[None]:
        cursor.executemany(
            "INSERT INTO log_group_offsets (group_name, partition, log_offset) VALUES (%s, %s, %s)"
            " ON CONFLICT (group_name, partition) DO UPDATE SET log_offset = excluded.log_offset",
            [(group, PARTITION, offset) for group, offset in items],
        )
        return [None] * len(items)

    def _park_many(self, cursor: CursorWrapper, items: Sequence[tuple[Record, str, str]]) -> list[None]:
        cursor.executemany(
            "INSERT INTO log_dead_letters (group_name, partition, log_offset, reason, value, parked_at)"
            " VALUES (%s, %s, %s, %s, %s, CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING",
            [(group, PARTITION, record.offset, reason, record.value) for record, group, reason in items],
        )
        return [None] * len(items)

    def _rewind_many(self, cursor: CursorWrapper, groups: Sequence[str]) -> list[None]:
        cursor.executemany(
            "UPDATE log_group_offsets SET log_offset = (SELECT floor FROM log_partitions) WHERE group_name = %s",
            [(group,) for group in groups],
        )
        return [None] * len(groups)

    def _trim_many(self, cursor: CursorWrapper, items: Sequence[tuple[int, int | None]]) -> list[int]:
        return [self._trim_chunk(cursor, cutoff_ms, below) for cutoff_ms, below in items]

    def _trim_chunk(self, cursor: CursorWrapper, cutoff_ms: int, below: int | None) -> int:
        """Drop the oldest records that nobody needs, few enough not to hold up a send."""
        cursor.execute("SELECT MIN(log_offset) FROM log_group_offsets")
        (finished,) = cursor.fetchone()
        cursor.execute(
            "SELECT log_offset, appended_ms FROM log_records WHERE partition = %s ORDER BY log_offset LIMIT %s",
            [PARTITION, TRIM_CHUNK],
        )
        last = min(finished or 0, below - 1 if below is not None else finished or 0)
        old = list(takewhile(lambda row: row[1] < cutoff_ms and row[0] <= last, cursor.fetchall()))
        if not old:
            return 0
        floor = old[-1][0]
        cursor.execute("UPDATE log_partitions SET floor = %s WHERE floor < %s", [floor, floor])
        cursor.execute("DELETE FROM log_records WHERE partition = %s AND log_offset <= %s", [PARTITION, floor])
        return len(old)

    # --- blocking reads

    def _make_head(self) -> _Head:
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            return self._move_head(cursor, 0)

    def _head(self) -> _Head:
        with plain_cursor(self.alias) as cursor:
            cursor.execute("SELECT head, floor, generation, identity FROM log_partitions")
            return _Head(*(cursor.fetchone() or (0, 0, 1, "")))

    def _register(self, group: str) -> tuple[int, int]:
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            cursor.execute(
                "INSERT INTO log_group_offsets (group_name, partition, log_offset)"
                " SELECT %s, partition, floor FROM log_partitions WHERE true ON CONFLICT DO NOTHING",
                [group],
            )
            cursor.execute("SELECT log_offset FROM log_group_offsets WHERE group_name = %s", [group])
            offset = int(cursor.fetchone()[0])
            return offset, self._head().pos(offset)

    def _committed(self, group: str) -> int:
        with plain_cursor(self.alias) as cursor:
            cursor.execute("SELECT log_offset FROM log_group_offsets WHERE group_name = %s", [group])
            row = cursor.fetchone()
        return self._head().pos(row[0]) if row else 0

    def select_after(self, offset: int, limit: int) -> list[Record]:
        """Records after an offset, from the table."""
        return self._select("r.partition = %s AND r.log_offset > %s", [PARTITION, offset], limit=limit)

    def _select(self, where: str, params: list[Any], *, limit: int, newest: bool = False) -> list[Record]:
        order = "DESC" if newest else "ASC"
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} {_FROM} WHERE {where} ORDER BY r.log_offset {order} LIMIT %s",
                [*params, limit],
            )
            records = [_record(row) for row in cursor.fetchall()]
        return records[::-1] if newest else records

    def _newest_of(self, keys: Sequence[str], offset: int, limit: int) -> list[Record]:
        one = (
            f"SELECT * FROM (SELECT {_COLUMNS} {_FROM} WHERE r.record_key = %s AND r.log_offset > %s"  # noqa: S608
            " ORDER BY r.log_offset DESC LIMIT %s) AS newest"
        )
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                f"{' UNION ALL '.join([one] * len(keys))} ORDER BY 1",
                [value for key in keys for value in (key, offset, limit)],
            )
            return [_record(row) for row in cursor.fetchall()]

    # --- the tail, in the loop's thread

    def _tell(self, records: list[Record]) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._extend, records)

    def _extend(self, records: list[Record]) -> None:
        if records:
            if self._tail and self._tail[-1].offset + 1 != records[0].offset:
                self._tail.clear()  # Another process appended in between: readers fetch that from the table.
            self._tail.extend(records)
            if len(self._tail) > 2 * TAIL_RECORDS:
                del self._tail[:-TAIL_RECORDS]
        self.news.set()
        self.news = asyncio.Event()

    def tail_after(self, offset: int, limit: int) -> list[Record] | None:
        """Records after an offset, or None where only the table can say."""
        if not self._tail or not self._tail[0].offset <= offset + 1 <= self._tail[-1].offset + 1:
            return None
        start = offset + 1 - self._tail[0].offset
        return self._tail[start : start + limit]


class SqlGroupReader:
    """GroupReader over an SqlEventLog."""

    def __init__(self, log: SqlEventLog, group: str, offset: int, pos: int) -> None:
        self.group = group
        self.finished_pos = pos
        self._log = log
        self._read = offset

    async def poll(self, *, limit: int, wait: float) -> list[Record]:
        deadline = time.monotonic() + wait
        told = True  # by our own process; what others append is only in the table
        while True:
            news = self._log.news
            records = self._log.tail_after(self._read, limit)
            if records is None or not (records or told):
                records = await in_read_thread(self._log.select_after, self._read, limit)
            if records:
                self._read = records[-1].offset
                return records
            if (remaining := deadline - time.monotonic()) <= 0:
                return []
            told = False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, FOREIGN_POLL_SECONDS)):
                    told = await news.wait()

    async def finish(self, partition: int, offset: int) -> None:
        await self._log.finish(self.group, offset)

    def reached(self, pos: int) -> None:
        """Say in this process how far the group is, ahead of what `finish` keeps."""
        self.finished_pos = max(self.finished_pos, pos)

    async def close(self) -> None:
        self._log.forget(self)


def _offset(pos: int) -> int:
    return pos & ((1 << GENERATION_SHIFT) - 1)


def _record(row: Sequence[Any]) -> Record:
    offset, generation, key, event_type, event_id, value, appended_ms = row
    return Record(
        partition=PARTITION,
        offset=offset,
        pos=(generation << GENERATION_SHIFT) + offset,
        key=key,
        event_type=event_type,
        event_id=event_id,
        value=bytes(value),
        appended_ms=appended_ms,
    )
