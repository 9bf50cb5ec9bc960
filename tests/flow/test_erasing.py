"""A chat that was deleted for good stays gone, whatever the log still says of it."""

import asyncio
from collections.abc import Callable

from tests.inside import Inside, looking_into
from tests.world import Server, World, manage

GROUPS = ("history-writers", "previews", "delivery-workers", "search")


def rows(inside: Inside, chat: str) -> int:
    """How much the stores hold of a chat."""
    stored = inside.ask("stored", chat)
    texts = sum(1 + len(inside.ask("edits", chat, one["message_id"])) for one in stored)
    return texts + len(inside.ask("reads", chat)) + int(inside.ask("searched", chat))


async def test_no_replay_brings_back_what_was_erased(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with looking_into(server.folder) as inside:
        async with World(server) as world:
            gone, kept = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
            for chat in (gone, kept):
                path = f"/api/chats/{chat}"
                said = [
                    (await world.rest("ada", "POST", f"{path}/messages", {"content": f"{n}"})).body for n in range(5)
                ]
                await world.rest("ada", "PATCH", f"{path}/messages/{said[0]['id']}", {"content": "changed"})
                await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[2]["id"]})
            assert rows(inside, gone) > 0
            before = await world.history("ben", kept)
            receipt = (await world.rest("ada", "DELETE", f"/api/chats/{gone}?hard=true")).body["id"]
            await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
            assert rows(inside, gone) == 0
            await asyncio.to_thread(server.stop)
            for group in GROUPS:
                await asyncio.to_thread(manage, server.folder, "project", "--replay", group)
            await asyncio.to_thread(server.start)
            async with world.connect("ben", kept) as ben:
                # Behind everything that is replayed: once it is stored, the rest was.
                last = await ben.say(kept, "after the replay")
                shown = f"/api/chats/{kept}/messages?at_least={last.body['pos']}"
                await world.until("ben", shown, lambda page: page["complete"] and len(page["messages"]) == 6)
            assert rows(inside, gone) == 0
            assert (await world.history("ben", kept))[:-1] == before
            assert (await world.rest("ada", "GET", f"/api/chats/{gone}/messages")).code == "not_found"
