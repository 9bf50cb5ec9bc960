"""The hub under loss, repetition and disorder of its notices, and under changing members."""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import msgspec
import pytest
import redis
from channels.layers import get_channel_layer

from chatsite.gateway import delivery, writing
from chatsite.gateway import hub as hub_module
from chatsite.gateway.bodies import Body
from chatsite.gateway.hub import Hub
from chatsite.gateway.joining import JoinedRooms
from chatsite.gateway.layers.redis import RedisChannelLayer
from chatsite.gateway.notices import group_of, notice_of, whisper
from chatsite.gateway.outlets import AsgiOutlet
from chatsite.gateway.protocol import Cursor
from chatsite.gateway.registry import WhoMayHear
from chatsite.gateway.rooms import Room
from chatsite.gateway.session import Session
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.gateway.streams import redis as stream_module
from chatsite.gateway.streams.memory import REPLAY
from chatsite.kernel.errors import NotFound, Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.redis import Redis
from chatsite.management.running import close_backends
from tests.contract.hubs import MEMBERS, SUBJECT, deliver, happen, running
from tests.contract.test_room_stream import impatient, message, record_of
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


ours = ContextVar("ours", default=False)  # whether what is done is what a test asked for


class Listener:
    """A session of one person that keeps what it was sent."""

    def __init__(self, user: str) -> None:
        outlet = AsgiOutlet(self._send)
        self.session = Session(outlet, outbound_bytes=1 << 20)
        self.session.user_id = user
        self.frames: list[dict[str, Any]] = []
        self.arrived = asyncio.Condition()
        self.writer = asyncio.create_task(outlet.serve(outlet.left()))

    async def _send(self, event: dict[str, Any]) -> None:
        if "text" in event:
            async with self.arrived:
                self.frames.append(json.loads(event["text"]))
                self.arrived.notify_all()

    async def until(self, pos: int) -> None:
        """Wait until it was told of a pos."""
        await self.hears(lambda: self.pos >= pos, story=f"{pos}")

    async def hears(self, wanted: Callable[[], bool], *, story: str = "all") -> None:
        """Wait until what it was sent is as wanted."""
        async with in_time(f"{self.session.user_id} hears {story}"), self.arrived:
            while not wanted():
                await self.arrived.wait()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The room events it was sent, replays too, in order."""
        told: list[dict[str, Any]] = []
        for frame in self.frames:
            told += frame["events"] if frame["type"] == "SUBSCRIBED" else [frame] if "prev" in frame else []
        return told

    @property
    def pos(self) -> int:
        """How far it was told."""
        return max([frame["pos"] for frame in self.frames if "pos" in frame], default=0)

    def was_told_all_since(self, pos: int) -> None:
        """Check: each event once, in order, each beginning where the one before ended."""
        assert [event["prev"] for event in self.events] == [pos, *[event["pos"] for event in self.events[:-1]]]


@pytest.fixture
async def hub(ready: None) -> AsyncIterator[Hub]:
    """A hub over the stream and log of this process."""
    async with running(Hub()) as made:
        yield made


@pytest.fixture
async def hubs(ready: None, settings: Any, redis_url: str) -> AsyncIterator[tuple[Hub, Hub]]:
    """The hubs of two servers that share a Redis."""
    name = "chatsite.gateway.layers.redis.RedisChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": name, "CONFIG": {"url": redis_url, "capacity": 1_000}}}
    name = "chatsite.gateway.streams.redis.RedisRoomStream"
    settings.ROOM_STREAM = {"BACKEND": name, "CONFIG": {"url": redis_url}}
    await stream().epoch()
    async with running(Hub()) as one, running(Hub()) as other:
        yield one, other
    await get_channel_layer().flush()


async def notice(entry: Entry) -> dict[str, Any]:
    """What the layer says of an event."""
    return notice_of(SUBJECT, entry, await stream().epoch())


@pytest.mark.parametrize("seed", range(12))
async def test_nobody_misses_or_repeats_whatever_the_layer_does(
    hub: Hub, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(writing, "SLICE", chance.choice([1, 2, 500]))  # so that a pass takes many turns
    ada = Listener("ada")
    await hub.subscribe(ada.session, {SUBJECT: None}, ref=None)
    late: list[Listener] = []
    left: list[tuple[Listener, int]] = []
    waiting: list[dict[str, Any]] = []
    for _ in range(60):
        entry = await happen()
        waiting += [await notice(entry)] * chance.choice([0, 1, 1, 2])
        chance.shuffle(waiting)
        while waiting and chance.random() < 0.7:
            hub.receive(waiting.pop())
        if chance.random() < 0.1:
            late.append(Listener("ben"))
            cursor = Cursor(await stream().epoch(), 0) if chance.random() < 0.5 else None
            await hub.subscribe(late[-1].session, {SUBJECT: cursor}, ref=None)
        if late and chance.random() < 0.05:
            left.append((late.pop(), _room_of(hub).cursor.pos))
            hub.unsubscribe(left[-1][0].session, SUBJECT)
    await ada.until(entry.pos)
    ada.was_told_all_since(0)
    for listener, pos in [*((listener, entry.pos) for listener in late), *left]:
        await listener.until(pos)
        if listener.events:
            first = listener.frames[0]
            listener.was_told_all_since(0 if first["recovered"] else first["pos"])


async def test_a_large_room_is_written_to_in_slices_and_in_order(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SLICE", 1)
    monkeypatch.setattr(Hub, "_catch_up", lambda hub, room: None)  # Nothing comes before its notice.
    crowd = [Listener("ada") for _ in range(60)]
    for listener in crowd:
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    first, second = await happen(), await happen()
    hub.receive(await notice(first))  # It takes sixty turns of the loop; in the middle one comes, and some leave.
    ben = Listener("ben")
    await hub.subscribe(ben.session, {SUBJECT: None}, ref=None)
    assert hub._writer._unwritten
    for listener in crowd[::2]:
        hub.unsubscribe(listener.session, SUBJECT)
    hub.receive(await notice(second))
    for number, listener in enumerate(crowd):
        await listener.until((second if number % 2 else first).pos)
        listener.was_told_all_since(0)
    await ben.until(second.pos)
    assert [event["pos"] for event in ben.events] == [second.pos]  # The first stood in the room before he came.


async def test_who_is_removed_hears_that_last(hub: Hub) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    for listener in (ada, ben):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    MEMBERS.discard("ben")
    removal = await happen(members_version=2, farewell="ben")
    hub.receive(await notice(removal))
    after = await happen()
    hub.receive(await notice(after))
    await ada.until(after.pos)
    await ben.until(removal.pos)
    assert [event["pos"] for event in ben.events] == [removal.pos]
    assert ben.session.subjects == set()
    assert isinstance((await hub.subscribe(ben.session, {SUBJECT: None}, ref=None))[SUBJECT], NotFound)


def _room_of(hub: Hub, subject: str = SUBJECT) -> Room:
    room = hub._rooms.get(subject)
    assert room is not None
    return room


def _judge_by(who_may_hear: WhoMayHear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub ask this for who may hear a room, whether of one room or of many."""

    async def heard_by(user: str, versions: Mapping[str, int]) -> set[str]:
        return {one for one, version in versions.items() if await who_may_hear([user], one, version=version)}

    monkeypatch.setattr(hub_module, "who_may_hear", who_may_hear)
    monkeypatch.setattr(hub_module, "heard_by", heard_by)


@pytest.mark.parametrize("cursor", [0, None])
async def test_who_is_removed_while_they_subscribe_is_answered_nothing_of_later(
    hub: Hub, cursor: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    await hub.subscribe(ada.session, {SUBJECT: None}, ref=None)
    happened: list[Entry] = []

    async def removed(users: Iterable[str], subject: str, *, version: int) -> set[str]:
        """Members as they were kept, while the removal and more arrive in the stream."""
        if not happened:
            happened.extend([await happen(members_version=2, farewell="ben"), await happen(members_version=2)])
        return set(users) if version < 2 else set(users) - {"ben"}

    _judge_by(removed, monkeypatch)
    begin = None if cursor is None else Cursor(await stream().epoch(), cursor)
    await hub.subscribe(ben.session, {SUBJECT: begin}, ref=None)
    for entry in happened:
        hub.receive(await notice(entry))
    removal, after = happened
    await ada.until(after.pos)
    await ben.until(removal.pos)
    assert ben.pos == removal.pos
    assert ben.session.subjects == set()


@pytest.mark.parametrize("cursor", [0, None])
async def test_what_happens_while_heads_are_on_their_way_is_not_missed(
    hub: Hub, cursor: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = type(stream()).heads
    happened: asyncio.Future[Entry] | None = None  # once: the hub looks at its rooms' heads by itself too

    async def slow(self: Any, subjects: Sequence[str]) -> dict[str, Head]:
        """As they were before something happened that was delivered at once."""
        nonlocal happened
        found = await heads(self, subjects)
        if (room := hub._rooms.get(SUBJECT)) and room.held and happened is None:
            happened = asyncio.ensure_future(happen())
            hub.receive(await notice(await happened))
        return found

    monkeypatch.setattr(type(stream()), "heads", slow)
    ada = Listener("ada")
    begin = None if cursor is None else Cursor(await stream().epoch(), cursor)
    assert await hub.subscribe(ada.session, {SUBJECT: begin}, ref=None) == {}
    assert happened is not None
    await ada.until(happened.result().pos)
    ada.was_told_all_since(0)


async def test_who_was_removed_before_anybody_heard_the_room_is_answered_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in (2, 2):
        await happen(members_version=version)

    async def stale(users: Iterable[str], subject: str, *, version: int) -> set[str]:
        return set(users) if version < 2 else set(users) - {"ben"}

    _judge_by(stale, monkeypatch)
    ben = Listener("ben")
    refused = await hub.subscribe(ben.session, {SUBJECT: Cursor(await stream().epoch(), 0)}, ref=None)
    assert isinstance(refused[SUBJECT], NotFound)
    assert ben.frames == []


async def test_a_roster_newer_than_the_event_takes_nobody_their_farewell(hub: Hub) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    for listener in (ada, ben):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    MEMBERS.discard("ben")  # Removed in the same moment as another change, of which the hub hears first.
    other = await happen(members_version=2)
    hub.receive(await notice(other))
    await ada.until(other.pos)
    between = await happen()
    hub.receive(await notice(between))
    removal = await happen(members_version=3, farewell="ben")
    hub.receive(await notice(removal))
    after = await happen()
    hub.receive(await notice(after))
    await ada.until(after.pos)
    await ben.until(removal.pos)
    assert [event["pos"] for event in ben.events] == [removal.pos]


async def test_who_is_removed_while_they_ask_for_everything_hears_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    await hub.subscribe(ada.session, {SUBJECT: None}, ref=None)
    asked = 0

    async def subjects(user: str) -> dict[str, dict[str, Any]]:
        nonlocal asked
        asked += 1
        if asked == 2:  # It is read before the removal is committed, and comes back after that was delivered.
            MEMBERS.discard("ben")
            removal = await happen(members_version=2, farewell="ben")
            hub.receive(await notice(removal))
            await ada.until(removal.pos)
        return {SUBJECT: {"pos": 0}}

    monkeypatch.setattr(hub_module, "subjects_of", subjects)
    await hub.subscribe_all(ben.session, ref=None)
    after = await happen()
    hub.receive(await notice(after))
    await ada.until(after.pos)
    assert ben.session.subjects == set()
    assert not [event for event in ben.events if event["pos"] == after.pos]


async def test_who_asks_for_everything_again_misses_nothing_meanwhile(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    for listener in (ada, ben):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    said: list[Entry] = []

    async def subjects(user: str) -> dict[str, dict[str, Any]]:
        if ada.session.hears_all and not said:
            said.append(await happen())
            hub.receive(await notice(said[0]))
        return {SUBJECT: {"pos": 0}}

    monkeypatch.setattr(hub_module, "subjects_of", subjects)
    await hub.subscribe_all(ada.session, ref=None)
    for listener in (ada, ben):
        await listener.until(said[0].pos)
        listener.was_told_all_since(0)


@pytest.mark.parametrize("first", ["client", "hub"])
async def test_a_client_that_names_a_room_while_it_is_joined_to_it_hears_it_as_it_asked(hub: Hub, first: str) -> None:
    ada = Listener("ada")
    ada.session.hears_all = True
    named = hub.subscribe(ada.session, {SUBJECT: None}, ref="r")
    joined = hub._join_later(ada.session, SUBJECT, version=0)
    await asyncio.gather(*([named, joined] if first == "client" else [joined, named]))
    assert ada.session.named == {SUBJECT}
    assert ada.session in _room_of(hub).live
    entry = await happen()
    hub.receive(await notice(entry))
    await ada.until(entry.pos)
    ada.was_told_all_since(0)


async def test_a_lost_notice_of_a_removal_still_silences(hub: Hub) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    for listener in (ada, ben):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    MEMBERS.discard("ben")
    removal = await happen(members_version=2, farewell="ben")
    after = await happen()
    hub.receive(await notice(after))  # Of the removal itself nobody was told.
    await ada.until(after.pos)
    ada.was_told_all_since(0)
    assert [event["pos"] for event in ben.events] == [removal.pos]


async def test_what_cannot_be_completed_is_said_to_members_alone(hub: Hub) -> None:
    ada, ben = Listener("ada"), Listener("ben")
    for listener in (ada, ben):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    MEMBERS.discard("ben")
    await asyncio.gather(*[log().append(message()) for _ in range(REPLAY + 1)])
    entries = [await stream().append(record, Body(b"{}")) for record in await log().newest(limit=REPLAY + 1)]
    last = entries[-1]
    assert last is not None
    hub.receive(await notice(last))
    await ada.until(last.pos)
    assert ada.frames[-1]["type"] == "RESYNC"
    assert [frame["type"] for frame in ben.frames] == ["SUBSCRIBED"]
    following = await happen()
    hub.receive(await notice(following))
    await ada.until(following.pos)
    assert ada.events[-1]["prev"] <= last.pos


async def test_a_room_without_hearers_is_forgotten(hub: Hub) -> None:
    ada = Listener("ada")
    await hub.subscribe(ada.session, {SUBJECT: None}, ref=None)
    hub.forget(ada.session)
    assert hub._rooms.all() == ()
    async with in_time("its group is left"):
        while hub._rooms.groups:
            await stream().epoch()
            await log().ends()


# --- two servers over one Redis


async def both_hear(hubs: tuple[Hub, Hub]) -> list[Listener]:
    """Ada on one server, Ben on the other."""
    listeners = [Listener("ada"), Listener("ben")]
    for hub, listener in zip(hubs, listeners, strict=True):
        await hub.subscribe(listener.session, {SUBJECT: None}, ref=None)
    return listeners


async def test_a_notice_reaches_every_server(hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "_catch_up", lambda hub, room: None)  # Nothing is filled: all of it comes by notice.
    listeners = await both_hear(hubs)
    for _ in range(20):
        entry = await happen()
        await deliver(entry)
    await whisper(SUBJECT, b'{"type":"TYPING"}', besides="ada")
    for listener in listeners:
        await listener.until(entry.pos)
        listener.was_told_all_since(0)
    async with in_time("Ben hears that somebody writes"), listeners[1].arrived:
        await listeners[1].arrived.wait_for(lambda: listeners[1].frames[-1]["type"] == "TYPING")
    assert listeners[0].frames[-1]["type"] == "MESSAGE"


async def test_many_rooms_are_asked_for_together(hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    ada = Listener("ada")
    rooms = [str(uuid.uuid4()) for _ in range(100)]
    epoch, run, scripts = await stream().epoch(), Redis.run, 0

    async def counted(self: Redis, *args: Any, **kwargs: Any) -> Any:
        nonlocal scripts
        scripts += ours.get()  # The hub compares heads meanwhile.
        return await run(self, *args, **kwargs)

    async def stay(self: JoinedRooms) -> None:
        """Forget no room: comparisons are so hasty here that one may come between joining and entering."""

    monkeypatch.setattr(Redis, "run", counted)
    monkeypatch.setattr(JoinedRooms, "leave_forgotten", stay)
    ours.set(True)
    refused = await hubs[0].subscribe(ada.session, dict.fromkeys(rooms), ref="r")
    assert refused == {}
    assert scripts < 10
    await ada.hears(lambda: len(ada.frames) == len(rooms))
    assert {(one["type"], one["roomId"], one["epoch"], one["recovered"]) for one in ada.frames} == {
        ("SUBSCRIBED", room, epoch, False) for room in rooms
    }
    assert all(ada.session in _room_of(hubs[0], room).live for room in rooms)


async def test_a_removal_on_one_server_silences_on_the_other(hubs: tuple[Hub, Hub]) -> None:
    ada, ben = await both_hear(hubs)
    MEMBERS.discard("ben")
    removal = await happen(members_version=2, farewell="ben")
    await deliver(removal)
    after = await happen()
    await deliver(after)
    await ada.until(after.pos)
    await ben.until(removal.pos)
    assert [event["pos"] for event in ben.events] == [removal.pos]


async def test_a_lost_removal_is_noticed_at_the_next_event(
    hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = await both_hear(hubs)
    monkeypatch.setattr(hub_module, "HEADS_SECONDS", 3_600)
    first = await happen(members_version=2)
    MEMBERS.discard("ben")
    assert (await happen()).body.members_version == first.body.members_version == 2
    following = await happen()
    await deliver(following)
    await ada.until(following.pos)
    assert ben.events == []


async def test_a_hub_hears_again_once_redis_is_back(hubs: tuple[Hub, Hub], redis_url: str) -> None:
    listeners = await both_hear(hubs)
    cut_off(redis_url)
    entry = await happen()
    await deliver(entry)  # Nobody listens, perhaps.
    for listener in listeners:
        await listener.until(entry.pos)
    async with in_time("somebody listens again"):
        while not count_heard(redis_url):
            await stream().heads([SUBJECT])
    await deliver(await happen())
    last = await happen()
    await deliver(last)
    for listener in listeners:
        await listener.until(last.pos)
        listener.was_told_all_since(0)


def cut_off(redis_url: str) -> None:
    """Close the connections by which servers hear each other."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for one in client.client_list("pubsub"):
            if f"/{one['db']}" == redis_url[redis_url.rindex("/") :]:
                client.client_kill_filter(_id=one["id"])


def count_heard(redis_url: str) -> int:
    """How many layers hear the room."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        return sum(count for _, count in client.pubsub_numsub(*client.pubsub_channels(f"*{group_of(SUBJECT)}")))


async def test_an_emptied_redis_is_a_new_epoch_for_all(hubs: tuple[Hub, Hub], redis_url: str) -> None:
    listeners = await both_hear(hubs)
    lost = await happen()
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    for listener in listeners:
        async with in_time("they are told to reload"), listener.arrived:
            while listener.frames[-1]["type"] != "RESYNC":
                await listener.arrived.wait()
        assert listener.frames[-1]["pos"] == lost.pos
    following = await happen()
    await deliver(following)
    for listener in listeners:
        await listener.until(following.pos)
        assert [event["pos"] for event in listener.events[-1:]] == [following.pos]
        assert [frame["type"] for frame in listener.frames].count("RESYNC") == 1


async def test_what_was_too_old_to_be_pushed_is_one_resync(
    hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = await both_hear(hubs)
    late = [msgspec.structs.replace(await record_of(), appended_ms=0) for _ in range(5)]
    await delivery.deliver(late)
    # Its worker has caught up; a hub sees that when it compares heads.
    monkeypatch.setattr(stream_module, "_HEADS", impatient(stream_module._HEADS))
    monkeypatch.setattr(stream_module, "_SINCE", impatient(stream_module._SINCE))
    for listener in listeners:
        await listener.until(late[-1].pos)
    following = await happen()
    await deliver(following)
    for listener in listeners:
        await listener.until(following.pos)
        assert [frame["type"] for frame in listener.frames] == ["SUBSCRIBED", "RESYNC", "MESSAGE"]


async def test_what_nobody_takes_is_dropped(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    layer = RedisChannelLayer(redis_url, capacity=3)
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    for number in range(10):
        await layer.group_send("g", {"type": "n", "number": number, "big": 2**53, "nothing": None, "text": "ü"})
    received: list[dict[str, Any]] = []
    async with in_time("three are kept"):
        while len(received) < 3:
            received.append(await layer.receive(channel))
    assert [one["number"] for one in received] == [0, 1, 2]
    assert received[0] == {"type": "n", "number": 0, "big": 2**53, "nothing": None, "text": "ü"}
    await layer.group_send("g", {"type": "n", "number": 10})
    assert (await layer.receive(channel))["number"] == 10
    assert not caplog.records
    await layer.flush()


async def test_what_threads_tell_goes_over_one_connection_that_the_end_closes(
    ready: None, settings: Any, redis_url: str
) -> None:
    name = "chatsite.gateway.layers.redis.RedisChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": name, "CONFIG": {"url": redis_url, "capacity": 9}}}
    layer, told = get_channel_layer(), Hub()
    await layer.group_add("g", await layer.new_channel())
    told.tell_here()
    for _ in range(5):
        await asyncio.to_thread(told.tell_changed, SUBJECT, 1)
    await layer.group_send("g", {"type": "behind what was told"})
    assert count_connections(redis_url) == 2, "one to hear and one to tell"
    await close_backends()
    async with in_time("they are closed"):
        while await asyncio.to_thread(count_connections, redis_url):
            pass


def count_connections(redis_url: str) -> int:
    """How many connections lead to this database, but for the one that asks."""
    with redis.Redis.from_url(redis_url) as client:
        return sum(1 for one in client.client_list() if f"/{one['db']}" == redis_url[redis_url.rindex("/") :]) - 1


async def test_without_redis_a_hub_starts_and_says_so(ready: None, settings: Any) -> None:
    name = "chatsite.gateway.layers.redis.RedisChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": name, "CONFIG": {"url": "redis://127.0.0.1:1", "capacity": 9}}}
    ada = Listener("ada")
    async with running(Hub()) as hub:
        refused = await hub.subscribe(ada.session, {SUBJECT: None}, ref=None)
        assert isinstance(refused[SUBJECT], Unavailable)
        await hub.end_sign_ins(["hers"])
        assert hub.has_ended("hers")
    await get_channel_layer().flush()
