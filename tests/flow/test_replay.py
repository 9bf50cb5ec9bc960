"""Replay is a feature: from the log's first record, nothing changes and nobody is told twice."""

import asyncio
from collections.abc import Callable

from tests.inside import Inside, looking_into
from tests.world import Server, World, in_time, manage

GROUPS = ("history-writers", "delivery-workers", "previews", "search")


async def caught_up(inside: Inside) -> None:
    """Wait until every group has finished the log."""
    async with in_time("a group catches up"):
        await asyncio.to_thread(inside.ask, "finished")


async def talk(world: World) -> str:
    """A chat in which something happened."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        for number in range(30):
            await ada.say(chat, f"line {number}")
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": await world.id("cyd")})
    return chat


async def test_replay_into_an_empty_store_gives_the_same_rows(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        with looking_into(server.folder) as inside:
            chat = await talk(world)
            await caught_up(inside)
            before = inside.ask("stored", chat)
            assert len(before) == 30
            server.stop()
            inside.ask("empty")
            assert inside.ask("stored", chat) == []
            await asyncio.to_thread(manage, server.folder, "project", "--replay", "history-writers")
            server.start()
            await caught_up(inside)
            assert inside.ask("stored", chat) == before


async def test_replay_on_a_live_system_changes_and_delivers_nothing(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat = await talk(world)
        with looking_into(server.folder) as inside:
            await caught_up(inside)
            async with world.connect("ben", chat) as ben:
                before = inside.ask("stored", chat)
                listed = (await world.rest("ben", "GET", f"/api/chats/{chat}")).body
                await asyncio.to_thread(server.stop)
                for group in GROUPS:
                    await asyncio.to_thread(manage, server.folder, "project", "--replay", group)
                await asyncio.to_thread(server.start)
                await ben.resume()
                await caught_up(inside)
                await ben.ask("HEARTBEAT")
                assert ben.heard[chat] == []
                assert inside.ask("stored", chat) == before
                assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body == listed
