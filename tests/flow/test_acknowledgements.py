"""Important messages: everybody can take note of one, once, and all see who has."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.world import Frame, Server, World, manage

TO_DO = "/api/me/acknowledgements"


async def important(world: World, chat: str, by: str = "ada", content: str = "read this", **fields: Any) -> Frame:
    """An important message, as REST answers it."""
    body = {"content": content, "important": True, **fields}
    answer = await world.rest(by, "POST", f"/api/chats/{chat}/messages", body)
    assert answer.status == 201, answer.body
    said: Frame = answer.body
    return said


async def to_do(world: World, name: str, *chats: str) -> list[str]:
    """The texts of what waits for somebody in some chats, the newest first."""
    answer = await world.rest(name, "GET", f"{TO_DO}?limit=100")
    return [one["content"] for one in answer.body["messages"] if one["chat_id"] in chats]


async def waits(world: World, name: str, chat: str, *texts: str) -> None:
    """Wait until just that waits for somebody in a chat."""
    wanted = list(texts)
    await world.until(
        name, TO_DO, lambda body: [one["content"] for one in body["messages"] if one["chat_id"] == chat] == wanted
    )


async def test_everybody_sees_who_has_taken_note_and_its_sender_who_has_not(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd", "dan"])
    said = await important(world, chat)
    assert (said["important"], said["acknowledgements"]) == (True, {"count": 0, "me": False, "user_ids": []})
    at = f"/api/chats/{chat}/messages/{said['id']}"
    ben, cyd, dan = [await world.id(name) for name in ("ben", "cyd", "dan")]
    await waits(world, "ben", chat, "read this")
    assert await to_do(world, "ada", chat) == [], "one's own waits for others"
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as phone:
        answer = await phone.ask("ACKNOWLEDGE", roomId=chat, messageId=said["id"])
        told = await ada.expect("ACKNOWLEDGED", messageId=said["id"])
        assert (told["userId"], told["count"], told["version"]) == (ben, 1, answer.body["version"])
        again = await phone.ask("ACKNOWLEDGE", roomId=chat, messageId=said["id"])
        assert again.body["version"] == answer.body["version"], "once is for good"
        shown = (await world.rest("cyd", "PUT", f"{at}/acknowledgement")).body
        assert shown["acknowledgements"] == {"count": 2, "me": True, "user_ids": [ben, cyd]}
        assert (await ada.expect("ACKNOWLEDGED", userId=cyd))["count"] == 2
        await ada.ask("HEARTBEAT")
        assert len([one for one in ada.frames if one["type"] == "ACKNOWLEDGED"]) == 2
    assert await to_do(world, "ben", chat) == []
    [listed] = await world.history("dan", chat)
    assert listed["acknowledgements"] == {"count": 2, "me": False, "user_ids": [ben, cyd]}
    seen = (await world.rest("dan", "GET", f"{at}/acknowledgements")).body
    assert ([one["user"]["id"] for one in seen["acknowledgements"]], seen["waiting"]) == ([ben, cyd], None)
    mine = (await world.rest("ada", "GET", f"{at}/acknowledgements")).body
    assert (mine["waiting"]["count"], [one["id"] for one in mine["waiting"]["users"]]) == (1, [dan])
    first = await world.rest("ada", "GET", f"{at}/acknowledgements?limit=1")
    assert [one["user"]["id"] for one in first.body["acknowledgements"]] == [ben]
    rest = (await world.rest("ada", "GET", f"{at}/acknowledgements?after={first.body['next']}")).body
    assert ([one["user"]["id"] for one in rest["acknowledgements"]], rest["next"]) == ([cyd], None)
    # Who has left is asked no more; that they had taken note stays.
    await world.rest("dan", "POST", f"/api/chats/{chat}/leave")
    await world.rest("ben", "POST", f"/api/chats/{chat}/leave")
    mine = (await world.rest("ada", "GET", f"{at}/acknowledgements")).body
    assert (mine["waiting"], len(mine["acknowledgements"])) == ({"count": 0, "users": []}, 2)


@pytest.mark.rules
async def test_only_what_asks_for_it_is_acknowledged_and_never_ones_own(world: World) -> None:
    chat, other = await world.chat(["ada", "ben", "cyd"]), await world.chat(["cyd"])
    said = await important(world, chat)
    plain = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "tea?"})).body
    assert (plain["important"], plain["acknowledgements"]) == (False, None)
    path = f"/api/chats/{chat}/messages"
    assert (await world.rest("ben", "PUT", f"{path}/{plain['id']}/acknowledgement")).code == "conflict"
    assert (await world.rest("ben", "GET", f"{path}/{plain['id']}/acknowledgements")).code == "conflict"
    assert (await world.rest("ada", "PUT", f"{path}/{said['id']}/acknowledgement")).code == "forbidden"
    async with world.connect("ben") as ben, world.connect("eve") as eve:
        assert (await ben.ask("ACKNOWLEDGE", roomId=other, messageId=said["id"])).code == "not_found"
        assert (await eve.ask("ACKNOWLEDGE", roomId=chat, messageId=said["id"])).code == "not_found"
        assert (await ben.ask("ACKNOWLEDGE", roomId=chat, messageId="x")).code == "invalid_field"
        assert (await ben.say(chat, "x", important="yes")).code == "invalid_field"
    assert (await world.rest("ben", "POST", path, {"content": "x", "important": 1})).code == "invalid_field"
    for wrong in ("limit=0", "limit=101", "before=x"):
        assert (await world.rest("ben", "GET", f"{TO_DO}?{wrong}")).code == "invalid_field"


async def test_an_edit_leaves_it_important_and_a_delete_ends_it(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    said = await important(world, chat)
    at = f"/api/chats/{chat}/messages/{said['id']}"
    await world.rest("ben", "PUT", f"{at}/acknowledgement")
    edited = (await world.rest("ada", "PATCH", at, {"content": "read this, all"})).body
    assert (edited["important"], edited["acknowledgements"]["count"]) == (True, 1)
    await waits(world, "cyd", chat, "read this, all")
    gone = (await world.rest("ada", "DELETE", at)).body
    assert (gone["important"], gone["acknowledgements"]) == (False, None)
    assert await to_do(world, "cyd", chat) == []
    assert (await world.rest("cyd", "PUT", f"{at}/acknowledgement")).code == "conflict"
    assert (await world.rest("cyd", "GET", f"{at}/acknowledgements")).code == "conflict"


@pytest.mark.rules
async def test_guests_may_take_note_and_not_ask_for_it(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('ben')}", {"role": "guest"})
    async with world.connect("ben") as ben:
        assert (await ben.say(chat, "me first", important=True)).code == "forbidden"
        assert (await ben.say(chat, "a plain one")).body["type"] == "ACK"
    said = await important(world, chat)
    answer = await world.rest("ben", "PUT", f"/api/chats/{chat}/messages/{said['id']}/acknowledgement")
    assert answer.body["acknowledgements"]["me"]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}")
    assert (
        await world.rest("ben", "PUT", f"/api/chats/{chat}/messages/{said['id']}/acknowledgement")
    ).code == "archived"


@pytest.mark.rules
async def test_a_nonce_knows_an_important_message_from_a_plain_one(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        first = await ada.say(chat, "mind", nonce="mind-1", important=True)
        again = await ada.say(chat, "mind", nonce="mind-1", important=True, retry=True, firstTriedMs=10)
        assert again.body["messageId"] == first.body["messageId"]
        assert (await ada.say(chat, "mind", nonce="mind-1")).code == "nonce_reused"


async def test_many_at_once_are_counted_exactly(world: World) -> None:
    names = ("ben", "cyd", "dan", "fay", "gus", "hal")
    chat = await world.chat(["ada", *names])
    said = await important(world, chat)
    for name in names:
        await world.token(name)
    async with world.connect("ada", chat) as ada:
        path = f"/api/chats/{chat}/messages/{said['id']}/acknowledgement"
        answers = await asyncio.gather(*[world.rest(name, "PUT", path) for name in names for _ in range(2)])
        assert {answer.status for answer in answers} == {200}
        await ada.expect("ACKNOWLEDGED", count=len(names))
        counts = [one["count"] for one in ada.frames if one["type"] == "ACKNOWLEDGED"]
        assert counts == [*range(1, len(names) + 1)]
    [shown] = await world.history("ada", chat)
    assert shown["acknowledgements"]["count"] == len(names)


async def test_what_is_said_later_by_a_webhook_or_in_a_thread_can_be_important(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    plan = {"content": "planned", "send_at": soon, "important": True}
    async with world.connect("ben", chat) as ben:
        assert (await world.rest("ada", "POST", f"/api/chats/{chat}/scheduled", plan)).body["important"]
        assert (await ben.expect("MESSAGE", content="planned"))["important"]
        hook = (await world.rest("ada", "POST", f"/api/chats/{chat}/webhooks", {"name": "Alarm"})).body
        posted = await world.rest(None, "POST", hook["path"], {"content": "fire drill", "important": True})
        assert posted.status == 201
        heard = await ben.expect("MESSAGE", messageId=posted.body["id"])
        assert heard["important"]
    aside = await important(world, chat, content="aside", thread_id=posted.body["id"])
    await waits(world, "ben", chat, "aside", "fire drill", "planned")
    await waits(world, "ada", chat, "fire drill")
    forward = f"/api/chats/{chat}/messages/{aside['id']}/forward"
    copy = (await world.rest("ben", "POST", forward, {"to": [chat]})).body["results"][0]["message"]
    assert copy["important"] is False, "a copy asks for nothing"


async def test_a_replay_and_an_export_have_what_was_said(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat = await world.chat(["ada", "ben", "cyd"])
        said = await important(world, chat, content="once")
        gone = await important(world, chat, content="gone")
        await world.rest("ben", "PUT", f"/api/chats/{chat}/messages/{said['id']}/acknowledgement")
        await waits(world, "cyd", chat, "gone", "once")
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{gone['id']}")
        shown = await world.history("cyd", chat)
        out = await asyncio.to_thread(manage, server.folder, "export_chat", chat)
        await asyncio.to_thread(server.stop)
        for group in ("history-writers", "previews"):
            await asyncio.to_thread(manage, server.folder, "project", "--replay", group)
        await asyncio.to_thread(server.start)
        await waits(world, "cyd", chat, "once")
        assert await world.history("cyd", chat) == shown
    [first, _] = [line for line in map(json.loads, out.splitlines()) if line["kind"] == "message"]
    assert (first["important"], first["acknowledgements"]["count"]) == (True, 1)
