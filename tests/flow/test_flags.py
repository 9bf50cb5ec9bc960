"""Reports: staff get to know of a message, nobody in its chat does."""

import json
from typing import Any

import pytest

from tests.flow.test_api_tokens import asked, made
from tests.world import World


async def said(world: World, name: str, chat: str, text: str = "Buy now!") -> str:
    """Say something; answers its id."""
    answer = await world.rest(name, "POST", f"/api/chats/{chat}/messages", {"content": text})
    return str(answer.body["id"])


async def test_a_report_is_taken_once_and_told_to_nobody_in_the_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    message = await said(world, "ben", chat)
    place = {"roomId": chat, "messageId": message}
    path = f"/api/chats/{chat}/messages/{message}/flag"
    async with world.connect("ben", chat) as ben, world.connect("cyd", chat) as cyd, world.connect("ada") as ada:
        first = await world.rest("ada", "POST", path, {"reason": "spam", "text": " In every chat. "})
        assert (first.status, first.body["reason"], first.body["text"]) == (201, "spam", "In every chat.")
        assert {"state", "closed_by", "outcome", "by"}.isdisjoint(first.body), "what becomes of it is not told"
        again = await world.rest("ada", "POST", path, {"reason": "abuse"})
        assert (again.status, again.body) == (200, first.body)
        assert (await ada.ask("FLAG_MESSAGE", **place, reason="other")).body["flagId"] == first.body["id"]
        other = await cyd.ask("FLAG_MESSAGE", **place, reason="harassment", text="Stop it.")
        assert other.body["flagId"] != first.body["id"], "of another person"
        await ada.say(chat, "after it")
        for device in (ben, cyd):
            await device.expect("MESSAGE", content="after it")
        # What all hear goes on without a hole: no place of the room's stream was taken.
        assert [frame["type"] for frame in ben.heard[chat]] == ["MESSAGE"] and ben.holes == 0
        assert first.body["id"] not in json.dumps([ben.frames, cyd.frames])
    assert "flag" not in json.dumps((await world.rest("ben", "GET", f"/api/chats/{chat}/messages")).body)


@pytest.mark.rules
async def test_who_cannot_read_a_message_cannot_report_it(world: World) -> None:
    chat, other = await world.chat(["ada"]), await world.chat(["ben"])
    message = await said(world, "ada", chat, "secret")
    async with world.connect("ben") as ben:
        for room in (chat, other):
            answer = await ben.ask("FLAG_MESSAGE", roomId=room, messageId=message, reason="spam")
            assert answer.code == "not_found"
            path = f"/api/chats/{room}/messages/{message}/flag"
            assert (await world.rest("ben", "POST", path, {"reason": "spam"})).code == "not_found"


WRONG: tuple[dict[str, Any], ...] = (
    {},
    {"reason": "dull"},
    {"reason": 1},
    {"reason": "spam", "text": "x" * 1_001},
    {"reason": "spam", "text": "a\x00b"},
    {"reason": "spam", "source": "a person is no program"},
    {"reason": "spam", "score": 0.5},
)


@pytest.mark.rules
async def test_what_is_no_report_is_refused(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    message = await said(world, "ben", chat)
    path = f"/api/chats/{chat}/messages/{message}/flag"
    for body in WRONG:
        assert (await world.rest("ada", "POST", path, body)).code == "invalid_field", body
    async with world.connect("ada") as ada:
        answer = await ada.ask("FLAG_MESSAGE", roomId=chat, messageId=message, reason="dull")
        assert answer.code == "invalid_field"
    await world.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{message}")
    assert (await world.rest("ada", "POST", path, {"reason": "spam"})).code == "conflict"


async def test_a_program_says_what_it_found_in_chats_that_it_is_in(world: World) -> None:
    chat, private = await world.chat(["ada", "ben"]), await world.chat(["cyd"])
    hidden = await said(world, "cyd", private)
    token = (await made(world, "flag", "connect")).body["token"]
    # What there is it hears as any client does: by a long poll here.
    cursors: dict[str, Any] = {chat: None}
    cursors = (await asked(world, token, "POST", "/api/events", {"rooms": cursors, "wait": 0})).body["rooms"]
    message = await said(world, "ben", chat, "You idiot")
    heard = await asked(world, token, "POST", "/api/events", {"rooms": cursors, "wait": 20})
    assert message in json.dumps(heard.body["frames"])
    found = {"reason": "abuse", "source": "tone-2", "label": "insult", "score": 0.93}
    path = f"/api/chats/{chat}/messages/{message}/flag"
    answer = await asked(world, token, "POST", path, found)
    assert (answer.status, {name: answer.body[name] for name in found}) == (201, found)
    for name, wrong in (("score", 1.1), ("score", "high"), ("score", True), ("source", "x" * 65), ("label", ["x"])):
        refused = await asked(world, token, "POST", path, found | {name: wrong})
        assert refused.code == "invalid_field", name
    elsewhere = f"/api/chats/{private}/messages/{hidden}/flag"
    assert (await asked(world, token, "POST", elsewhere, found)).code == "not_found"
    assert (await asked(world, token, "GET", f"/api/chats/{chat}/messages")).code == "forbidden"
    reader = (await made(world, "messages:read", "messages:write")).body["token"]
    assert (await asked(world, reader, "POST", path, found)).code == "forbidden"


@pytest.mark.parametrize("how", ["archived", "muted"])
@pytest.mark.rules
async def test_who_may_only_read_may_report(world: World, how: str) -> None:
    chat = await world.chat(["ada", "ben"])
    message = await said(world, "ada", chat)
    if how == "archived":
        await world.rest("ada", "DELETE", f"/api/chats/{chat}")
    else:
        ben = f"/api/chats/{chat}/participants/{await world.id('ben')}"
        await world.rest("ada", "PATCH", ben, {"muted_until": "2090-01-01T00:00:00Z"})
    path = f"/api/chats/{chat}/messages/{message}/flag"
    assert (await world.rest("ben", "POST", path, {"reason": "illegal"})).status == 201


async def test_reports_go_with_their_chat(world: World) -> None:
    chat = await world.chat(["ada"])
    message = await said(world, "ada", chat)
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages/{message}/flag", {"reason": "other"})
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).body
    assert "messageflag" not in receipt["counts"], "what was reported is for staff to know"
