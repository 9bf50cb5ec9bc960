"""Replay is a feature: from the log's first record, nothing changes and nobody is told twice."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

from tests.world import Server, World, in_time, manage

GROUPS = ("history-writers", "delivery-workers", "previews")


def rows(server: Server, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table of the message database."""
    with sqlite3.connect(server.folder / "messages.sqlite3") as database:
        found = sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    database.close()
    return found


async def caught_up(server: Server) -> None:
    """Wait until every group has finished the log."""
    async with in_time("a group catches up"):
        while True:
            heads = await asyncio.to_thread(rows, server, "log_partitions")
            offsets = await asyncio.to_thread(rows, server, "log_group_offsets")
            if all(row[3] == heads[0][1] for row in offsets):
                return


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
        await talk(world)
        await caught_up(server)
        before = rows(server, "history_messages"), rows(server, "history_buckets")
        assert len(before[0]) == 30
        server.stop()
        with sqlite3.connect(server.folder / "messages.sqlite3") as database:
            database.execute("DELETE FROM history_messages")
            database.execute("DELETE FROM history_buckets")
        database.close()
        manage(server.folder, "project", "--replay", "history-writers")
        server.start()
        await caught_up(server)
        assert (rows(server, "history_messages"), rows(server, "history_buckets")) == before


async def test_replay_on_a_live_system_changes_and_delivers_nothing(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat = await talk(world)
        async with world.connect("ben", chat) as ben:
            await caught_up(server)
            before = rows(server, "history_messages")
            listed = (await world.rest("ben", "GET", f"/api/chats/{chat}")).body
            await asyncio.to_thread(server.stop)
            for group in GROUPS:
                await asyncio.to_thread(manage, server.folder, "project", "--replay", group)
            await asyncio.to_thread(server.start)
            await ben.resume()
            await caught_up(server)
            await ben.ask("HEARTBEAT")
            assert ben.heard[chat] == []
            assert rows(server, "history_messages") == before
            assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body == listed
