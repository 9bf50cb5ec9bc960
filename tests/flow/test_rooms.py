"""The life of a chat: changed, archived, restored, deleted for good; and hearing all of one's chats."""

import asyncio
from typing import Any

import pytest

from tests.installations import SHAPE
from tests.world import World

ROUNDS = 12  # each run had circles, before there was an order


async def test_everybody_hears_what_changed_of_a_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    async with world.connect("ben", chat) as ben:
        changed = await world.rest(
            "ada", "PATCH", path, {"name": "Tea  ", "description": "about tea", "permissions": {"post": "moderator"}}
        )
        assert (changed.body["name"], changed.body["permissions"]) == ("Tea", {"post": "moderator"})
        heard = await ben.expect("ROOM", change="updated")
        assert heard["chat"] == {
            "name": "Tea",
            "description": "about tea",
            "permissions": {"post": "moderator"},
            "slow_mode_seconds": 0,
            "expire_seconds": 0,
            "link_previews": False,
        }
        assert (await ben.say(chat, "hi")).code == "read_only"
        await world.rest("ada", "PATCH", path, {"permissions": {"post": None}})
        assert (await ben.say(chat, "hi")).body["type"] == "ACK"
    assert (await world.rest("ben", "PATCH", path, {"name": "Coffee"})).code == "forbidden"
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"name": ""},
        {"name": 5},
        {"description": "x" * 1_001},
        {"permissions": {"post": "king"}},
        {"permissions": {"fly": "owner"}},
        {"permissions": []},
        {"slow_mode_seconds": -1},
        {"slow_mode_seconds": "5"},
    )
    for body in wrong:
        assert (await world.rest("ada", "PATCH", path, body)).code == "invalid_field", body


async def test_slow_mode_makes_members_wait(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"slow_mode_seconds": 60})
    path = f"/api/chats/{chat}/messages"
    assert (await world.rest("ben", "POST", path, {"content": "one"})).status == 201
    second = await world.rest("ben", "POST", path, {"content": "two"})
    assert (second.status, second.code) == (429, "slow_mode")
    assert 50 < int(second.headers["Retry-After"]) <= 60
    for number in range(3):
        assert (await world.rest("ada", "POST", path, {"content": f"{number}"})).status == 201


@pytest.mark.rules
async def test_only_moderators_post_announcements(world: World) -> None:
    made = await world.rest(
        "ada",
        "POST",
        "/api/chats",
        {"chat_type": "announcement", "name": "News", "participants": [await world.id("ben")]},
    )
    path = f"/api/chats/{made.body['id']}/messages"
    assert (await world.rest("ada", "POST", path, {"content": "news"})).status == 201
    assert (await world.rest("ben", "POST", path, {"content": "me too"})).code == "read_only"
    assert (await world.rest("ben", "GET", path)).body["messages"][0]["content"] == "news"


async def test_an_archived_chat_is_read_and_not_changed(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    sent = await world.rest("ben", "POST", f"{path}/messages", {"content": "before"})
    async with world.connect("ben", chat) as ben:
        assert (await world.rest("ben", "DELETE", path)).code == "forbidden"
        assert (await world.rest("ada", "DELETE", f"{path}?hard=yes")).code == "invalid_field"
        assert (await world.rest("ada", "DELETE", path)).status == 204
        assert (await ben.expect("ROOM", change="archived"))["chat"] == {"is_archived": True}
        assert (await ben.say(chat, "after")).code == "archived"
        assert (await world.rest("ben", "DELETE", f"{path}/messages/{sent.body['id']}")).code == "archived"
        assert (await world.rest("ada", "PATCH", path, {"name": "x"})).code == "archived"
        assert (await world.rest("ben", "GET", f"{path}/messages")).body["messages"][0]["content"] == "before"
        assert (await world.rest("ben", "PUT", f"{path}/read", {"message_id": sent.body["id"]})).status == 200
        assert (await world.rest("ada", "POST", f"{path}/restore")).body["is_archived"] is False
        await ben.expect("ROOM", change="restored")
        assert (await ben.say(chat, "after")).body["type"] == "ACK"


async def test_a_chat_that_is_deleted_for_good_leaves_a_receipt(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    for number in range(3):
        await world.rest("ben", "POST", f"{path}/messages", {"content": f"{number}"})
    async with world.connect("ben", chat) as ben, world.connect("ada") as ada:
        assert (await world.rest("ben", "DELETE", f"{path}?hard=true")).code == "forbidden"
        gone = await world.rest("ada", "DELETE", f"{path}?hard=true")
        assert gone.status == 202
        assert (await ben.expect("ROOM", change="deleted", roomId=chat))["by"] == await world.id("ada")
        await ada.expect("ME", kind="chat_removed", roomId=chat)
        assert (await ben.say(chat, "where am I?")).code == "not_found"
    assert (await world.rest("ada", "GET", path)).code == "not_found"
    changed = await world.rest("ben", "GET", "/api/chats?changed_since=1")
    assert chat in changed.body["removed"]
    receipt = await world.until("ada", f"/api/receipts/{gone.body['id']}", lambda body: body["finished_at"])
    messages = "messages" if SHAPE == "cluster" else "history_messages"  # by the names of the tables
    assert receipt["counts"] | {messages: 3, "participant": 2, "chat": 1} == receipt["counts"]
    assert (await world.rest("ben", "GET", f"/api/receipts/{gone.body['id']}")).code == "not_found"


async def test_who_hears_all_hears_new_chats_too(world: World) -> None:
    first = await world.chat(["ada", "ben"])
    await world.rest("ada", "POST", f"/api/chats/{first}/messages", {"content": "unread"})
    async with world.connect("ada") as ada, world.connect("ben") as ben:
        await ben.send({"type": "SUBSCRIBE", "ref": "all", "rooms": "all"})
        heard = await ben.expect("SUBSCRIBED_ALL", ref="all")
        mine = heard["rooms"][first]
        assert (mine["mode"], mine["unread"], mine["mentions"]) == ("full", 1, 0)
        await ada.say(first, "one more")
        assert (await ben.expect("MESSAGE", content="one more"))["prev"] <= mine["pos"]
        second = await world.chat(["ada", "ben"])
        added = await ben.expect("ME", kind="chat_added", roomId=second)
        assert added["role"] == "member"
        await ben.expect("SUBSCRIBED", roomId=second)
        await ada.say(second, "in the new chat")
        await ben.expect("MESSAGE", content="in the new chat")
        await world.rest("ada", "DELETE", f"/api/chats/{second}/participants/{await world.id('ben')}")
        await ben.expect("MEMBER", change="removed", roomId=second)
        await ben.expect("ME", kind="chat_removed", roomId=second)
        await ada.say(second, "without you")
        await ada.say(first, "with you")
        await ben.expect("MESSAGE", content="with you")
        assert not [frame for frame in ben.frames if frame.get("content") == "without you"]


async def test_who_comes_and_goes_waits_for_nobody_in_a_circle(world: World) -> None:
    chat = await world.chat(["ada", "ben"])

    async def come_and_go(name: str) -> None:
        person = await world.id(name)
        for _ in range(ROUNDS):
            added = await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": person})
            # What the lists have of it is written meanwhile; that, too, locks the chat before its places.
            removed = await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{person}")
            assert (added.status, removed.status) == (201, 204), (added, removed)

    await asyncio.gather(*map(come_and_go, ("cyd", "dan", "eve", "fay")))


@pytest.mark.rules
async def test_ones_own_subject_is_no_room(world: World) -> None:
    async with world.connect("ada") as ada:
        for name in ("ada", "ben"):
            assert (await ada.ask("SUBSCRIBE", roomId=await world.id(name))).code == "not_found"


async def test_typing_is_told_to_the_others_only(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("eve") as eve:
        await ada.send({"type": "TYPING", "roomId": chat, "active": True})
        heard = await ben.expect("TYPING", roomId=chat)
        assert (heard["userId"], heard["active"]) == (await world.id("ada"), True)
        await ada.ask("HEARTBEAT")
        assert not [frame for frame in ada.frames if frame["type"] == "TYPING"]
        await eve.send({"type": "TYPING", "roomId": chat, "ref": "t"})
        assert (await eve.expect("ERROR", ref="t"))["code"] == "not_found"


async def test_what_changed_since_a_version(world: World) -> None:
    kept, left = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
    version = (await world.rest("ben", "GET", f"/api/chats/{kept}")).body["version"]
    await world.rest("ben", "POST", f"/api/chats/{left}/leave")
    await world.rest("ada", "PATCH", f"/api/chats/{kept}", {"name": "Renamed"})
    changed = (await world.rest("ben", "GET", f"/api/chats?changed_since={version}")).body
    assert {chat["id"]: chat["name"] for chat in changed["chats"]}[kept] == "Renamed"
    assert left in changed["removed"]


async def test_favourites_are_ones_own_affair(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/favourite"
    async with world.connect("ben") as ben:
        made = (await world.rest("ben", "PUT", path)).body
        assert made["is_favourite"] is True
        told = await ben.expect("ME", kind="favourite", state={"roomId": chat, "favourite": True})
        assert told["version"] == made["version"]
        assert (await world.rest("ben", "PUT", path)).body["version"] == made["version"], "it is one already"
        since = f"/api/chats?changed_since={made['version'] + 10_000_000 - 1}"
        assert [one["is_favourite"] for one in (await world.rest("ben", "GET", since)).body["chats"]] == [True]
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["is_favourite"] is False
        assert (await world.rest("ben", "DELETE", path)).body["is_favourite"] is False
        await ben.expect("ME", kind="favourite", state={"roomId": chat, "favourite": False})
    assert (await world.rest("eve", "PUT", path)).code == "not_found"


async def test_notifications_are_ones_own_affair(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/notifications"
    until = "2030-01-01T00:00:00.000Z"
    assert (await world.rest("ben", "PUT", path, {"muted_until": until})).body["notifications_muted_until"] == until
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["notifications_muted_until"] is None
    async with world.connect("ben") as laptop:
        assert (await world.rest("ben", "PUT", path, {"muted_until": None})).body["notifications_muted_until"] is None
        told = await laptop.expect("ME", kind="mute")
        assert told["state"] == {"roomId": chat, "until": None, "level": "all"}
        # What one is notified of stands beside what is muted.
        for level in ("mentions", "nothing"):
            await world.rest("ben", "PUT", path, {"muted_until": until})
            shown = (await world.rest("ben", "PUT", path, {"level": level})).body
            assert (shown["notification_level"], shown["notifications_muted_until"]) == (level, until)
            await laptop.expect("ME", kind="mute", state={"roomId": chat, "until": until, "level": level})
    assert (await world.rest("ben", "PUT", path, {"level": "loud"})).code == "invalid_field"
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["notification_level"] == "all"
