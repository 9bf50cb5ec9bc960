"""The contract of RoomStream, over each of its twins."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import UUID, uuid4

import msgspec
import pytest
import redis
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.gateway.bodies import Body, body_of
from chatsite.gateway.streams import Entry, RoomStream
from chatsite.gateway.streams import redis as stream_module
from chatsite.gateway.streams.memory import EVENTS, REPLAY, MemoryRoomStream
from chatsite.gateway.streams.redis import BYTES, QUIET, STATE, RedisRoomStream
from chatsite.gateway.streams.redis import EVENTS as EVENTS_KEPT
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import NewRecord, Record, new_record
from chatsite.kernel.redis import Script, script
from tests.unit.events import sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
ROOM = uuid4()
QUIET_MS = int(QUIET.total_seconds() * 1_000)


@pytest.fixture
async def ready(transactional_db: None) -> AsyncIterator[None]:
    """The log that streams are of."""
    await log().open()
    yield
    await log().close()
    await sync_to_async(connections.close_all)()


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest, ready: None) -> Callable[[], RoomStream]:
    """Makes streams as processes do: each looks at the same rooms."""
    if request.param == "memory":
        return MemoryRoomStream
    made: Callable[[], RoomStream] = request.getfixturevalue("shared")
    return made


@pytest.fixture
async def shared(ready: None, redis_url: str) -> Callable[[], RedisRoomStream]:
    """Makes the streams of processes that share a Redis, where the first has been started."""
    await RedisRoomStream(redis_url).epoch()
    return partial(RedisRoomStream, redis_url)


@pytest.fixture
def stream(make: Callable[[], RoomStream]) -> RoomStream:
    """A stream."""
    return make()


@pytest.fixture
def memory(ready: None) -> RoomStream:
    """A stream in memory, read through from the log."""
    return MemoryRoomStream()


def message(room: UUID = ROOM) -> NewRecord:
    """A room event."""
    happened = sent()
    return new_record(
        happened.event, event_id=uuid4(), key=room, version=happened.version, occurred_ms=0, actor=None, region="here"
    )  # fmt: skip


async def record_of(room: UUID = ROOM) -> Record:
    """One more event in the log."""
    place = await log().append(message(room))
    record = (await log().newest(limit=1))[0]
    assert record.pos == place.pos
    return record


async def happen(stream: RoomStream, count: int) -> list[Entry]:
    """Append so many events to the log and offer them to the stream, as delivery does."""
    entries = []
    for _ in range(count):
        record = await record_of()
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


async def test_a_restart_keeps_epoch_and_events(make: Callable[[], RoomStream]) -> None:
    stream = make()
    entries = await happen(stream, 4)
    again = make()
    assert (await again.heads([str(ROOM)]))[str(ROOM)] == (await stream.heads([str(ROOM)]))[str(ROOM)]
    assert await again.since(str(ROOM), entries[0].pos) == entries[1:]


async def test_a_body_comes_back_whole(stream: RoomStream) -> None:
    await stream.heads([str(ROOM)])
    record = await record_of()
    body = Body('{"text":"\u00fc\u0000"}'.encode(), 3, farewell="ada", joins="a room", minted=-5)
    entry = await stream.append(record, body)
    assert entry == Entry(record.pos, 0, record.event_id, body)
    assert await stream.since(str(ROOM), 0) == [entry]


async def test_rooms_do_not_share(stream: RoomStream) -> None:
    rooms = [uuid4() for _ in range(3)]
    records = [await record_of(room) for room in [*rooms, *rooms]]
    # Many rooms at once, each in its order, as groups do.
    entries = await asyncio.gather(*[stream.append(record, _body(record)) for record in records[:3]])
    entries += await asyncio.gather(*[stream.append(record, _body(record)) for record in records[3:]])
    assert [entry and entry.prev for entry in entries] == [0, 0, 0, *[record.pos for record in records[:3]]]
    heads = await stream.heads([*map(str, rooms), "nobody"])
    assert [head.pos for head in heads.values()] == [*[record.pos for record in records[3:]], 0]
    assert await stream.heads([]) == {}


async def test_waiting_for_a_pos(stream: RoomStream) -> None:
    entries = await happen(stream, 1)
    assert await stream.wait_for(str(ROOM), entries[0].pos, seconds=0)
    assert not await stream.wait_for(str(ROOM), entries[0].pos + 1, seconds=0)
    waiting = asyncio.create_task(stream.wait_for(str(ROOM), entries[0].pos + 1, seconds=20))
    await happen(stream, 1)
    assert await waiting


# --- in memory: what is not held is read from the log


async def test_many_heads_are_those_of_one_by_one(memory: RoomStream) -> None:
    rooms = [uuid4() for _ in range(4)]
    for number, room in enumerate(rooms):
        await asyncio.gather(*[log().append(message(room)) for _ in range(number * EVENTS)])
    await memory.heads([str(rooms[2])])  # One is warm already.
    subjects = [str(room) for room in (*rooms, rooms[0])]
    together = await memory.heads(subjects)
    assert together == {subject: (await MemoryRoomStream().heads([subject]))[subject] for subject in subjects}
    for room in rooms:
        one = MemoryRoomStream()
        head = together[str(room)].pos
        assert await memory.since(str(room), head - 3) == await one.since(str(room), head - 3)


async def test_what_memory_let_go_is_read_back_with_the_same_places(memory: RoomStream) -> None:
    entries = await happen(memory, EVENTS + 60)
    assert await memory.since(str(ROOM), 0) == entries
    again = MemoryRoomStream()
    assert await again.since(str(ROOM), entries[10].pos) == entries[11:]


async def test_cursors_that_cannot_be_completed_get_nothing(memory: RoomStream) -> None:
    entries = await happen(memory, 6)
    assert await memory.since(str(ROOM), entries[-1].pos + 1) is None
    reader = await log().read("g")
    reader.finished(0, 3)
    await reader.commit()
    await log().trim(now_ms=4_000_000_000_000_000, below={}, groups=["g"])
    fresh = MemoryRoomStream()
    floor = (await log().floors())[0]
    assert await fresh.since(str(ROOM), floor - 1) is None
    assert await fresh.since(str(ROOM), floor) == entries[3:]
    assert (await fresh.heads(["nobody"]))["nobody"].pos == floor
    await reader.close()


async def test_more_than_a_replay_gets_nothing(memory: RoomStream) -> None:
    await asyncio.gather(*[log().append(message()) for _ in range(REPLAY + EVENTS)])
    assert await memory.since(str(ROOM), 0) is None


# --- in Redis: what is let go or lost is said


async def test_two_servers_share_one_order(shared: Callable[[], RedisRoomStream]) -> None:
    one, other = shared(), shared()
    entries = [(await happen(stream, 1))[0] for stream in (one, other, one, other)]
    assert await one.since(str(ROOM), 0) == await other.since(str(ROOM), 0) == entries
    assert await one.epoch() == await other.epoch()
    waiting = asyncio.create_task(other.wait_for(str(ROOM), entries[-1].pos + 1, seconds=20))
    await happen(one, 1)
    assert await waiting


async def test_an_event_under_a_second_record_keeps_its_place(shared: Callable[[], RedisRoomStream]) -> None:
    stream = shared()
    first = await record_of()
    entry = await stream.append(first, _body(first))
    second = msgspec.structs.replace(await record_of(), event_id=first.event_id)
    assert await stream.append(second, _body(first)) == entry
    assert await stream.wait_for(str(ROOM), second.pos, seconds=0)  # Its sender may read at least that.
    (following,) = await happen(stream, 1)
    assert following.prev == first.pos


async def test_a_room_keeps_so_many_events_and_bytes(
    shared: Callable[[], RedisRoomStream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = shared()
    record = await record_of()
    records = [
        msgspec.structs.replace(record, pos=record.pos + number, event_id=str(number))
        for number in range(EVENTS_KEPT + 5)
    ]
    entries = [await stream.append(record, Body(b"{}")) for record in records]
    assert await stream.since(str(ROOM), records[4].pos) == entries[5:]
    assert await stream.since(str(ROOM), records[3].pos) is None
    assert (await stream.heads([str(ROOM)]))[str(ROOM)].floor == records[4].pos
    big = msgspec.structs.replace(record, pos=records[-1].pos + 1, event_id="big")
    last = await stream.append(big, Body(b" " * (BYTES - 7)))
    assert await stream.since(str(ROOM), records[-4].pos) == [*entries[-3:], last]
    assert await stream.since(str(ROOM), records[-5].pos) is None


async def test_the_members_version_of_a_room_goes_with_every_event(shared: Callable[[], RedisRoomStream]) -> None:
    stream = shared()
    for version in (0, 7, 0, 5):
        record = await record_of()
        entry = await shared().append(record, Body(b"{}", version))
    assert entry is not None
    assert entry.body.members_version == 7
    assert [one.body.members_version for one in await stream.since(str(ROOM), 0) or ()] == [0, 7, 7, 7]


def _lose(redis_url: str, what: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        match what:
            case "emptied":
                client.flushdb()
            case "restarted":
                client.hset(STATE, "era", "another")
            case "its marker is gone":
                client.delete(STATE)
            case "another log":
                client.hset(STATE, "source", "another")


@pytest.mark.parametrize("what", ["emptied", "restarted", "its marker is gone", "another log"])
async def test_what_may_have_lost_something_begins_a_new_epoch(
    shared: Callable[[], RedisRoomStream], redis_url: str, what: str
) -> None:
    one, other = shared(), shared()
    entries = await happen(one, 3)
    epoch = await other.epoch()
    on_its_way = await record_of()  # In the log, and not delivered yet.
    _lose(redis_url, what)
    head = (await other.heads([str(ROOM)]))[str(ROOM)]
    assert head.epoch != epoch
    assert head.pos == head.floor == on_its_way.pos
    assert await one.append(on_its_way, _body(on_its_way)) is None  # It is read from the store.
    assert await one.since(str(ROOM), entries[0].pos) is None
    (following,) = await happen(one, 1)
    assert following.prev == head.pos
    assert await one.epoch() == head.epoch
    assert await other.since(str(ROOM), head.pos) == [following]


async def test_an_old_event_is_passed_over_and_said_once(
    shared: Callable[[], RedisRoomStream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, room = shared(), str(ROOM)
    entries = await happen(stream, 2)
    old = [msgspec.structs.replace(await record_of(), appended_ms=0) for _ in range(3)]
    assert [await stream.append(record, _body(record)) for record in old] == [None] * 3
    assert (await stream.heads([room]))[room].pos == entries[-1].pos  # Its worker has more of them.
    monkeypatch.setattr(stream_module, "_HEADS", impatient(stream_module._HEADS))
    monkeypatch.setattr(stream_module, "_SINCE", impatient(stream_module._SINCE))
    head = (await stream.heads([room]))[room]
    assert head.pos == head.floor == old[-1].pos
    assert await stream.since(room, entries[-1].pos) is None
    (following,) = await happen(stream, 1)
    assert following.prev == old[-1].pos
    assert await stream.since(room, entries[-1].pos) is None
    assert await stream.since(room, old[-1].pos) == [following]


def impatient(patient: Script) -> Script:
    """A script to which every worker has caught up."""
    assert f"> {QUIET_MS}" in patient.text
    return script(patient.text.replace(f"> {QUIET_MS}", "> -1"))


async def test_a_redis_that_is_away_is_said_in_time(shared: Callable[[], RedisRoomStream]) -> None:
    record = await record_of()
    stream = RedisRoomStream("redis://127.0.0.1:1")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: stream.append(record, _body(record)),
        lambda: stream.heads(["room"]),
        lambda: stream.since("room", 1),
        stream.epoch,
    ]
    for call in calls:
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable) as refused:
                await call()
        assert refused.value.code == "store_unavailable"
    assert not await stream.wait_for("room", 1, seconds=0)


async def test_a_redis_that_says_nothing_is_away_too(
    shared: Callable[[], RedisRoomStream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatsite.kernel.redis.CONNECT_SECONDS", 1.0)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        stream = RedisRoomStream(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        asked = [asyncio.create_task(stream.heads([str(number)])) for number in range(50)]
        async with asyncio.timeout(10):  # One after another they would wait for fifty.
            refused = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(one) for one in refused} == {Unavailable}
