"""A stream in memory, one process only: a cache read through from the event log.

The log is indexed by key and offset, so what memory does not hold is read from
there, and a restart keeps the epoch. An event that a cold room reads from the
log before delivery appends it counts as held.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

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
REPLAY = 1_000  # records read back from the log for one cursor; beyond it the room is reloaded


class _Room:
    __slots__ = ("bytes", "changed", "entries", "floor", "head")

    def __init__(self, head: int, floor: int) -> None:
        self.head, self.floor = head, floor
        self.entries: deque[Entry] = deque()
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


class MemoryRoomStream:
    """RoomStream of one process."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        self._bytes = 0
        self._epoch = ""
        self._cold = Together(self._read_rooms, most=TOGETHER)

    async def append(self, record: Record, body: Body) -> Entry | None:
        room = await self._room(record.key)
        if record.pos <= room.head:
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

    async def _read_rooms(self, subjects: Sequence[str]) -> dict[str, _Room]:
        floor, found = await self._read(subjects)
        # Another reader may have been faster, and events have come since.
        rooms = {
            subject: self._rooms.get(subject) or self._keep(subject, entries, floor)
            for subject, entries in found.items()
        }
        self._let_go()
        return rooms

    async def _read(self, subjects: Sequence[str]) -> tuple[int, dict[str, list[Entry]]]:
        """The floor of the log, and the newest events of rooms above it."""
        floor = await _floor()
        while True:
            found = await self._newest(subjects, floor)
            if (now := await _floor()) == floor:
                return floor, found
            floor = now  # Trimmed in between: the oldest events found may lack the ones before them.

    async def _newest(self, subjects: Sequence[str], floor: int) -> dict[str, list[Entry]]:
        """The newest events of rooms in the log; the first only where its prev is known."""
        found: dict[str, list[Entry]] = {}
        limit = EVENTS + 1
        while subjects:
            records = await cast(SqlLog, log()).newest_of(subjects, after=floor, limit=limit)
            for subject in subjects:
                entries = _chain(records[subject], floor)
                if len(records[subject]) < limit:
                    found[subject] = entries
                elif len(entries) > 1:
                    found[subject] = entries[1:]
            subjects = [subject for subject in subjects if subject not in found]
            limit *= 4
        return found

    async def describe(self) -> Description:
        return Description(server="memory of the serving process")

    def _keep(self, subject: str, entries: Sequence[Entry], floor: int) -> _Room:
        self._rooms[subject] = room = _Room(entries[-1].pos if entries else floor, floor)
        for entry in entries:
            self._bytes += room.add(entry)
        return room

    async def _read_back(self, subject: str, pos: int, head: int) -> Sequence[Entry] | None:
        records = await log().key_records(subject, after=pos, limit=REPLAY)
        if pos < await _floor() or len(records) == REPLAY:
            return None
        return [entry for entry in _chain(records, pos) if entry.pos <= head]

    def _let_go(self) -> None:
        while len(self._rooms) > 1 and (self._bytes > KEPT_BYTES or len(self._rooms) > ROOMS):
            _, room = self._rooms.popitem(last=False)
            self._bytes -= room.bytes
            if room.changed:
                room.changed.set()  # Whoever waits looks again, at the room read anew.


async def _floor() -> int:
    """The floor of the log, which has one partition where there is one process."""
    return (await log().floors())[0]


def _chain(records: Sequence[Record], prev: int) -> list[Entry]:
    """The room events among records, each with the pos of the one before it."""
    entries = []
    for record in records:
        with suppress(Unreadable):
            if (body := body_of(record)) is not None:
                entries.append(Entry(record.pos, prev, record.event_id, body))
                prev = record.pos
    return entries
