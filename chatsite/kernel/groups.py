"""Groups of projections and the one loop that runs them.

A projection turns facts into rows, frames or posts. It gets records of one key,
in order, as many as wait; it must be idempotent, since a crash repeats them.
What it raises has names:

    RetryLater   a dependency is away: the group waits and tries again
    Unreadable   nobody can read the record: dead letter, and on
    else         three tries, then the key is held and an alert is logged
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import EventLog, GroupReader, log
from chatsite.kernel.events import Payload, Record, Unreadable
from chatsite.kernel.models import HeldKey

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

IN_FLIGHT = 4_000  # records a group works on at once; over it the group stops reading
POLL_LIMIT = 500
POLL_SECONDS = 1.0
TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while a dependency is away
FINISH_SECONDS = 0.5  # how often the finished offset is kept; a crash repeats at most this much
HELD_SECONDS = 2.0  # how soon `project --retry` is noticed
LOOK_SECONDS = 0.05  # how often somebody who waits for groups looks how far they are

Projection = Callable[[Sequence[Record]], Awaitable[None]]


class RetryLater(Exception):
    """A dependency is away; the same records will be tried again."""


AWAY = (RetryLater, Unavailable, OperationalError, InterfaceError)


@dataclass
class Group:
    """A named set of projections that share one offset."""

    name: str
    source: Callable[[], EventLog] = log
    projections: list[tuple[frozenset[str] | None, Projection]] = field(default_factory=list)

    def project(self, *payloads: type[Payload]) -> Callable[[Projection], Projection]:
        """Register a projection of some event types; of all where none is named."""
        types = frozenset(payload.event_type for payload in payloads) or None

        def register(projection: Projection) -> Projection:
            self.projections.append((types, projection))
            return projection

        return register

    def wants(self, event_type: str) -> bool:
        """Whether a projection of this group reads such events."""
        return any(types is None or event_type in types for types, _ in self.projections)

    @property
    def takes_all(self) -> bool:
        """Whether a projection reads every type, known here or not."""
        return any(types is None for types, _ in self.projections)

    async def apply(self, records: Sequence[Record]) -> None:
        """Hand records of one key to each projection that reads them."""
        for types, projection in self.projections:
            if chosen := [record for record in records if types is None or record.event_type in types]:
                await projection(chosen)


_groups: dict[str, Group] = {}


def group(name: str, source: Callable[[], EventLog] = log) -> Group:
    """The group of a name, made on first use."""
    return _groups.setdefault(name, Group(name, source))


def groups() -> list[Group]:
    """Every group of the installed apps."""
    return list(_groups.values())


_held: dict[tuple[str, str], int] = {}  # (group, key) -> pos of the first record not applied, in this process


def held_from(group: str, key: str) -> int | None:
    """The pos from which on a running group has not applied a key's records, while it holds the key."""
    return _held.get((group, key))


class Runner:
    """Runs one group: many keys at once, one key's records in order."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._log = group.source()
        self._waiting: dict[str, list[Record]] = {}  # key -> records after those being worked on
        self._unfinished: dict[int, int] = {}  # offset -> pos, in order
        self._polled: Record | None = None
        self._kept = 0  # the offset that the log keeps for this group
        self._paused = 0
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Read and apply until cancelled; what was not finished is repeated by the next run."""
        await self._log.open()
        reader = await self._log.read(self.group.name)
        try:
            held = await in_db_thread(self._holds)
            for key in [key for key in _held if key[0] == self.group.name]:
                del _held[key]
            _held.update({(self.group.name, one.key): one.pos for one in held})
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_finished(reader))
                tasks.create_task(self._watch_held())
                while True:
                    records = await self._persist(reader.poll, limit=POLL_LIMIT, wait=POLL_SECONDS)
                    await self._take(records, reader, tasks)
        finally:
            with suppress(*AWAY):
                await self._keep(reader)
            await reader.close()

    async def _take(self, records: Sequence[Record], reader: GroupReader, tasks: asyncio.TaskGroup) -> None:
        for record in records:
            self._polled = record
            if not self.group.wants(record.event_type) or self._holds_key(record.key):
                continue
            self._unfinished[record.offset] = record.pos
            if (waiting := self._waiting.get(record.key)) is not None:
                waiting.append(record)
            else:
                self._waiting[record.key] = [record]
                tasks.create_task(self._work(record.key, reader))
        self._say_reached(reader)
        while self._paused or len(self._unfinished) >= IN_FLIGHT:
            self._room.clear()
            await self._room.wait()

    async def _work(self, key: str, reader: GroupReader) -> None:
        while records := self._waiting[key]:
            self._waiting[key] = []
            if not self._holds_key(key):
                await self._apply(await self._readable(records))
            for record in records:
                del self._unfinished[record.offset]
            self._say_reached(reader)
            self._room.set()
        del self._waiting[key]

    async def _readable(self, records: Sequence[Record]) -> list[Record]:
        readable = []
        for record in records:
            try:
                if record.fact.payload is not None or self.group.takes_all:
                    readable.append(record)
            except Unreadable as error:
                logger.error("%s: record %d is unreadable: %s", self.group.name, record.offset, error)
                await self._persist(self._log.park, record, group=self.group.name, reason=str(error))
        return readable

    async def _apply(self, records: Sequence[Record]) -> None:
        """Apply records of one key; when they fail together, one by one up to the one at fault."""
        if not records or await self._try(records, tries=1) is None:
            return
        for record in records:
            if error := await self._try([record], tries=TRIES):
                await self._hold(record, error)
                return

    async def _try(self, records: Sequence[Record], *, tries: int) -> str | None:
        """Apply records, waiting for dependencies that are away; answers the last error, None when it went well."""
        error = ""
        for number in range(tries):
            if number:
                await asyncio.sleep(FIRST_PAUSE)
            try:
                await self._persist(self.group.apply, records)
                return None
            except Exception as cause:
                error = f"{type(cause).__name__}: {cause}"
                logger.exception("%s: records %d.. of %s failed", self.group.name, records[0].offset, records[0].key)
        return error

    async def _persist(self, work: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do something that needs a dependency; while that is away nothing more is read, and it is tried again."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await work(*args, **kwargs)
            except AWAY as error:
                logger.warning("%s waits: %s", self.group.name, error)
            self._paused += 1
            await asyncio.sleep(pause)
            self._paused -= 1
            self._room.set()
            pause = min(pause * 2, LONGEST_PAUSE)

    def _say_reached(self, reader: GroupReader) -> None:
        if first := next(iter(self._unfinished.values()), None):
            reader.reached(first - 1)
        elif self._polled:
            reader.reached(self._polled.pos)

    async def _keep_finished(self, reader: GroupReader) -> None:
        while True:
            await asyncio.sleep(FINISH_SECONDS)
            await self._persist(self._keep, reader)

    async def _keep(self, reader: GroupReader) -> None:
        if self._polled is None:
            return
        finished = next(iter(self._unfinished), self._polled.offset + 1) - 1
        if finished > self._kept:
            await reader.finish(self._polled.partition, finished)
            self._kept = finished

    # --- held keys

    def _holds(self, *, retry: bool | None = None) -> list[HeldKey]:
        held = HeldKey.objects.filter(group=self.group.name)
        return list(held if retry is None else held.filter(retry=retry))

    def _holds_key(self, key: str) -> bool:
        return (self.group.name, key) in _held

    async def _hold(self, record: Record, error: str) -> None:
        """Apply nothing more of a key until somebody has mended the cause."""
        name = self.group.name
        logger.critical(
            "ALERT %s holds %s from offset %d: %s. Mend the cause, then run: manage.py project --retry %s %s",
            name, record.key, record.offset, error, name, record.key,
        )  # fmt: skip
        where = {"partition": record.partition, "offset": record.offset, "pos": record.pos}
        held = {**where, "error": error, "retry": False}
        await self._persist(in_db_thread, HeldKey.objects.update_or_create, group=name, key=record.key, defaults=held)
        _held[name, record.key] = record.pos

    async def _watch_held(self) -> None:
        while True:
            await asyncio.sleep(HELD_SECONDS)
            if any(group == self.group.name for group, _ in _held):
                for held in await self._persist(in_db_thread, self._holds, retry=True):
                    await self._retry(held)

    async def _retry(self, held: HeldKey) -> None:
        """Apply a held key from its first record on, then let it run with the others."""
        after = held.offset - 1
        while True:
            polled = self._polled
            records = await self._persist(self._log.key_records, held.key, after=after, limit=POLL_LIMIT)
            wanted = [record for record in records if self.group.wants(record.event_type)]
            for record in await self._readable(wanted):
                if error := await self._try([record], tries=TRIES):
                    await self._hold(record, error)
                    return
            if records:
                after = records[-1].offset
            elif self._polled is polled:
                break  # Nothing of the key was skipped since it was read to its end.
        # At once, before anything waits: a record polled from here on is no longer skipped.
        del _held[self.group.name, held.key]
        await self._persist(in_db_thread, held.delete)


async def run_groups(chosen: Sequence[Group]) -> None:
    """Run groups side by side until cancelled; one that breaks stops them all loudly."""
    async with asyncio.TaskGroup() as tasks:
        for group in chosen:
            tasks.create_task(Runner(group).run(), name=f"group-{group.name}")


async def trim(source: EventLog, *, now_ms: int) -> int:
    """Trim a log, but for what the groups that read it still hold; answers how many records went."""
    names = [group.name for group in groups() if group.source() is source]
    held = HeldKey.objects.filter(group__in=names).order_by("offset").values_list("offset", flat=True)
    return await source.trim(now_ms=now_ms, below=await in_db_thread(held.first))


async def catch_up(chosen: Sequence[Group]) -> None:
    """Run groups until each has finished what the logs hold; nobody else may be running them."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_groups(chosen))
        await wait_until_finished(chosen)
        running.cancel()


async def wait_until_finished(chosen: Sequence[Group]) -> None:
    """Wait until groups, here or in another process, have finished what the logs hold."""
    # The outbox first: what its relay passes on lengthens the event log.
    for group in sorted(chosen, key=lambda group: group.source is log):
        source = group.source()
        end = await source.end()
        while True:
            if await source.progress(group.name) >= end:
                break
            await asyncio.sleep(LOOK_SECONDS)
