"""A client without a socket: it polls, and hears what a socket hears, whichever server answers."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chatsite.gateway.protocol import Cursor, Verdict, judge
from tests.flow.test_removal import GRACE_SECONDS
from tests.world import Answer, Frame, Server, World, in_time

MakeServer = Callable[..., Server]
LONG = 15  # seconds; a poll that should be answered sooner and is not fails its test


class Poller:
    """A person's client that polls with the cursors it was given last, and applies the receiver rule."""

    def __init__(self, world: World, name: str, *rooms: str, token: str | None = None) -> None:
        self.world, self.name = world, name
        self.rooms: dict[str, Any] = dict.fromkeys(rooms)
        self.heard: list[Frame] = []
        self._headers = {"Authorization": f"Bearer {token}"} if token else None

    async def ask(self, *, wait: float = 0) -> Answer:
        """Poll, and keep nothing of the answer."""
        body = {"rooms": self.rooms, "wait": wait}
        return await self.world.rest(self.name, "POST", "/api/events", body, headers=self._headers)

    async def poll(self, *, wait: float = 0) -> list[Frame]:
        """Poll, and apply the answer."""
        answer = await self.ask(wait=wait)
        assert answer.status == 200, answer
        for frame in answer.body["frames"]:
            for event in frame.get("events", ()):
                self._apply(frame["roomId"], event)
        self.rooms = answer.body["rooms"]
        frames: list[Frame] = answer.body["frames"]
        return frames

    def _apply(self, room: str, event: Frame) -> None:
        at = Cursor(**self.rooms[room])
        assert judge(at, epoch=event["epoch"], pos=event["pos"], prev=event["prev"]) is Verdict.APPLY
        self.rooms[room] = {"epoch": event["epoch"], "pos": event["pos"]}
        self.heard.append(event)

    async def hears(self, wanted: Callable[[list[Frame]], bool]) -> None:
        """Poll until what was applied is as wanted."""
        async with in_time(f"{self.name} polls"):
            while not wanted(self.heard):
                await self.poll(wait=LONG)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator["asyncio.Task[list[Frame]]"]:
        """A poll that waits at a server; it is to be answered within the block."""
        task = asyncio.create_task(self.poll(wait=LONG))
        await polls_wait(self.world, 1)
        yield task
        async with in_time(f"{self.name} is answered", seconds=LONG / 2):
            await asyncio.gather(task, return_exceptions=True)


async def polls_wait(world: World, count: int) -> None:
    """Wait until so many polls wait at one of the servers."""
    await world.until(None, "/metrics", lambda body: f"\nchat_long_polls {count}.0\n" in body)


async def test_who_polls_hears_what_who_listens_hears(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    ada = Poller(world, "ada", chat)
    async with world.connect("ben", chat) as ben:
        assert "longpoll" in ben.frames[0]["features"]
        assert [frame["type"] for frame in await ada.poll()] == ["SUBSCRIBED"]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ada.hears(lambda heard: len(heard) == 100))
            for start in range(0, 80, 20):
                await asyncio.gather(*[ben.say(chat, f"ben {number}") for number in range(start, start + 20)])
                for number in range(5):
                    posted = {"content": f"ada {start} {number}"}
                    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", posted)).status == 201
        await ben.heard_until(chat, lambda heard: len(heard) == 100)
        assert ada.heard == ben.heard[chat]
        assert (ben.holes, ben.resyncs) == (0, [])
        assert await ada.poll() == []
        # The cursors are the socket's: either goes on where the other was.
        await ben.say(chat, "last")
        await ada.hears(lambda heard: len(heard) == 101)
        ben.cursors[chat] = Cursor(**ada.rooms[chat])
        await ben.cut()
        await ben.resume()
        assert ben.resyncs == []


async def test_a_poll_waits_until_something_happens(world: World) -> None:
    chat, quiet = await world.chat(["ada", "ben"]), await world.chat(["ada"])
    ada = Poller(world, "ada", chat, quiet)
    await ada.poll(wait=LONG)  # A cursor that is not known yet is told at once.
    before = ada.rooms
    assert await ada.poll(wait=0) == await ada.poll(wait=0.1) == []
    assert ada.rooms == before
    async with ada.waiting() as polled, world.connect("ben") as ben:
        said = await ben.say(chat, "hello")
        (frame,) = await polled
    assert (frame["type"], frame["roomId"], frame["recovered"]) == ("SUBSCRIBED", chat, True)
    assert [event["content"] for event in frame["events"]] == ["hello"]
    assert ada.rooms == before | {chat: {"epoch": frame["epoch"], "pos": said.body["pos"]}}


async def test_one_hears_into_which_chats_one_comes(world: World) -> None:
    me = await world.id("ada")
    ada = Poller(world, "ada", me)
    await ada.poll()
    async with ada.waiting() as polled:
        chat = await world.chat(["ben", "ada"])
        await polled
    await ada.hears(lambda heard: any(event["roomId"] == chat for event in heard))
    assert {event["type"] for event in ada.heard} == {"ME"}
    ben = Poller(world, "ben", me)
    assert [frame["code"] for frame in await ben.poll()] == ["not_found"]


async def test_what_cannot_be_completed_is_a_resync(world: World) -> None:
    chat = await world.chat(["ada"])
    ada = Poller(world, "ada", chat)
    await ada.poll()
    there = ada.rooms[chat]
    forged: list[dict[str, Any]] = [{"epoch": "another"}, {"pos": there["pos"] + 1}, {"pos": -1}, {"pos": 2**60}]
    for wrong in forged:
        ada.rooms = {chat: there | wrong}
        assert await ada.poll(wait=LONG) == [{"type": "RESYNC", "roomId": chat, **there}]
        assert ada.rooms == {chat: there}


@pytest.mark.rules
async def test_what_is_not_theirs_is_not_found_and_no_more(world: World) -> None:
    chat, own = await world.chat(["ada"]), await world.chat(["eve"])
    ada, eve = Poller(world, "ada", chat), Poller(world, "eve", own)
    await ada.poll()
    await eve.poll()
    rooms = [chat, "00000000-0000-4000-8000-000000000000", "nonsense", chat.upper() + " "]
    eve.rooms |= dict.fromkeys(rooms, ada.rooms[chat])  # Where nothing is new, so that a member would wait.
    told = await eve.poll(wait=LONG)
    assert [frame.pop("roomId") for frame in told] == rooms
    assert told == [{"type": "ERROR", "code": "not_found", "message": told[0]["message"], "retryable": False}] * 4
    assert list(eve.rooms) == [own]


async def test_a_long_absence_is_told_in_parts(world: World) -> None:
    chat = await world.chat(["ada"])
    ada = Poller(world, "ada", chat)
    await ada.poll()
    async with world.connect("ada", chat) as device:
        await asyncio.gather(*[device.say(chat, f"{number}") for number in range(150)])
        await device.heard_until(chat, lambda heard: len(heard) == 150)  # An ACK comes before it is delivered.
    first = await ada.ask()
    (frame,) = first.body["frames"]
    assert (len(frame["events"]), frame["more"], frame["recovered"], first.body["more"]) == (100, True, False, True)
    await ada.hears(lambda heard: len(heard) == 150)
    assert not (await ada.ask()).body["more"]


async def test_who_is_removed_while_they_wait_hears_that_last(world: World) -> None:
    chat, ben_id = await world.chat(["ada", "ben"]), await world.id("ben")
    ben = Poller(world, "ben", chat)
    await ben.poll()
    async with ben.waiting() as polled:
        assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{ben_id}")).status == 204
        (frame,) = await polled
    last = frame["events"][-1]
    assert (last["type"], last["change"], last["userId"]) == ("MEMBER", "removed", ben_id)
    assert frame["pos"] == last["pos"]
    assert ben.rooms == {}
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "without ben"})
    ben.rooms = {chat: {"epoch": last["epoch"], "pos": last["pos"]}}
    assert [frame["code"] for frame in await ben.poll(wait=LONG)] == ["not_found"]


async def test_nothing_above_a_removal_is_told(world: World) -> None:
    chat, ben_id = await world.chat(["ada", "ben"]), await world.id("ben")
    ben = Poller(world, "ben", chat)
    await ben.poll()
    async with world.connect("ada", chat) as ada, asyncio.TaskGroup() as tasks:
        tasks.create_task(polls_while_told(ben, chat))
        for number in itertools.count():
            await ada.say(chat, f"{number}")
            if number == 30:
                tasks.create_task(world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{ben_id}"))
            if any(frame["type"] == "MEMBER" for frame in ada.heard[chat]):
                break
        await asyncio.gather(*[ada.say(chat, "without ben") for _ in range(30)])
        removal = await ada.expect("MEMBER", change="removed", userId=ben_id)
    assert max(event["pos"] for event in ben.heard) <= removal["pos"]
    assert len(ben.heard) >= 20


async def polls_while_told(ben: Poller, chat: str) -> None:
    """Poll until the chat is gone."""
    while chat in ben.rooms:
        await ben.poll(wait=GRACE_SECONDS)


async def test_signing_out_ends_the_wait(world: World) -> None:
    chat = await world.chat(["dan"])
    signed_in = await world.rest(None, "POST", "/api/auth/token", {"username": "dan", "password": "pw"})
    dan = Poller(world, "dan", chat, token=signed_in.body["access"])
    await dan.poll()
    polled = asyncio.create_task(dan.ask(wait=LONG))
    await polls_wait(world, 1)
    bearer = {"Authorization": f"Bearer {signed_in.body['access']}"}
    assert (await world.rest(None, "POST", "/api/auth/logout", headers=bearer)).status == 204
    async with in_time("dan is sent away", seconds=LONG / 2):
        answer = await polled
    assert (answer.status, answer.code) == (401, "unauthenticated")
    await polls_wait(world, 0)


@pytest.mark.embedded
async def test_a_wait_ends_with_its_token(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_ACCESS_TOKEN_SECONDS": "3"})) as world:
        chat = await world.chat(["ada"])
        ada = Poller(world, "ada", chat)
        await ada.poll()
        async with in_time("ada is sent away", seconds=LONG / 2):
            answer = await ada.ask(wait=LONG)
        assert (answer.status, answer.code) == (401, "token_expired")


async def test_a_server_that_stops_answers_who_waits(make_server: MakeServer) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada"])
        ada = Poller(world, "ada", chat)
        await ada.poll()
        before = ada.rooms
        async with ada.waiting() as polled:
            await world.restart(kill=False)
            assert await polled == []
        assert ada.rooms == before
        said = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "after"})
        await ada.hears(lambda heard: [event["messageId"] for event in heard] == [said.body["id"]])


@pytest.mark.embedded
async def test_a_poll_that_waits_is_one_of_a_persons_connections(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_CONNECTIONS": "2"})) as world:
        chat = await world.chat(["ada", "ben"])
        ada = Poller(world, "ada", chat)
        await ada.poll()
        polls = [asyncio.create_task(ada.ask(wait=LONG)) for _ in range(2)]
        await polls_wait(world, 2)
        refused = await ada.ask(wait=LONG)
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, "too_many_connections", "5")
        assert (await world.knock("ada")).frames[0]["code"] == "too_many_connections"
        assert (await ada.ask(wait=0)).status == 200
        ben = Poller(world, "ben", chat)
        await ben.poll()
        polls[0].cancel()  # It hangs up.
        await polls_wait(world, 1)
        async with world.connect("ada") as device:
            await device.say(chat, "hello")
            assert [event["content"] for event in (await polls[1]).body["frames"][0]["events"]] == ["hello"]


@pytest.mark.embedded
async def test_polls_are_paid_for_as_requests_and_subscriptions(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "frames=0.01/12,requests=0.01/8"})) as world:
        chat = await world.chat(["ada"])
        async with world.connect("ada") as device:
            rooms = {chat: None} | {f"{number}": None for number in range(99)}
            polled = await world.rest("ada", "POST", "/api/events", {"rooms": rooms, "wait": 0})
            assert polled.status == 200
            assert {'"requests";r=5', '"frames";r=1'} <= {left[: left.rindex(";")] for left in limits_of(polled)}
            refused = await world.rest("ada", "POST", "/api/events", {"rooms": rooms, "wait": 0})
            assert refused.code == "rate_limited"
            assert int(refused.headers["retry-after"]) > 900
            assert (await device.ask("UNSUBSCRIBE", rooms=list(rooms))).code == "rate_limited"
        codes = [(await world.rest("ada", "POST", "/api/events", {})).code for _ in range(6)]
        assert codes == [*["invalid_field"] * 4, *["rate_limited"] * 2]


def limits_of(answer: Answer) -> list[str]:
    """What an answer says is left of each limit."""
    return answer.headers["ratelimit"].split(", ")
