"""Web Push: browsers of who is away are told, so that nobody between can read it, and are told nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest

from chat.commands.notifying import MOST_TESTS
from tests.push_browser import Browser
from tests.receiver import Receiver, dripping, receiving
from tests.world import PASSWORD, Answer, Server, World

PATH = "/api/me/push-subscriptions"
LOCAL = {"CHAT_WEBHOOK_ALLOW": "127.0.0.0/8,::1"}


@pytest.fixture
async def world(make_server: Callable[..., Server]) -> AsyncIterator[World]:
    """A world that may ask push services of this machine."""
    async with World(make_server(environment=LOCAL)) as world:
        yield world


async def subscribed(world: World, browser: Browser, *, by: str = "ada", **more: Any) -> Answer:
    """The answer to subscribing a browser."""
    return await world.rest(by, "POST", PATH, {**browser.subscription, **more})


async def server_key(world: World) -> str:
    """What browsers know the server by."""
    key: str = (await world.rest("ada", "GET", PATH)).body["key"]
    return key


async def say(world: World, chat: str, text: str, **more: Any) -> str:
    """The id of what ben said."""
    path = f"/api/chats/{chat}/messages"
    said: str = (await world.rest("ben", "POST", path, {"content": text, **more})).body["id"]
    return said


@dataclass
class Scene:
    """Ada's browser and chat; cyd is told of all that is said there, so that one knows what was decided for ada."""

    world: World
    chat: str
    browser: Browser
    witness: Browser
    key: str

    async def say(self, text: str, *mentions: str, **more: Any) -> str:
        """The id of what ben said, once it is decided who is told."""
        said = await say(self.world, self.chat, text, mentions=[await self.world.id("cyd"), *mentions], **more)
        assert (await self.witness.next(server_key=self.key))[1]["messageId"] == said
        return said

    async def note(self) -> dict[str, Any]:
        """The next note of ada's."""
        return (await self.browser.next(server_key=self.key))[1]


@asynccontextmanager
async def scene(world: World, **more: Any) -> AsyncIterator[Scene]:
    """The browsers of ada and cyd, subscribed."""
    chat = await world.chat(["ada", "ben", "cyd"])
    async with receiving() as receiver, receiving() as other:
        made = Scene(world, chat, Browser(receiver), Browser(other), await server_key(world))
        await subscribed(world, made.browser, **more)
        await subscribed(world, made.witness, by="cyd")
        yield made
        assert receiver.came.empty()


async def test_who_is_away_is_told_of_what_their_level_says(world: World) -> None:
    ada = await world.id("ada")
    async with scene(world) as at:
        level = f"/api/chats/{at.chat}/notifications"
        said = await at.say("it was ||the butler||")
        headers, note = await at.browser.next(server_key=at.key)
        told = (headers["content-encoding"], headers["topic"], headers["ttl"])
        assert told == ("aes128gcm", at.chat.replace("-", ""), "600")
        assert (note["body"], note["chatId"], note["messageId"]) == ("it was ▒▒▒", at.chat, said)
        assert note["title"].startswith("Ben in ")
        await world.rest("ada", "PUT", level, {"level": "mentions"})
        await at.say("unheard")
        named = await at.say("hello ada", ada)
        assert (await at.note())["messageId"] == named
        await at.say("a reply that is not followed", thread_id=named)
        await world.rest("ada", "PUT", f"/api/chats/{at.chat}/messages/{named}/thread/follow", {})
        reply = await at.say("a reply that is followed", thread_id=named)
        assert (await at.note())["messageId"] == reply
        await world.rest("ada", "PUT", level, {"level": "nothing"})
        await at.say("unheard too", ada)
        await world.rest("ada", "PUT", level, {"level": "all"})
        await world.rest("ada", "PUT", level, {"muted_until": "2090-01-01T00:00:00Z"})
        await at.say("muted")
        await world.rest("ada", "PUT", level, {"muted_until": None})
        last = await at.say("at last")
        assert (await at.note())["messageId"] == last


async def test_who_is_there_or_busy_is_not_told(world: World) -> None:
    async with scene(world, texts=False) as at:
        online = f"/api/presence?user={await world.id('ada')}"
        async with world.connect("ada"):
            await world.until("ben", online, lambda body: body["presence"][0]["status"] == "ONLINE")
            await at.say("while she is there")
            await world.rest("ada", "PATCH", "/api/me/presence", {"status": "DND"})
        await at.say("while she is busy")
        (mine,) = (await world.rest("ada", "GET", PATH)).body["subscriptions"]
        tested = await world.rest("ada", "POST", f"{PATH}/{mine['id']}/test", {})
        assert (tested.status, tested.body) == (200, {"status": 200, "error": ""})
        assert (await at.note())["title"] == "Chat"
        await world.rest("ada", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
        said, note = await at.say("once she may be told"), await at.note()
        assert (note["messageId"], note["body"]) == (said, "A new message")


async def test_what_fails_comes_again_and_a_browser_that_is_gone_is_dropped(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with receiving() as receiver:
        browser, key = Browser(receiver), await server_key(world)
        await subscribed(world, browser)
        receiver.status = "503 No"
        said = await say(world, chat, "again and again")
        await browser.next(server_key=key)
        receiver.status = "410 Gone"
        assert (await browser.next(server_key=key))[1]["messageId"] == said
        await world.until("ada", PATH, lambda body: body["subscriptions"] == [])


async def test_what_was_deleted_before_it_was_told_tells_nothing(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with receiving() as receiver:
        browser, key = Browser(receiver), await server_key(world)
        await subscribed(world, browser)
        receiver.status = "503 No"
        said = await say(world, chat, "a secret")
        await browser.next(server_key=key)
        await world.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{said}")
        receiver.status = "201 Created"
        later = await say(world, chat, "no secret")
        assert (await browser.next(server_key=key))[1]["messageId"] == later


async def test_a_browser_is_one_persons_and_another_may_take_it_over(world: World) -> None:
    async with receiving() as receiver:
        browser = Browser(receiver)
        made = await subscribed(world, browser)
        assert (await subscribed(world, browser, texts=False)).body == made.body | {"texts": False}
        mine = f"{PATH}/{made.body['id']}"
        for method, path in (("DELETE", mine), ("POST", f"{mine}/test")):
            assert (await world.rest("ben", method, path, {})).code == "not_found"
        assert (await subscribed(world, browser, by="ben")).status == 201
        assert (await world.rest("ada", "GET", PATH)).body["subscriptions"] == []
        (theirs,) = (await world.rest("ben", "GET", PATH)).body["subscriptions"]
        assert (await world.rest("ben", "DELETE", f"{PATH}/{theirs['id']}")).status == 204
        assert receiver.came.empty()


async def test_who_signs_out_there_is_told_nothing_more(world: World) -> None:
    async with scene(world) as at:
        again = await world.rest(None, "POST", "/api/auth/token", {"username": "ada", "password": PASSWORD})
        here = {"Authorization": f"Bearer {again.body['access']}"}
        assert (await world.rest(None, "POST", PATH, at.browser.subscription, headers=here)).status == 201
        await at.say("told")
        await at.note()
        assert (await world.rest(None, "POST", "/api/auth/logout", {}, headers=here)).status == 204
        await at.say("not told")
        assert (await world.rest("ada", "GET", PATH)).body["subscriptions"] == []


@pytest.mark.embedded  # each process tries so many
async def test_a_push_service_that_hangs_is_tried_by_few_at_once(world: World) -> None:
    world.is_patient = False
    async with dripping() as url:
        made = await subscribed(world, Browser(Receiver(url)))
        path = f"{PATH}/{made.body['id']}/test"
        asked = [asyncio.ensure_future(world.rest("ada", "POST", path, {})) for _ in range(MOST_TESTS + 3)]
        refused = [await one for one in islice(asyncio.as_completed(asked), 3)]
        assert {one.code for one in refused} == {"store_unavailable"}
    assert [one.status for one in await asyncio.gather(*asked)].count(200) == MOST_TESTS


async def test_what_no_browser_gives_is_refused_and_eleven_are_too_many(world: World) -> None:
    async with receiving() as receiver:
        right = Browser(receiver).subscription
        wrongs: tuple[dict[str, Any], ...] = (
            {"endpoint": "ftp://push.example.org/"}, {"endpoint": "https://a@b/"}, {"endpoint": "https://[fc00::1]/"},
            {"endpoint": None}, {"keys": None}, {"keys": {}},
            {"keys": right["keys"] | {"auth": "short"}}, {"keys": right["keys"] | {"p256dh": "AAAA"}},
            {"texts": "no"}, {"endpoint": "https://push.example.org/" + "a" * 1_000},
        )  # fmt: skip
        for wrong in wrongs:
            assert (await world.rest("ada", "POST", PATH, right | wrong)).code == "invalid_field", wrong
        for number in range(10):
            body = right | {"endpoint": f"https://push.example.org/{number}"}
            assert (await world.rest("ada", "POST", PATH, body)).status == 201
        assert (await world.rest("ada", "POST", PATH, right)).code == "conflict"


async def test_nothing_of_ones_own_network_is_asked_and_it_can_be_switched_off(
    make_server: Callable[..., Server],
) -> None:
    async with World(make_server()) as world, receiving() as receiver:
        made = await subscribed(world, Browser(receiver))
        tried = await world.rest("ada", "POST", f"{PATH}/{made.body['id']}/test", {})
        assert tried.body == {"status": None, "error": "its address is none of the public internet"}
        assert receiver.came.empty()
    async with World(make_server(environment={"CHAT_PUSH": "off"})) as world, receiving() as receiver:
        assert (await world.rest("ada", "GET", PATH)).body == {"key": None, "subscriptions": []}
        assert (await subscribed(world, Browser(receiver))).code == "not_supported"
