"""Drafts: what one has begun to write is on one's other devices."""

from typing import Any

import pytest

from tests.world import Frame, World


async def drafts(world: World, name: str, *chats: str) -> list[Frame]:
    """What somebody has begun to write in some chats."""
    found: list[Frame] = []
    path: str | None = "/api/me/drafts"
    while path:
        page = (await world.rest(name, "GET", path)).body
        found += page["drafts"]
        path = f"/api/me/drafts?after={page['next']}" if page["next"] else None
    return [one for one in found if one["chat_id"] in chats]


async def test_a_draft_follows_its_writer_and_nobody_else(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/draft"
    async with world.connect("ada") as laptop, world.connect("ben", chat) as ben:
        message = (await ben.say(chat, "tea?")).body["messageId"]
        begun = (await world.rest("ada", "PUT", path, {"content": "yes, pl", "reply_to_id": message})).body
        told = await laptop.expect("ME", kind="draft", version=begun["version"])
        assert told["state"] == {"roomId": chat, "content": "yes, pl", "replyToId": message}
        again = (await world.rest("ada", "PUT", path, {"content": "yes, pl", "reply_to_id": message})).body
        assert again == begun, "what it is already is no news"
        later = (await world.rest("ada", "PUT", path, {"content": "no"})).body
        assert later["version"] > begun["version"]
        (kept,) = await drafts(world, "ada", chat)
        assert (kept["content"], kept["reply_to"]) == ("no", None)
        assert (await world.rest("ada", "DELETE", path)).status == 204
        assert (await world.rest("ada", "DELETE", path)).status == 204, "there is none"
        await laptop.expect("ME", kind="draft", state={"roomId": chat, "content": None, "replyToId": None})
        assert await drafts(world, "ada", chat) == []
        await ben.ask("HEARTBEAT")
        assert not [frame for frame in ben.frames if frame.get("kind") == "draft"]


async def test_a_draft_goes_with_its_place(world: World) -> None:
    chat, erased = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
    for one in (chat, erased):
        assert (await world.rest("ben", "PUT", f"/api/chats/{one}/draft", {"content": "half a"})).status == 200
    ben = await world.id("ben")
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{ben}")
    assert (await world.rest("ben", "PUT", f"/api/chats/{chat}/draft", {"content": "x"})).code == "not_found"
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": ben})
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{erased}?hard=true")).body
    assert receipt["counts"]["draft"] == 1
    assert await drafts(world, "ben", chat, erased) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": "x" * 8_001}, "content"),
        ({"content": " "}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": 7}, "content"),
        ({"content": "x", "reply_to_id": "y"}, "reply_to_id"),
        ({"content": "x", "reply_to_id": 7}, "reply_to_id"),
    ],
)
async def test_bad_drafts_are_named(world: World, body: dict[str, Any], field: str) -> None:
    chat = await world.chat(["ada"])
    answer = await world.rest("ada", "PUT", f"/api/chats/{chat}/draft", body)
    assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", field)
    assert await drafts(world, "ada", chat) == []
