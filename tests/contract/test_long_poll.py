"""The long poll over a hub whose notices are lost, with bounds that are reached, and under changing members."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatsite.gateway import longpoll
from chatsite.gateway.bodies import Body
from chatsite.gateway.hub import Hub
from chatsite.gateway.longpoll import Answer, poll
from chatsite.gateway.notices import whisper
from chatsite.gateway.protocol import Cursor
from chatsite.gateway.registry import Identity
from chatsite.gateway.streams import stream
from chatsite.gateway.streams.memory import REPLAY
from chatsite.gateway.watches import Watch
from chatsite.kernel.errors import RateLimited, Unauthenticated, Unavailable
from chatsite.kernel.eventlog import log
from tests.contract.hubs import MEMBERS, SUBJECT, deliver, happen, running
from tests.contract.test_room_stream import message
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
LONG = 15.0


@pytest.fixture
async def hub(ready: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub over the stream and log of this process, which polls ask too."""
    async with running(Hub()) as made:
        monkeypatch.setattr(longpoll, "hub", made)
        yield made


def identity(user: str = "ada") -> Identity:
    """Somebody who is signed in for long."""
    return Identity(user, f"{user}'s sign-in", time.time() + 3_600)


async def here() -> Cursor:
    """Where the room is now."""
    head = (await stream().heads([SUBJECT]))[SUBJECT]
    return Cursor(head.epoch, head.pos)


async def begin(hub: Hub, user: str = "ada") -> "asyncio.Task[Answer]":
    """A poll that waits by now."""
    cursor, before = await here(), len(hub.watches)
    polled = asyncio.create_task(poll(identity(user), {SUBJECT: cursor}, seconds=LONG))
    async with in_time(f"{user} waits"):
        while len(hub.watches) == before and not polled.done():
            await stream().epoch()
            await log().ends()
    return polled


def events(answer: Answer) -> list[int]:
    """The positions of the events of an answer."""
    return [event["pos"] for frame in answer.frames for event in json.loads(frame).get("events", ())]


async def test_a_notice_wakes_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.watches, "compare", lambda *_: None)
    polled = await begin(hub)
    await hub._rooms.leave_forgotten()  # But not what is watched.
    entry = await happen()
    await deliver(entry)
    async with in_time("it is told", seconds=LONG / 2):
        assert events(await polled) == [entry.pos]


async def test_what_happens_before_it_is_watched_is_not_missed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.watches, "compare", lambda *_: None)
    watching, happened = hub.watching, []

    @asynccontextmanager
    async def late(watch: Watch) -> AsyncIterator[None]:
        happened.append(await happen())
        async with watching(watch):
            yield

    monkeypatch.setattr(hub, "watching", late)
    answer = await poll(identity(), {SUBJECT: await here()}, seconds=LONG)
    assert events(answer) == [entry.pos for entry in happened]


async def test_a_lost_notice_is_made_up_for(hub: Hub) -> None:
    polled = await begin(hub)
    entry = await happen()  # Of which nobody is told.
    async with in_time("the heads are compared", seconds=LONG / 2):
        assert events(await polled) == [entry.pos]


async def test_what_nobody_misses_wakes_nobody(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.watches, "compare", lambda *_: None)
    watch = Watch("a sign-in", dict.fromkeys((SUBJECT, "other"), await here()))
    async with hub.watching(watch):
        await whisper("other", b'{"type":"TYPING"}')
        await deliver(await happen())
        assert await watch.news() == {SUBJECT}


async def test_its_room_is_left_once_nobody_waits(hub: Hub) -> None:
    polled = await begin(hub)
    assert hub._rooms.groups == {SUBJECT}
    polled.cancel()
    async with in_time("its group is left"):
        while hub._rooms.groups or len(hub.watches):
            await stream().epoch()
            await log().ends()
    assert not hub.watches.subjects


async def test_below_the_kept_past_is_a_resync(hub: Hub) -> None:
    first = await here()
    await asyncio.gather(*[log().append(message()) for _ in range(REPLAY + 1)])
    for record in await log().newest(limit=REPLAY + 1):
        await stream().append(record, Body(b'{"type":"MESSAGE"}'))
    answer = await poll(identity(), {SUBJECT: first}, seconds=LONG)
    assert [json.loads(frame)["type"] for frame in answer.frames] == ["RESYNC"]
    assert answer.rooms == {SUBJECT: await here()}


async def test_only_the_farewell_and_what_was_before_it_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.watches, "compare", lambda *_: None)
    ada, ben = await begin(hub), await begin(hub, "ben")
    before = await happen()
    MEMBERS.discard("ben")
    removal = await happen(members_version=2, farewell="ben")
    after = await happen()
    await deliver(after)
    assert events(await ada) == [before.pos, removal.pos, after.pos]
    assert events(await ben) == [before.pos, removal.pos]
    assert (await ben).rooms == {}


async def test_who_is_removed_and_of_whose_removal_nothing_is_there_hears_nothing(hub: Hub) -> None:
    polled = await begin(hub, "ben")
    MEMBERS.discard("ben")
    await deliver(await happen())
    answer = await polled
    assert [json.loads(frame)["code"] for frame in answer.frames] == ["not_found"]
    assert answer.rooms == {}


async def test_an_answer_is_bounded_over_all_rooms(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longpoll, "ANSWER_BYTES", 1)
    first = await here()
    entry = await happen()
    rooms = {SUBJECT: first, "other": Cursor("foreign", 1), "third": None}
    answer = await poll(identity(), rooms, seconds=LONG)
    assert (events(answer), answer.more) == ([entry.pos], True)
    assert answer.rooms == rooms | {SUBJECT: await here()}
    rest = await poll(identity(), answer.rooms, seconds=LONG)
    assert [json.loads(frame)["roomId"] for frame in rest.frames] == ["other"]


async def test_so_many_wait_at_a_server(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longpoll, "MAX_WAITING", 2)
    polls = [await begin(hub), await begin(hub, "ben")]
    with pytest.raises(RateLimited) as refused:
        await poll(identity(), {SUBJECT: await here()}, seconds=LONG)
    assert (refused.value.code, refused.value.retry_after_ms) == ("rate_limited", 5_000)
    polls[0].cancel()
    await asyncio.gather(*polls[:1], return_exceptions=True)
    polls.append(await begin(hub))
    entry = await happen()
    await deliver(entry)
    for polled in polls[1:]:
        assert events(await polled) == [entry.pos]


async def test_a_sign_in_that_ends_meanwhile_is_told_nothing(hub: Hub) -> None:
    polled = await begin(hub)
    await happen()
    await hub.end_sign_ins(["ada's sign-in"])
    with pytest.raises(Unauthenticated):
        await polled
    with pytest.raises(Unauthenticated):
        await poll(identity(), {SUBJECT: None}, seconds=0)


async def test_a_server_that_stops_answers_and_accepts_no_more(hub: Hub) -> None:
    polled = await begin(hub)
    hub.draining = True
    hub.watches.end_all()
    assert await polled == Answer([], {SUBJECT: await here()}, more=False)
    with pytest.raises(Unavailable) as refused:
        await poll(identity(), {SUBJECT: None}, seconds=LONG)
    assert refused.value.code == "draining"
