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
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Min

from chatsite.kernel.database import in_db_thread, text_of
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import EventLog, GroupReader, Positions, log
from chatsite.kernel.events import Payload, Record, Unreadable
from chatsite.kernel.models import HeldKey

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

IN_FLIGHT = 4_000  # records a group works on at once; over it the group stops reading
POLL_LIMIT = 500
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.04  # between two readings of a group under load, so that messages share its commits
TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while a dependency is away
FINISH_SECONDS = 0.5  # how often the finished offset is kept; a crash repeats at most this much
SHARED_FINISH_SECONDS = 0.1  # the same where other processes wait for it
HELD_SECONDS = 2.0  # how soon `project --retry` is noticed
LOOK_SECONDS = 0.05  # how often somebody who waits for groups looks how far they are

Projection = Callable[[Sequence[Record]], Awaitable[None]]


class RetryLater(Exception):
    """A dependency is away; the same records will be tried again."""


AWAY = (RetryLater, Unavailable, OperationalError, InterfaceError)


@dataclass
class Group:
    """A named set of projections that share one offset; one that `may_lag` nobody waits for.

    Under load a group gathers for some milliseconds what it works on together; people wait for one that is `at_once`.
    """

    name: str
    source: Callable[[], EventLog] = log
    may_lag: bool = False
    at_once: bool = False
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


def group(name: str, source: Callable[[], EventLog] = log, *, may_lag: bool = False, at_once: bool = False) -> Group:
    """The group of a name, made on first use."""
    return _groups.setdefault(name, Group(name, source, may_lag, at_once))


def groups() -> list[Group]:
    """Every group of the installed apps."""
    return list(_groups.values())


def group_names() -> list[str]:
    """Their names: what a group that is switched off by now has left in a log is nobody's to do."""
    return list(_groups)


_held: dict[tuple[str, str], int] = {}  # (group, key) -> pos of the first record not applied, in this process
_running: set[str] = set()  # groups that run in this process
_read_at = float("-inf")  # the moment (monotonic) at which the held keys of the others were read


async def held_from(group: str, key: str) -> int | None:
    """The pos from which on a group has not applied a key's records, while it holds the key."""
    if group not in _running:
        await _read_held()
    return _held.get((group, key))


async def _read_held() -> None:
    """Learn what groups of other processes hold, as old as `HELD_SECONDS` at most."""
    global _read_at
    if time.monotonic() - _read_at > HELD_SECONDS:
        _read_at = time.monotonic()
        others = {(one.group, one.key): one.pos for one in await in_db_thread(_all_held) if one.group not in _running}
        for place in [place for place in _held if place[0] not in _running]:
            del _held[place]
        _held.update(others)


@cache
def _held_of() -> str:
    return text_of(HeldKey.objects.filter(group=""))


def _all_held() -> list[HeldKey]:
    return list(HeldKey.objects.all())


class _Way:
    """How far one partition has come here."""

    __slots__ = ("polled", "unfinished")

    def __init__(self) -> None:
        self.unfinished: dict[int, None] = {}  # offsets, in order
        self.polled = -1

    @property
    def finished(self) -> int:
        """Everything at or below this offset is done."""
        return next(iter(self.unfinished), self.polled + 1) - 1


class Runner:
    """Runs one group: many keys at once, one key's records in order."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._log = group.source()
        self._waiting: dict[str, list[tuple[Record, _Way]]] = {}  # key -> records after those being worked on
        self._ways: dict[int, _Way] = {}  # by partition
        self._mine: frozenset[int] = frozenset()  # the partitions whose holds are known
        self._working = 0  # records taken and not finished
        self._paused = 0
        self._room = asyncio.Event()
        self._holding = asyncio.Lock()

    async def run(self) -> None:
        """Read and apply until cancelled; what was not finished is repeated by the next run."""
        await self._persist(self._log.open)
        reader = await self._persist(self._log.read, self.group.name)
        try:
            await self._persist(self._learn_held, reader)
            _running.add(self.group.name)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_finished(reader))
                tasks.create_task(self._watch_held(reader))
                while True:
                    records = await self._persist(reader.poll, limit=POLL_LIMIT, wait=POLL_SECONDS)
                    if not reader.partitions <= self._mine:
                        await self._persist(self._learn_held, reader)
                    await self._take(records, reader, tasks)
                    if len(records) < POLL_LIMIT and not self.group.at_once:
                        # To the same moment for all groups of this process: they share a commit too.
                        await asyncio.sleep(GATHER_SECONDS - time.monotonic() % GATHER_SECONDS)
        finally:
            _running.discard(self.group.name)
            with suppress(*AWAY):
                await reader.commit()
            await reader.close()

    async def _take(self, records: Sequence[Record], reader: GroupReader, tasks: asyncio.TaskGroup) -> None:
        for record in records:
            way = self._way(record)
            # What names no type is nobody's, but somebody must say so: a dead letter.
            is_ours = self.group.wants(record.event_type) or not record.event_type
            if not is_ours or self._holds_key(record.key):
                continue
            way.unfinished[record.offset] = None
            self._working += 1
            if (waiting := self._waiting.get(record.key)) is not None:
                waiting.append((record, way))
            else:
                self._waiting[record.key] = [(record, way)]
                tasks.create_task(self._work(record.key, reader))
        self._say_finished(reader, {record.partition for record in records})
        while self._paused or self._working >= IN_FLIGHT:
            self._room.clear()
            await self._room.wait()

    def _way(self, record: Record) -> _Way:
        """Where a record's partition is; anew where it went to another process and came back."""
        way = self._ways.get(record.partition)
        if way is None or record.offset <= way.polled:
            way = self._ways[record.partition] = _Way()
        way.polled = record.offset
        return way

    async def _work(self, key: str, reader: GroupReader) -> None:
        while taken := self._waiting[key]:
            self._waiting[key] = []
            if not self._holds_key(key):
                await self._apply(await self._readable([record for record, _ in taken]))
            for record, way in taken:
                del way.unfinished[record.offset]
            self._working -= len(taken)
            self._say_finished(reader, {record.partition for record, _ in taken})
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

    def _say_finished(self, reader: GroupReader, partitions: Iterable[int]) -> None:
        for partition in partitions:
            reader.finished(partition, self._ways[partition].finished)

    async def _keep_finished(self, reader: GroupReader) -> None:
        while True:
            await asyncio.sleep(SHARED_FINISH_SECONDS if settings.SHARED else FINISH_SECONDS)
            await self._persist(reader.commit)

    # --- held keys

    async def _learn_held(self, reader: GroupReader) -> list[HeldKey]:
        """Read what the group holds; keys of partitions that other processes have may be held or let go there."""
        async with self._holding:
            mine = reader.partitions
            held = await in_db_thread(self._holds)
            rows = {(one.group, one.key): one.pos for one in held}
            for place in [place for place in _held if place[0] == self.group.name and place not in rows]:
                del _held[place]
            _held.update(rows)
            self._mine = mine
            return held

    def _holds(self) -> list[HeldKey]:
        return list(HeldKey.objects.raw(_held_of(), [self.group.name]))

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
        async with self._holding:
            await self._persist(
                in_db_thread, HeldKey.objects.update_or_create, group=name, key=record.key, defaults=held
            )
            _held[name, record.key] = record.pos

    async def _watch_held(self, reader: GroupReader) -> None:
        while True:
            await asyncio.sleep(HELD_SECONDS)
            for held in await self._persist(self._learn_held, reader):
                if held.retry and held.partition in reader.partitions:
                    await self._retry(held)

    async def _retry(self, held: HeldKey) -> None:
        """Apply a held key from its first record on, then let it run with the others."""
        after = held.pos - 1
        while True:
            polled = self._polled_of(held.partition)
            records = await self._persist(self._log.key_records, held.key, after=after, limit=POLL_LIMIT)
            wanted = [record for record in records if self.group.wants(record.event_type)]
            for record in await self._readable(wanted):
                if error := await self._try([record], tries=TRIES):
                    await self._hold(record, error)
                    return
            if records:
                after = records[-1].pos
                continue
            async with self._holding:
                if self._polled_of(held.partition) == polled:
                    # Nothing of the key was skipped since it was read to its end, nor is it from here on.
                    del _held[self.group.name, held.key]
                    await self._persist(in_db_thread, held.delete)
                    return

    def _polled_of(self, partition: int) -> int:
        way = self._ways.get(partition)
        return way.polled if way else -1


async def run_groups(chosen: Sequence[Group]) -> None:
    """Run groups side by side until cancelled; one that breaks stops them all loudly."""
    async with asyncio.TaskGroup() as tasks:
        for group in chosen:
            tasks.create_task(Runner(group).run(), name=f"group-{group.name}")


async def trim(source: EventLog, *, now_ms: int) -> int:
    """Trim a log, but for what the groups that read it still hold; answers how many records went."""
    names = [group.name for group in groups() if group.source() is source]
    return await source.trim(now_ms=now_ms, below=await in_db_thread(_first_held, names), groups=names)


def _first_held(names: Sequence[str]) -> Positions:
    held = HeldKey.objects.filter(group__in=names).values_list("partition")
    return dict(held.annotate(first=Min("pos")).order_by())


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
        ends = await source.ends()
        while True:
            progress = await source.progress(group.name)
            if all(progress.get(partition, 0) >= end for partition, end in ends.items()):
                break
            await asyncio.sleep(LOOK_SECONDS)
