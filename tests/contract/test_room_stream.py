"""The contract of RoomStream, over each of its twins."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.gateway.bodies import Body, body_of
from chatsite.gateway.streams import Entry, RoomStream
from chatsite.gateway.streams.memory import EVENTS, REPLAY, MemoryRoomStream
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import NewRecord, Record, new_record
from tests.unit.events import sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
ROOM = uuid4()


@pytest.fixture
async def stream(transactional_db: None) -> AsyncIterator[RoomStream]:
    """A stream."""
    await log().open()
    yield MemoryRoomStream()
    await log().close()
    await sync_to_async(connections.close_all)()


def message(room: UUID = ROOM) -> NewRecord:
    """A room event."""
    happened = sent()
    return new_record(
        happened.event, event_id=uuid4(), key=room, version=happened.version, occurred_ms=0, actor=None, region="here"
    )  # fmt: skip


async def happen(stream: RoomStream, count: int) -> list[Entry]:
    """Append so many events to the log and offer them to the stream, as delivery does."""
    entries = []
    for _ in range(count):
        place = await log().append(message())
        record = (await log().newest(limit=1))[0]
        assert record.pos == place.pos
        entry = await stream.append(record, _body(record))
        assert entry is not None
        entries.append(entry)
    return entries


def _body(record: Record) -> Body:
    body = body_of(record)
    assert body is not None
    return body


async def test_positions_rise_and_each_names_the_one_before(stream: RoomStream) -> None:
    assert (await stream.heads([str(ROOM)]))[str(ROOM)].pos == 0
    entries = await happen(stream, 5)
    assert [entry.prev for entry in entries] == [0, *[entry.pos for entry in entries[:-1]]]
    assert (await stream.heads([str(ROOM)]))[str(ROOM)].pos == entries[-1].pos
    assert await stream.since(str(ROOM), entries[1].pos) == entries[2:]
    assert not await stream.since(str(ROOM), entries[-1].pos)


async def test_a_held_duplicate_is_answered_as_it_stands(stream: RoomStream) -> None:
    entries = await happen(stream, 3)
    records = await log().newest(limit=3)
    assert [await stream.append(record, _body(record)) for record in records] == entries
    assert (await stream.heads([str(ROOM)]))[str(ROOM)].pos == entries[-1].pos


async def test_a_restart_keeps_epoch_and_events(stream: RoomStream) -> None:
    entries = await happen(stream, 4)
    again = MemoryRoomStream()
    assert (await again.heads([str(ROOM)]))[str(ROOM)] == (await stream.heads([str(ROOM)]))[str(ROOM)]
    assert await again.since(str(ROOM), entries[0].pos) == entries[1:]


async def test_many_heads_are_those_of_one_by_one(stream: RoomStream) -> None:
    rooms = [uuid4() for _ in range(4)]
    for number, room in enumerate(rooms):
        await asyncio.gather(*[log().append(message(room)) for _ in range(number * EVENTS)])
    await stream.heads([str(rooms[2])])  # One is warm already.
    subjects = [str(room) for room in (*rooms, rooms[0])]
    together = await stream.heads(subjects)
    assert together == {subject: (await MemoryRoomStream().heads([subject]))[subject] for subject in subjects}
    for room in rooms:
        one = MemoryRoomStream()
        head = together[str(room)].pos
        assert await stream.since(str(room), head - 3) == await one.since(str(room), head - 3)


async def test_what_memory_let_go_is_read_back_with_the_same_places(stream: RoomStream) -> None:
    entries = await happen(stream, EVENTS + 60)
    assert await stream.since(str(ROOM), 0) == entries
    again = MemoryRoomStream()
    assert await again.since(str(ROOM), entries[10].pos) == entries[11:]


async def test_cursors_that_cannot_be_completed_get_nothing(stream: RoomStream) -> None:
    entries = await happen(stream, 6)
    assert await stream.since(str(ROOM), entries[-1].pos + 1) is None
    reader = await log().read("g")
    reader.finished(0, 3)
    await reader.commit()
    await log().trim(now_ms=4_000_000_000_000_000, below={})
    fresh = MemoryRoomStream()
    floor = (await log().floors())[0]
    assert await fresh.since(str(ROOM), floor - 1) is None
    assert await fresh.since(str(ROOM), floor) == entries[3:]
    assert (await fresh.heads(["nobody"]))["nobody"].pos == floor
    await reader.close()


async def test_more_than_a_replay_gets_nothing(stream: RoomStream) -> None:
    await asyncio.gather(*[log().append(message()) for _ in range(REPLAY + EVENTS)])
    assert await stream.since(str(ROOM), 0) is None


async def test_waiting_for_a_pos(stream: RoomStream) -> None:
    entries = await happen(stream, 1)
    assert await stream.wait_for(str(ROOM), entries[0].pos, seconds=0)
    assert not await stream.wait_for(str(ROOM), entries[0].pos + 1, seconds=0)
    waiting = asyncio.create_task(stream.wait_for(str(ROOM), entries[0].pos + 1, seconds=20))
    await happen(stream, 1)
    assert await waiting
