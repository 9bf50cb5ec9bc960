"""The client in Python on real servers: what it promises over power cuts, restarts and tokens that end."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from tests.phones import Phone, phone
from tests.world import Server, World

MakeServer = Callable[..., Server]


async def test_people_talk_over_power_cuts_and_a_restart_and_all_is_heard_once_in_order(
    make_server: MakeServer,
) -> None:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(make_server()))
        chat = await world.chat(["ada", "ben"])
        ada, ben = [await stack.enter_async_context(phone(world, name, chat)) for name in ("ada", "ben")]
        said: list[str] = []
        for number, end in enumerate((world.server.kill, world.server.kill, world.server.stop)):
            _say(ada, chat, said, [f"{number}, settled {n}" for n in range(5)])
            await ben.until(lambda: ben.said(chat) == said)
            _say(ada, chat, said, [f"{number}, in the air {n}" for n in range(20)])
            await ada.until(lambda: len(ada.acks) > len(said) - 20)
            await asyncio.to_thread(end)
            _say(ada, chat, said, [f"{number}, away {n}" for n in range(5)])
            for one in (ada, ben):
                await one.until(lambda one=one: one.states[-1] == "waiting")  # type: ignore[misc]
            await asyncio.to_thread(world.server.start)
            for one in (ada, ben):
                one.client.nudge()
                await one.until(lambda one=one: one.said(chat) == said)  # type: ignore[misc]
        await ada.until(lambda: not ada.unsent.entries)
        assert (ada.reloads, ben.reloads) == ([], [])
        history = await world.history("ben", chat, at_least=max(ack["pos"] for ack in ada.acks.values()))
        assert [message["content"] for message in history] == said
        assert [message["id"] for message in history] == [ack["messageId"] for ack in ada.acks.values()]


def _say(one: Phone, chat: str, said: list[str], texts: list[str]) -> None:
    for text in texts:
        one.client.post(room_id=chat, content=text)
    said += texts


async def test_who_hears_all_misses_nothing_over_a_power_cut_and_comes_into_new_chats(make_server: MakeServer) -> None:
    async with World(make_server()) as world:
        chat, quiet = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
        async with phone(world, "ada") as ada, phone(world, "ben", chat) as ben:
            ada.client.follow_all()
            await ada.until(lambda: {chat, quiet} <= ada.live)
            said: list[str] = []
            _say(ben, chat, said, ["before"])
            await ada.until(lambda: ada.said(chat) == said)
            await asyncio.to_thread(world.server.kill)
            _say(ben, chat, said, [f"away {n}" for n in range(5)])
            for one in (ada, ben):
                await one.until(lambda one=one: one.states[-1] == "waiting")  # type: ignore[misc]
            await asyncio.to_thread(world.server.start)
            ben.client.nudge()
            await ben.until(lambda: not ben.unsent.entries)
            ada.client.nudge()
            await ada.until(lambda: ada.said(chat) == said)
            _say(ben, chat, said, ["and on"])  # What was filled by name goes on by its mode.
            new = await world.chat(["ben", "ada"])
            await ada.until(lambda: ada.said(chat) == said and new in ada.live)
            ben.client.post(room_id=new, content="welcome")
            await ada.until(lambda: ada.said(new) == ["welcome"])
            assert (ada.reloads, ada.lost) == ([], [])


async def test_a_token_is_renewed_in_place(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_ACCESS_TOKEN_SECONDS": "3"})) as world:
        chat = await world.chat(["ada", "ben"])
        async with phone(world, "ada", chat) as ada, world.connect("ben") as ben:
            assert await ben.closed() == 4011  # Who renews nothing ends with the token.
            ada.client.post(room_id=chat, content="still here")
            await ada.until(lambda: ada.said(chat) == ["still here"])
            assert ada.states == ["connecting", "online"]


async def test_who_is_not_in_a_chat_is_told_that_it_is_gone(world: World) -> None:
    chat = await world.chat(["ada"])
    async with phone(world, "eve", chat) as eve:
        assert (eve.lost, eve.live) == ([chat], set())


async def test_a_message_that_is_refused_holds_nothing_back(world: World) -> None:
    chat = await world.chat(["ada"])
    async with phone(world, "ada", chat) as ada:
        refused = ada.client.post(room_id=chat, content="x" * 8_001)
        ada.client.post(room_id=chat, content="short")
        await ada.until(lambda: ada.said(chat) == ["short"] and len(ada.acks) == 1)
        (entry,) = ada.unsent.entries
        assert (entry.nonce, entry.status, entry.reason and entry.reason["code"]) == (
            refused,
            "failed",
            "invalid_field",
        )
