"""One process's share of a group's way through an SQL log."""

import asyncio
import logging
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from django.db import DatabaseError

from chatsite.kernel.database import in_read_thread
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import Positions
from chatsite.kernel.eventlog.sql_shares import BEAT_SECONDS, LEASE_SECONDS, Keep, beat, give_up, take
from chatsite.kernel.events import Record

if TYPE_CHECKING:
    from chatsite.kernel.eventlog.sql import SqlEventLog

logger = logging.getLogger(__name__)
# Our own process tells of what it appends, and PostgreSQL of the others'. What other processes append to SQLite, and
# what a lost notice was about, is only in the table.
LOOK_SECONDS = 1.0
ALWAYS = float("inf")


class SqlGroupReader:
    """GroupReader over an SqlEventLog; it shares the partitions where the log is shared."""

    def __init__(self, log: "SqlEventLog", group: str) -> None:
        self.group = group
        self._log = log
        self._member = uuid.uuid4().hex if log.shared else ""
        self._read: dict[int, int] = {}  # partition -> offset of the newest record polled
        self._finished: dict[int, int] = {}
        self._kept: dict[int, int] = {}
        self._news = log.news  # set once something came after the last look
        self._look_at = 0.0  # the moment (monotonic) at which the table is looked at without news
        self._until = ALWAYS  # the moment (monotonic) at which the lease ends
        self._beating: asyncio.Task[None] | None = None

    @property
    def partitions(self) -> frozenset[int]:
        return frozenset(self._read) if time.monotonic() < self._until else frozenset()

    async def start(self) -> None:
        """Take what is this reader's, and go on taking and giving up as readers come and go."""
        if not self._log.shared:
            self._begin(await in_read_thread(self._log.offsets_of, self.group))
            return
        await self._beat()
        self._beating = asyncio.create_task(self._beat_on(), name=f"share-{self.group}")

    async def poll(self, *, limit: int, wait: float) -> list[Record]:
        deadline = time.monotonic() + wait
        while True:
            if self._news.is_set() or time.monotonic() >= self._look_at:
                if records := await self._look(limit):
                    return records
            elif (remaining := deadline - time.monotonic()) <= 0:
                return []
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(remaining, self._look_at - time.monotonic())):
                        await self._news.wait()

    async def _look(self, limit: int) -> list[Record]:
        """What is there above what was read; in the table too where memory has nothing and it is time for that."""
        self._news = self._log.news
        in_table = time.monotonic() >= self._look_at
        mine = self.partitions
        offsets = {partition: offset for partition, offset in self._read.items() if partition in mine}
        found = await self._log.after(offsets, limit, in_table=in_table)
        # What left this reader meanwhile, or came back to it, is read by whoever has it.
        records = [one for one in found if self._read.get(one.partition, ALWAYS) == offsets[one.partition]]
        for record in records:
            self._read[record.partition] = record.offset
        if len(found) >= max(1, limit // max(1, len(offsets))):  # There may be more, of one partition at least.
            self._look_at = 0.0
        elif in_table or self._log.shared:
            self._look_at = time.monotonic() + LOOK_SECONDS
        return records

    def finished(self, partition: int, offset: int) -> None:
        if partition in self._read:
            self._finished[partition] = max(offset, self._finished[partition])

    def progress(self) -> Positions:
        """How far this reader's own partitions are."""
        return {partition: self._log.pos(self._finished[partition]) for partition in self.partitions}

    async def commit(self) -> None:
        rising = {p: offset for p, offset in self._finished.items() if offset > self._kept[p]}
        await self._log.keep([Keep(self.group, p, offset, self._member) for p, offset in rising.items()])
        for partition, offset in rising.items():
            if partition in self._kept:
                self._kept[partition] = offset

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        self._log.forget(self)
        with suppress(DatabaseError, Unavailable):
            if self._log.shared:
                await in_read_thread(give_up, self._log.alias, self.group, self._member, self._finished, leave=True)
            else:
                await self.commit()
        self._read.clear()

    def _begin(self, offsets: dict[int, int]) -> None:
        for partition, offset in offsets.items():
            self._read[partition] = self._finished[partition] = self._kept[partition] = offset

    # --- sharing

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._beat()
            except (DatabaseError, Unavailable) as error:
                logger.warning("%s: the lease on its partitions is not renewed this time: %s", self.group, error)

    async def _beat(self) -> None:
        alias, began = self._log.alias, time.monotonic()
        wanted = await in_read_thread(beat, alias, self.group, self._member, self._log.partitions)
        if leaving := self._read.keys() - wanted:
            finished = {partition: self._finished[partition] for partition in leaving}
            self._drop(leaving)
            await in_read_thread(give_up, alias, self.group, self._member, finished)
        taken = await in_read_thread(take, alias, self.group, self._member, wanted)
        self._drop(self._read.keys() - taken.keys())
        self._until = began + LEASE_SECONDS
        if new := {partition: offset for partition, offset in taken.items() if partition not in self._read}:
            self._begin(new)
            self._log.look()

    def _drop(self, partitions: "set[int]") -> None:
        for partition in partitions:
            del self._read[partition], self._finished[partition], self._kept[partition]
