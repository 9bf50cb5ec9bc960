"""Forwarding: a copy that stays as it was, by the rules of where it goes."""

import asyncio
from typing import Any

import pytest

from tests.staff import Staff
from tests.world import World

TEXT = "the *whole* story"
HTML = "<p>the <em>whole</em> story</p>"


async def two_chats(world: World) -> tuple[str, str, str]:
    """A chat of ada's and ben's with a message of ada's, and one of ben's and cyd's; answers their ids."""
    chat, other = await world.chat(["ada", "ben"]), await world.chat(["ben", "cyd"])
    said = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": TEXT, "mentions": ["all"]})
    return chat, other, said.body["id"]


async def test_a_copy_stays_as_it_was(world: World) -> None:
    chat, other, message = await two_chats(world)
    path = f"/api/chats/{chat}/messages/{message}"
    ada, cyd = await world.id("ada"), await world.id("cyd")
    async with world.connect("cyd", other) as phone:
        answer = await world.rest("ben", "POST", f"{path}/forward", {"to": [other]})
        assert answer.status == 201
        copy = answer.body["results"][0]["message"]
        heard = await phone.expect("MESSAGE", messageId=copy["id"])
        assert (heard["content"], heard["html"], heard["mentions"]) == (TEXT, HTML, [])
        assert heard["forwardedFrom"].keys() == {"senderId", "sentAt"}  # The same bytes for all, so no place in them.
        assert heard["forwardedFrom"]["senderId"] == ada
    for change in ("PATCH", "DELETE"):
        await world.rest("ada", change, path, {"content": "nothing at all"} if change == "PATCH" else None)
    for who in ("ben", "cyd"):
        shown = (await world.rest(who, "GET", f"/api/chats/{other}/messages/{copy['id']}")).body
        assert (shown["content"], shown["html"], shown["mentions"]) == (TEXT, HTML, [])
        assert shown["sender"]["id"] == await world.id("ben")
    listed = await world.until("cyd", f"/api/chats/{other}", lambda body: body["unread"])
    assert (listed["unread"], listed["mentions"]) == (1, 0)
    assert cyd not in str(copy)


@pytest.mark.rules
async def test_only_who_is_in_the_chat_learns_where_it_was_said(world: World) -> None:
    chat, other, message = await two_chats(world)
    answer = await world.rest("ben", "POST", f"/api/chats/{chat}/messages/{message}/forward", {"to": [other]})
    copy = answer.body["results"][0]["message"]
    ada = (await world.rest("ben", "GET", f"/api/users/{await world.id('ada')}")).body
    said = (await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{message}")).body
    known = {"sender": ada, "sent_at": said["created_at"]}
    assert copy["forwarded_from"] == {"chat_id": chat, "message_id": message, **known}
    page = f"/api/chats/{other}/messages"
    # Ben is in both. The store says it, a moment after the stream has shown the copy.
    shown = await world.until("ben", page, lambda body: body["messages"][0]["forwarded_from"]["chat_id"])
    assert shown["messages"][0]["forwarded_from"] == copy["forwarded_from"]
    shown = (await world.rest("cyd", "GET", page)).body["messages"][0]
    assert shown["forwarded_from"] == {"chat_id": None, "message_id": None, **known}
    assert (await world.rest("cyd", "GET", f"/api/chats/{chat}/messages/{message}")).code == "not_found"
    await world.rest("ben", "POST", f"/api/chats/{chat}/leave", {})
    assert (await world.rest("ben", "GET", page)).body["messages"][0]["forwarded_from"]["chat_id"] is None
    gone = await world.rest("ben", "DELETE", f"{page}/{copy['id']}")
    assert gone.body["forwarded_from"] is None


async def test_a_copy_of_a_copy_has_the_words_of_who_said_them_first(world: World) -> None:
    chat, other, message = await two_chats(world)
    third = await world.chat(["cyd", "dan"])
    first = await world.rest("ben", "POST", f"/api/chats/{chat}/messages/{message}/forward", {"to": [other]})
    copy = first.body["results"][0]["message"]
    async with world.connect("cyd") as cyd:
        again = await cyd.ask("FORWARD", roomId=other, messageId=copy["id"], to=[third])
    [last] = await world.history("dan", third)
    assert last["id"] == again.body["to"][0]["messageId"]
    assert last["forwarded_from"]["sender"]["id"] == await world.id("ada")
    assert last["forwarded_from"]["sent_at"] == copy["forwarded_from"]["sent_at"]


@pytest.mark.rules
async def test_nobody_puts_words_into_anothers_mouth(world: World) -> None:
    chat, other, message = await two_chats(world)
    first = await world.rest("ben", "POST", f"/api/chats/{chat}/messages/{message}/forward", {"to": [other]})
    copy = f"/api/chats/{other}/messages/{first.body['results'][0]['message']['id']}"
    assert (await world.rest("ben", "PATCH", copy, {"content": "I owe ben money."})).code == "conflict"
    assert (await world.rest("ben", "DELETE", copy)).status == 200


@pytest.mark.rules
async def test_each_chat_has_its_own_rules(world: World) -> None:
    chat, other, message = await two_chats(world)
    archived, strange, silent = await world.chat(["ben"]), await world.chat(["dan"]), await world.chat(["cyd", "ben"])
    await world.rest("ben", "DELETE", f"/api/chats/{archived}")
    muted = {"muted_until": "2060-01-01T00:00:00Z"}
    await world.rest("cyd", "PATCH", f"/api/chats/{silent}/participants/{await world.id('ben')}", muted)
    to = [strange, archived, other, silent, other]
    path = f"/api/chats/{chat}/messages/{message}/forward"
    answer = await world.rest("ben", "POST", path, {"to": to})
    results = {one["chat_id"]: one for one in answer.body["results"]}
    assert (answer.status, [*results]) == (201, to[:4])
    codes = {one: result["error"] and result["error"]["code"] for one, result in results.items()}
    assert codes == {strange: "not_found", archived: "archived", other: None, silent: "muted"}
    assert len(await world.history("cyd", other)) == 1
    async with world.connect("ben") as ben:
        fields = {"roomId": chat, "messageId": message}
        told = (await ben.ask("FORWARD", **fields, to=to)).body["to"]
        assert [one.get("code") for one in told] == ["not_found", "archived", None, "muted"]
        # Where there is nothing but refusals, the first one answers.
        assert (await ben.ask("FORWARD", **fields, to=to[:2])).code == "not_found"
        assert (await world.rest("ben", "POST", path, {"to": [archived, strange]})).code == "archived"


async def test_a_retry_answers_what_it_did_whatever_became_of_the_message(world: World) -> None:
    chat, other, message = await two_chats(world)
    path = f"/api/chats/{chat}/messages/{message}"
    body = {"to": [other], "nonce": "n-1"}
    async with world.connect("ben") as ben:
        fields = {"roomId": chat, "messageId": message, "to": [other], "nonce": "n-1"}
        first = await ben.ask("FORWARD", **fields)
        copy = first.body["to"][0]
        await world.rest("ada", "PATCH", path, {"content": "another"})
        again = await ben.ask("FORWARD", **fields, retry=True, firstTriedMs=50)
        assert again.body["to"] == first.body["to"]
        await world.rest("ada", "DELETE", path)
        rest = await world.rest("ben", "POST", f"{path}/forward", body)
        assert (rest.status, rest.body["results"][0]["message"]["id"]) == (200, copy["messageId"])
        assert rest.body["results"][0]["message"]["content"] == TEXT
        fresh = await world.rest("ben", "POST", f"{path}/forward", body | {"nonce": "n-2"})
        assert fresh.code == "conflict"
        assert (await ben.say(other, TEXT, nonce="n-1")).code == "nonce_reused"
    assert [one["id"] for one in await world.history("cyd", other)] == [copy["messageId"]]


@pytest.mark.rules
async def test_what_cannot_be_forwarded(world: World) -> None:
    chat, other, message = await two_chats(world)
    path, many = f"messages/{message}/forward", [f"{n:08}-0000-4000-8000-000000000000" for n in range(21)]
    for to in ([], many, "all", [other, "x"], None, {"a": 1}):
        assert (await world.rest("ben", "POST", f"/api/chats/{chat}/{path}", {"to": to})).code == "invalid_field", to
    assert (await world.rest("cyd", "POST", f"/api/chats/{chat}/{path}", {"to": [other]})).code == "not_found"
    assert (await world.rest("ben", "POST", f"/api/chats/{other}/{path}", {"to": [other]})).code == "not_found"
    async with world.connect("ben") as ben:
        fields = {"roomId": chat, "messageId": message}
        assert (await ben.ask("FORWARD", **fields, to=["x"])).code == "not_found"
        wrongs: list[dict[str, Any]] = [{"to": []}, {"to": many}, {"to": "all"}, {"to": [other], "nonce": "x" * 65}]
        for wrong in wrongs:
            assert (await ben.ask("FORWARD", **fields, **wrong)).code == "invalid_field", wrong


async def test_twenty_chats_at_once_each_get_one(world: World) -> None:
    chat, _, message = await two_chats(world)
    chats = await asyncio.gather(*[world.chat(["ben"]) for _ in range(20)])
    async with world.connect("ben") as ben:
        answer = await ben.ask("FORWARD", roomId=chat, messageId=message, to=chats, nonce="all")
    assert [one["roomId"] for one in answer.body["to"]] == chats
    for one in chats:
        assert [message["content"] for message in await world.history("ben", one)] == [TEXT]


@pytest.mark.embedded  # The staff's companies are looked up in its file.
async def test_what_is_said_in_a_company_stays_in_it(staff: Staff) -> None:
    world, ben = staff.world, await staff.world.id("ben")
    await staff.act("add_to_company", ben, company=staff.company("Theirs"))
    chat, other, message = await two_chats(world)
    theirs = await world.chat(["zoe", "ben"])
    path = f"/api/chats/{chat}/messages/{message}/forward"
    assert (await world.rest("ben", "POST", path, {"to": [theirs]})).code == "forbidden"
    both = await world.rest("ben", "POST", path, {"to": [theirs, other]})
    assert [one["error"] and one["error"]["code"] for one in both.body["results"]] == ["forbidden", None]
    # Whoever is not in it learns nothing of it.
    assert (await world.rest("ada", "POST", path, {"to": [theirs]})).code == "not_found"
    assert await world.history("zoe", theirs) == []
