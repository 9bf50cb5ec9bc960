"""A stream in memory, one process only: a cache read through from the event log.

The log is indexed by key and offset, so what memory does not hold is read from
there, and a restart keeps the epoch. Of a cold room its head is read, which is all
that most cursors ask for, and its newest events once somebody lacks some. An event
that was read from the log before delivery appends it counts as held.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, cast

from chatsite.gateway.bodies import Body, body_of
from chatsite.gateway.streams import Entry, Head
from chatsite.kernel.eventlog import SqlLog, log
from chatsite.kernel.events import Record, Unreadable
from chatsite.kernel.servers import Description
from chatsite.kernel.together import Together

EVENTS = 200  # events kept warm a room: a reconnect within a minute of a busy chat
ROOMS = 50_000  # rooms kept warm, about 400 bytes each when empty
KEPT_BYTES = 64 * 1024 * 1024  # over it the room that was quiet for longest is let go
TOGETHER = 250  # rooms that one SELECT reads
FIRST = 1  # record of a cold room that is read first: mostly its newest one is an event
REPLAY = 1_000  # records read back from the log for one cursor; beyond it the room is reloaded


class _Newest(NamedTuple):
    """What was read of a room: where its newest event is, and those whose prev is known."""

    head: int
    floor: int
    entries: Sequence[Entry]


class _Room:
    __slots__ = ("bytes", "changed", "entries", "floor", "head", "is_whole")

    def __init__(self, head: int, floor: int) -> None:
        self.head, self.floor = head, floor
        self.entries: deque[Entry] = deque()
        self.is_whole = head == floor  # All that there was to read is in `entries`.
        self.bytes = 0
        self.changed: asyncio.Event | None = None

    def add(self, entry: Entry) -> int:
        """Hold one more event; answers by how many bytes the room grew."""
        before = self.bytes
        self.entries.append(entry)
        self.bytes += len(entry.body.bytes)
        if len(self.entries) > EVENTS:
            self.bytes -= len(self.entries.popleft().body.bytes)
        return self.bytes - before

    def fill(self, found: Sequence[Entry]) -> int:
        """Hold what the log has of the newest events, and what was appended since; answers by how much it grew."""
        if self.is_whole:
            return 0
        before, since = self.bytes, tuple(self.entries)
        self.entries.clear()
        self.bytes, self.is_whole = 0, True
        for entry in found:
            if entry.pos <= self.head:  # What is above it is for delivery to append.
                self.add(entry)
        last = self.entries[-1].pos if self.entries else self.floor
        if since and since[0].prev > last:  # So much came while it was read that there is a hole.
            self.entries.clear()
            self.bytes = 0
        for entry in since:
            if entry.pos > last:
                self.add(entry)
        return self.bytes - before


class MemoryRoomStream:
    """RoomStream of one process."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        self._bytes = 0
        self._epoch = ""
        self._cold = Together(self._read_heads, most=TOGETHER)
        self._lacking = Together(self._read_rooms, most=TOGETHER)

    async def append(self, record: Record, body: Body) -> Entry | None:
        room = await self._room(record.key)
        if record.pos <= room.head:
            room = await self._whole(record.key, room)
            return next((entry for entry in room.entries if entry.event_id == record.event_id), None)
        entry = Entry(record.pos, room.head, record.event_id, body)
        room.head = record.pos
        self._bytes += room.add(entry)
        if room.changed:
            room.changed.set()
            room.changed = None
        self._let_go()
        return entry

    async def since(self, subject: str, pos: int) -> Sequence[Entry] | None:
        room = await self._room(subject)
        if pos == room.head:
            return ()
        if pos > room.head:
            return None
        room = await self._whole(subject, room)
        if room.entries and pos >= room.entries[0].prev:
            return [entry for entry in room.entries if entry.pos > pos]
        return await self._read_back(subject, pos, room.head)

    async def heads(self, subjects: Sequence[str]) -> dict[str, Head]:
        epoch = await self.epoch()
        return {subject: Head(epoch, room.head, room.floor) for subject, room in (await self._all(subjects)).items()}

    async def epoch(self) -> str:
        if not self._epoch:
            self._epoch = await log().open()
        return self._epoch

    async def wait_for(self, subject: str, pos: int, *, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (room := await self._room(subject)).head < pos:
                    room.changed = room.changed or asyncio.Event()
                    await room.changed.wait()
                return True
        return False

    async def _room(self, subject: str) -> _Room:
        if (room := self._rooms.get(subject)) is not None:
            self._rooms.move_to_end(subject)
            return room
        return (await self._all([subject]))[subject]

    async def _all(self, subjects: Sequence[str]) -> dict[str, _Room]:
        """The rooms of subjects; those that memory does not hold are read from the log together."""
        rooms: dict[str, _Room] = {}
        cold: list[str] = []
        for subject in subjects:
            if (room := self._rooms.get(subject)) is None:
                cold.append(subject)
            else:
                rooms[subject] = room
                self._rooms.move_to_end(subject)
        if cold:
            rooms |= await self._cold.ask(cold)
        return rooms

    async def _whole(self, subject: str, room: _Room) -> _Room:
        """A room with its newest events."""
        return room if room.is_whole else (await self._lacking.ask([subject]))[subject]

    async def _read_heads(self, subjects: Sequence[str]) -> dict[str, _Room]:
        """Rooms of which the newest event is known."""
        found = await _newest(subjects, first=FIRST, least=1)
        rooms = {subject: self._keep(subject, one) for subject, one in found.items()}
        self._let_go()
        return rooms

    async def _read_rooms(self, subjects: Sequence[str]) -> dict[str, _Room]:
        """Rooms with their newest events."""
        rooms: dict[str, _Room] = {}
        for subject, one in (await _newest(subjects, first=EVENTS + 1, least=2)).items():
            rooms[subject] = room = self._keep(subject, one)
            self._bytes += room.fill(one.entries)
        self._let_go()
        return rooms

    async def describe(self) -> Description:
        return Description(server="memory of the serving process")

    def _keep(self, subject: str, found: _Newest) -> _Room:
        """A room that was read, unless another reader was faster: events have come since."""
        if (room := self._rooms.get(subject)) is None:
            room = self._rooms[subject] = _Room(found.head, found.floor)
        return room

    async def _read_back(self, subject: str, pos: int, head: int) -> Sequence[Entry] | None:
        records = await log().key_records(subject, after=pos, limit=REPLAY)
        if pos < (await log().floors())[0] or len(records) == REPLAY:
            return None
        return [entry for entry in _chain(records, pos) if entry.pos <= head]

    def _let_go(self) -> None:
        while len(self._rooms) > 1 and (self._bytes > KEPT_BYTES or len(self._rooms) > ROOMS):
            _, room = self._rooms.popitem(last=False)
            self._bytes -= room.bytes
            if room.changed:
                room.changed.set()  # Whoever waits looks again, at the room read anew.


async def _newest(subjects: Sequence[str], *, first: int, least: int) -> dict[str, _Newest]:
    """What the log has of rooms: at least so many of the newest events, or all; so many records are read first."""
    found: dict[str, _Newest] = {}
    limit = first
    while subjects:
        floors, read = await cast(SqlLog, log()).newest_of(subjects, limit=limit)
        for subject, records in read.items():
            floor, is_all = floors[0], len(records) < limit  # The log has one partition where there is one process.
            chain = _chain(records, floor)
            if is_all or len(chain) >= least:
                head = chain[-1].pos if chain else floor
                found[subject] = _Newest(head, floor, chain if is_all else chain[1:])
        subjects = [subject for subject in subjects if subject not in found]
        limit *= 4
    return found


def _chain(records: Sequence[Record], prev: int) -> list[Entry]:
    """The room events among records, each with the pos of the one before it."""
    entries = []
    for record in records:
        with suppress(Unreadable):
            if (body := body_of(record)) is not None:
                entries.append(Entry(record.pos, prev, record.event_id, body))
                prev = record.pos
    return entries
