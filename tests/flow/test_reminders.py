"""Being reminded of a message: once, on every device, as long as one may read it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.world import CLAIM_SECONDS, Answer, Frame, Server, World

ALL = "/api/me/reminders"


def after(**span: float) -> str:
    """A moment so long from now."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


async def said(world: World, chat: str, content: str = "the quarterly figures") -> str:
    """The id of a new message of ada's."""
    answer = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": content})
    return str(answer.body["id"])


async def reminded(world: World, chat: str, message: str, by: str = "ben", **fields: Any) -> Answer:
    """The answer to asking to be reminded."""
    return await world.rest(by, "POST", f"/api/chats/{chat}/messages/{message}/reminders", fields)


async def waiting(world: World, chat: str, by: str = "ben") -> list[Frame]:
    """What somebody is to be reminded of in a chat."""
    found: list[Frame] = (await world.rest(by, "GET", ALL)).body["reminders"]
    return [one for one in found if one["chat_id"] == chat]


async def test_every_device_is_told_when_the_time_has_come(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    message = await said(world, chat)
    async with world.connect("ben") as phone, world.connect("ben") as laptop, world.connect("ada") as ada:
        made = await reminded(world, chat, message, remind_at=after(seconds=1), note="ask cyd\u202e ")
        assert (made.status, made.body["note"], made.body["is_due"]) == (201, "ask cyd", False)
        for device in (phone, laptop):
            told = await device.until(lambda one: one.get("kind") == "reminder" and one["state"]["state"] == "due")
            assert (told["state"]["messageId"], told["state"]["note"]) == (message, "ask cyd")
        assert not [one for one in ada.frames if one.get("kind") == "reminder"]
    (one,) = await waiting(world, chat)
    assert (one["is_due"], one["message"]["content"]) == (True, "the quarterly figures")
    assert await waiting(world, chat, by="ada") == []
    # Put off, it comes again; dropped, it does not.
    at = f"{ALL}/{one['id']}"
    async with world.connect("ben") as ben:
        off = (await world.rest("ben", "PATCH", at, {"remind_at": after(seconds=1)})).body
        assert (off["is_due"], off["version"] > one["version"]) == (False, True)
        await ben.until(lambda one: one.get("kind") == "reminder" and one["state"]["state"] == "due")
    for method, body in (("PATCH", {"note": "mine"}), ("DELETE", None)):
        assert (await world.rest("ada", method, at, body)).code == "not_found"
    assert (await world.rest("ben", "DELETE", at)).status == 204
    assert await waiting(world, chat) == []


@pytest.mark.embedded  # Chores after a kill elsewhere: test_scheduled.
async def test_it_survives_a_kill(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        message = await said(world, chat)
        soon = after(seconds=1)
        made = await asyncio.gather(*[reminded(world, chat, message, remind_at=soon) for _ in range(10)])
        await world.restart()
        kept = [one for one in made if one.status == 201]  # A machine that is slower than that finds the last too late.
        assert kept
        await world.until("ben", ALL, _all_due, seconds=CLAIM_SECONDS)
        assert len(await waiting(world, chat)) == len(kept)


def _all_due(body: Frame) -> bool:
    return all(one["is_due"] for one in body["reminders"])


async def test_nobody_is_reminded_of_what_is_gone(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    kept, gone = [await said(world, chat, content=f"of {n}") for n in range(2)]
    for name in ("ben", "cyd"):
        for message in (kept, gone):
            assert (await reminded(world, chat, message, name, remind_at=after(days=1))).status == 201
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{gone}")
    await world.until("ben", ALL, lambda body: gone not in str(body))
    assert [one["message_id"] for one in await waiting(world, chat)] == [kept]
    assert (await reminded(world, chat, gone, remind_at=after(days=1))).code == "conflict"
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('cyd')}")
    assert await waiting(world, chat, "cyd") == []
    assert (await reminded(world, chat, kept, "cyd", remind_at=after(days=1))).code == "not_found"
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": await world.id("cyd")})
    assert await waiting(world, chat, "cyd") == []


@pytest.mark.rules
async def test_what_cannot_be_is_refused(world: World) -> None:
    chat = await world.chat(["ada", "dan"])
    message = await said(world, chat)
    wrong: tuple[dict[str, object], ...] = (
        {},
        {"remind_at": "soon"},
        {"remind_at": after(seconds=-1)},
        {"remind_at": "2100-01-01T00:00:00Z"},
        {"remind_at": after(days=1), "note": "n" * 201},
        {"remind_at": after(days=1), "note": 1},
    )
    for body in wrong:
        assert (await reminded(world, chat, message, "dan", **body)).code == "invalid_field", body
    assert (await reminded(world, chat, "1", "dan", remind_at=after(days=1))).code == "not_found"
    made = [await reminded(world, chat, message, "dan", remind_at=after(days=n % 300 + 1)) for n in range(202)]
    assert [one.status for one in made] == [201] * 200 + [409] * 2
