"""Replay is a feature: from the log's first record, nothing changes and nobody is told twice."""

import asyncio
from collections.abc import Callable

from tests.inside import Inside, looking_into
from tests.world import Server, World, in_time, manage

GROUPS = ("history-writers", "delivery-workers", "previews", "search", "webhooks", "moderation")


async def caught_up(inside: Inside) -> None:
    """Wait until every group has finished the log."""
    async with in_time("a group catches up"):
        await asyncio.to_thread(inside.ask, "finished")


async def talk(world: World) -> str:
    """A chat in which something happened."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        acks = [(await ada.say(chat, f"line *{number}*")).body for number in range(30)]
        said = [ack["messageId"] for ack in acks]
        # Nobody can pin what a busy machine has yet to show.
        path = f"/api/chats/{chat}/messages?at_least={acks[-1]['pos']}"
        await world.until("ada", path, lambda page: page.get("complete"))
        for message in said[:3]:
            await ada.ask("PIN", roomId=chat, messageId=message)
        await ada.ask("UNPIN", roomId=chat, messageId=said[1])
        for emoji in ("👍", "🎉", "🎉"):
            await ada.ask("REACT", roomId=chat, messageId=said[0], emoji=emoji)
        await ada.ask("UNREACT", roomId=chat, messageId=said[0], emoji="👍")
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": await world.id("cyd")})
    return chat


async def test_replay_into_an_empty_store_gives_the_same_rows(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        with looking_into(server.folder) as inside:
            chat = await talk(world)
            await caught_up(inside)
            before = inside.ask("stored", chat)
            pins = inside.ask("pins", chat)
            assert (len(before), [*before[0]["reactions"]], len(pins)) == (30, ["🎉"], 2)
            server.stop()
            inside.ask("empty")
            assert inside.ask("stored", chat) == inside.ask("pins", chat) == []
            await asyncio.to_thread(manage, server.folder, "project", "--replay", "history-writers")
            server.start()
            await caught_up(inside)
            assert (inside.ask("stored", chat), inside.ask("pins", chat)) == (before, pins)
            shown = await _shown(world, chat)
            await world.restart()
            assert await _shown(world, chat) == shown


async def _shown(world: World, chat: str) -> tuple[object, ...]:
    """The reactions of a chat's first message, and the texts of its pins, as REST shows them."""
    first, *_ = await world.history("ada", chat)
    pins = (await world.rest("ada", "GET", f"/api/chats/{chat}/pins")).body["pins"]
    return first["reactions"], [one["message"]["content"] for one in pins]


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
