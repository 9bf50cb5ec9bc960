"""Messages that are said later: once, by who may say them then."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.world import CLAIM_SECONDS, Answer, Frame, Server, World

ALL = "/api/me/scheduled"


def after(**span: float) -> str:
    """A moment so long from now."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


async def planned(world: World, chat: str, by: str = "ben", **fields: Any) -> Answer:
    """The answer to scheduling a message."""
    return await world.rest(by, "POST", f"/api/chats/{chat}/scheduled", {"content": "later", **fields})


async def waiting(world: World, by: str = "ben") -> list[Frame]:
    """What somebody has scheduled."""
    found: list[Frame] = (await world.rest(by, "GET", ALL)).body["scheduled"]
    return found


async def test_it_is_said_once_when_its_time_has_come(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben") as ben:
        asked = await ada.say(chat, "when?")
        fields = {"reply_to_id": asked.body["messageId"], "mentions": [await world.id("ada")]}
        plan = await planned(world, chat, send_at=after(seconds=1.5), **fields)
        assert (plan.status, plan.body["content"], plan.body["reply_to"]) == (201, "later", asked.body["messageId"])
        await ben.expect("ME", kind="scheduled")
        said = await ada.expect("MESSAGE", content="later")
        assert (said["senderId"], said["replyToId"]) == (await world.id("ben"), asked.body["messageId"])
        assert said["mentions"] == [await world.id("ada")]
        told = await ben.until(lambda one: one.get("kind") == "scheduled" and one["state"]["state"] == "sent")
        assert told["state"]["id"] == plan.body["id"]
    assert plan.body["id"] not in [one["id"] for one in await waiting(world)]
    assert (await world.rest("ben", "DELETE", f"{ALL}/{plan.body['id']}")).code == "not_found"


async def test_it_survives_a_kill_and_is_said_once(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        soon = after(seconds=1)
        plans = await asyncio.gather(*[planned(world, chat, content=f"n{n}", send_at=soon) for n in range(20)])
        await world.restart()
        # A machine that is slower than that finds the last ones too late, and says so.
        kept = sorted(f"n{n}" for n, plan in enumerate(plans) if plan.status == 201)
        assert kept
        path = f"/api/chats/{chat}/messages?limit=100"
        body = await world.until("ada", path, lambda body: len(body["messages"]) >= len(kept), seconds=CLAIM_SECONDS)
        assert sorted(one["content"] for one in body["messages"]) == kept
        await world.until("ben", ALL, lambda body: body["scheduled"] == [], seconds=CLAIM_SECONDS)
        assert len(await world.history("ada", chat)) == len(kept)


async def test_it_is_changed_and_cancelled_by_its_author_alone(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    first, second = [(await planned(world, chat, send_at=after(days=2))).body for _ in range(2)]
    for method, body in (("PATCH", {"content": "mine"}), ("DELETE", None)):
        assert (await world.rest("ada", method, f"{ALL}/{first['id']}", body)).code == "not_found"
    async with world.connect("ada", chat) as ada:
        sooner = {"content": "sooner", "send_at": after(seconds=1)}
        changed = await world.rest("ben", "PATCH", f"{ALL}/{first['id']}", sooner)
        assert changed.body["version"] > first["version"]
        assert (await world.rest("ben", "DELETE", f"{ALL}/{second['id']}")).status == 204
        await ada.expect("MESSAGE", content="sooner")
    assert await waiting(world, "ada") == []
    assert not {first["id"], second["id"]} & {one["id"] for one in await waiting(world)}


async def test_whether_it_may_be_said_is_asked_then(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ben") as ben:
        plan = (await planned(world, chat, send_at=after(seconds=2))).body
        await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"permissions": {"post": "moderator"}})
        refused = await ben.until(lambda one: one.get("kind") == "scheduled" and one["state"]["state"] == "refused")
        assert (refused["state"]["id"], refused["state"]["code"]) == (plan["id"], "read_only")
        (kept,) = [one for one in await waiting(world) if one["id"] == plan["id"]]
        assert kept["refused_with"] == "read_only"
        # It is tried anew when it is changed.
        await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"permissions": {"post": None}})
        again = await world.rest("ben", "PATCH", f"{ALL}/{plan['id']}", {"send_at": after(seconds=0.5)})
        assert again.body["refused_with"] is None
        await ben.until(lambda one: one.get("kind") == "scheduled" and one["state"]["state"] == "sent")
    assert [one["content"] for one in await world.history("ada", chat)] == ["later"]


async def test_who_was_removed_says_nothing_later(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    plan = (await planned(world, chat, send_at=after(seconds=1.5))).body
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('ben')}")
    assert plan["id"] not in [one["id"] for one in await waiting(world)], "it is a chat of others now"
    marker = (await planned(world, chat, by="ada", content="marker", send_at=after(seconds=2))).body
    await world.until("ada", ALL, lambda body: marker["id"] not in [one["id"] for one in body["scheduled"]])
    assert [one["content"] for one in await world.history("ada", chat)] == ["marker"]


async def test_what_cannot_be_is_refused(world: World) -> None:
    chat = await world.chat(["ada", "cyd"])
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"send_at": after(seconds=-1)},
        {"send_at": "2100-01-01T00:00:00Z"},
        {"send_at": "soon"},
        {"send_at": after(days=1), "content": ""},
        {"send_at": after(days=1), "content": "x" * 8_001},
        {"send_at": after(days=1), "mentions": "all"},
    )
    for fields in wrong:
        assert (await planned(world, chat, by="cyd", **fields)).code == "invalid_field", fields
    assert (await planned(world, chat, by="eve", send_at=after(days=1))).code == "not_found"
    for _ in range(2):  # A client waits no longer for the last of a line than it is patient.
        plans = await asyncio.gather(*[planned(world, chat, by="cyd", send_at=after(days=1)) for _ in range(50)])
        assert {plan.status for plan in plans} == {201}
    assert (await planned(world, chat, by="cyd", send_at=after(days=1))).code == "conflict"
