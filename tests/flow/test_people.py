"""Who is in a chat and what they may: roles, mutes, bans, invites, direct chats."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.staff import Staff
from tests.world import Answer, World


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def patch(world: World, by: str, chat: str, whom: str, **body: object) -> Answer:
    """Change what somebody may in a chat."""
    return await world.rest(by, "PATCH", f"/api/chats/{chat}/participants/{await world.id(whom)}", body)


async def test_roles_change_below_ones_own(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    async with world.connect("cyd", chat) as cyd:
        assert (await patch(world, "ada", chat, "ben", role="admin")).body["role"] == "admin"
        heard = await cyd.expect("MEMBER", change="role", userId=await world.id("ben"))
        assert (heard["role"], heard["by"], heard["count"]) == ("admin", await world.id("ada"), 3)
    assert (await patch(world, "ben", chat, "cyd", role="moderator")).status == 200
    assert (await patch(world, "ben", chat, "cyd", role="admin")).code == "forbidden"
    assert (await patch(world, "ben", chat, "ada", role="member")).code == "forbidden"
    assert (await patch(world, "cyd", chat, "ben", role="member")).code == "forbidden"
    assert (await patch(world, "ada", chat, "eve", role="member")).code == "not_found"
    assert (await patch(world, "ada", chat, "ben", role="king")).code == "invalid_field"
    assert (await patch(world, "ada", chat, "ben")).code == "invalid_field"


async def test_two_owners_who_demote_each_other_leave_one(world: World) -> None:
    for _ in range(5):
        chat = await world.chat(["ada", "ben"])
        await patch(world, "ada", chat, "ben", role="owner")
        answers = await asyncio.gather(
            patch(world, "ada", chat, "ben", role="member"), patch(world, "ben", chat, "ada", role="member")
        )
        assert sorted(answer.status for answer in answers) in ([200, 403], [200, 409])
        people = (await world.rest("ada", "GET", f"/api/chats/{chat}/participants")).body["participants"]
        assert [person["role"] for person in people].count("owner") == 1


async def test_who_is_muted_may_read_and_not_speak(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    sent = await world.rest("ben", "POST", f"/api/chats/{chat}/messages", {"content": "loud"})
    async with world.connect("ben", chat) as ben:
        muted = await patch(world, "ada", chat, "ben", muted_until=in_an_hour())
        assert muted.body["muted_until"].endswith("Z")
        heard = await ben.expect("MEMBER", change="muted")
        assert heard["mutedUntil"] == muted.body["muted_until"]
        refused = await ben.say(chat, "LOUD")
        assert (refused.code, refused.body["retryable"]) == ("muted", True)
        assert 3_500_000 < refused.body["retryAfterMs"] <= 3_600_000
        edit = await ben.ask("EDIT_MESSAGE", roomId=chat, messageId=sent.body["id"], content="LOUD")
        assert edit.code == "muted"
        assert (await world.rest("ben", "GET", f"/api/chats/{chat}/messages")).status == 200
        await patch(world, "ada", chat, "ben", muted_until=None)
        assert (await ben.say(chat, "quietly")).body["type"] == "ACK"
    assert (await patch(world, "ben", chat, "ada", muted_until=in_an_hour())).code == "forbidden"


async def test_who_is_banned_does_not_come_back(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path, ben = f"/api/chats/{chat}", await world.id("ben")
    invite = (await world.rest("ada", "POST", f"{path}/invites")).body["code"]
    async with world.connect("ben", chat) as device:
        gone = await world.rest("ada", "DELETE", f"{path}/participants/{ben}", {"ban": True, "reason": "spam"})
        assert gone.status == 204
        last = await device.expect("MEMBER", change="banned", userId=ben)
        assert "reason" not in last  # It is for those who may lift the ban.
        assert (await device.say(chat, "hello?")).code == "not_found"
    assert (await world.rest("ben", "POST", f"/api/invites/{invite}")).code == "not_found"
    assert (await world.rest("ada", "POST", f"{path}/participants", {"user_id": ben})).code == "conflict"
    bans = (await world.rest("ada", "GET", f"{path}/bans")).body["bans"]
    assert [(one["user"]["id"], one["reason"]) for one in bans] == [(ben, "spam")]
    assert (await world.rest("ada", "DELETE", f"{path}/bans/{ben}")).status == 204
    assert (await world.rest("ada", "DELETE", f"{path}/bans/{ben}")).code == "not_found"
    assert (await world.rest("ben", "POST", f"/api/invites/{invite}")).status == 201


async def test_leaving_and_coming_back_washes_nothing_off(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    invite = (await world.rest("ada", "POST", f"/api/chats/{chat}/invites")).body["code"]
    own = (await world.rest("ben", "POST", f"/api/chats/{chat}/invites")).body["code"]
    await patch(world, "ada", chat, "ben", muted_until=in_an_hour())
    await patch(world, "ada", chat, "cyd", role="guest")
    for name in ("ben", "cyd"):
        await world.rest(name, "POST", f"/api/chats/{chat}/leave")
        assert (await world.rest(name, "POST", f"/api/invites/{own}")).code == "not_found"  # It went with ben.
        assert (await world.rest(name, "POST", f"/api/invites/{invite}")).status == 201
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/messages", {"content": "hi"})).code == "muted"
    assert (await world.rest("cyd", "GET", f"/api/chats/{chat}")).body["role"] == "guest"


async def test_who_left_can_be_banned_still(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    invite = (await world.rest("ada", "POST", f"/api/chats/{chat}/invites")).body["code"]
    await world.rest("ben", "POST", f"/api/chats/{chat}/leave")
    path = f"/api/chats/{chat}/participants"
    assert (await world.rest("ada", "DELETE", f"{path}/{await world.id('ben')}", {"ban": True})).status == 204
    assert (await world.rest("ben", "POST", f"/api/invites/{invite}")).code == "not_found"
    assert (await world.rest("ada", "DELETE", f"{path}/{await world.id('eve')}", {"ban": True})).code == "not_found"


async def test_an_invite_lets_colleagues_in_as_often_as_it_says(world: World) -> None:
    chat = await world.chat(["ada"])
    made = await world.rest("ada", "POST", f"/api/chats/{chat}/invites", {"max_uses": 2, "role": "guest"})
    code = made.body["code"]
    answers = await asyncio.gather(
        *[world.rest(name, "POST", f"/api/invites/{code}") for name in ("ben", "cyd", "dan")]
    )
    assert sorted(answer.status for answer in answers) == [201, 201, 404]
    inside = next(name for name, answer in zip(("ben", "cyd", "dan"), answers, strict=True) if answer.status == 201)
    assert (await world.rest(inside, "GET", f"/api/chats/{chat}")).body["role"] == "guest"
    assert (await world.rest("eve", "POST", f"/api/invites/{code}")).code == "not_found"


async def test_an_invite_is_for_colleagues_and_ends(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/invites"
    code = (await world.rest("ben", "POST", path)).body["code"]
    assert (await world.rest("zoe", "POST", f"/api/invites/{code}")).code == "not_found"
    assert (await world.rest("ben", "POST", f"/api/invites/{code}")).status == 200
    assert [one["code"] for one in (await world.rest("ada", "GET", path)).body["invites"]] == [code]
    assert (await world.rest("ada", "DELETE", path, {"code": code})).body == {"revoked": 1}
    assert (await world.rest("eve", "POST", f"/api/invites/{code}")).code == "not_found"
    for body in ({"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "2999-01-01"}, {"expires_at": "soon"},
                 {"max_uses": 0}, {"max_uses": True}, {"max_uses": 10**9}, {"role": "owner"}):  # fmt: skip
        assert (await world.rest("ada", "POST", path, body)).code == "invalid_field", body


async def test_a_direct_chat_is_made_once_however_many_ask(world: World) -> None:
    ada, ben = await world.id("ada"), await world.id("ben")
    answers = await asyncio.gather(
        *[world.rest("ada", "POST", "/api/chats/direct", {"user_id": ben}) for _ in range(5)],
        *[world.rest("ben", "POST", "/api/chats/direct", {"user_id": ada}) for _ in range(5)],
    )
    assert len({answer.body["id"] for answer in answers}) == 1
    assert [answer.status for answer in answers].count(201) <= 1
    chat = answers[0].body["id"]
    assert answers[0].body["peer"]["id"] == ben
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body["peer"]["id"] == ada
    for path in ("leave", "invites"):
        assert (await world.rest("ada", "POST", f"/api/chats/{chat}/{path}")).code == "conflict"
    assert (await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"name": "x"})).code == "forbidden"
    for user in (ada, await world.id("zoe"), "00000000-0000-4000-8000-000000000000"):
        refused = await world.rest("ada", "POST", "/api/chats/direct", {"user_id": user})
        assert refused.code in ("invalid_field", "not_found")


async def test_a_direct_chat_of_several_is_one_for_the_same_people(staff: Staff) -> None:
    world = staff.world
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "dan", "zoe")}

    async def ask(name: str, *others: str) -> Answer:
        return await world.rest(name, "POST", "/api/chats/direct", {"user_ids": [ids[one] for one in others]})

    for name in ("ada", "ben", "cyd"):
        await world.token(name)
    answers = await asyncio.gather(ask("ada", "ben", "cyd"), ask("ben", "cyd", "ada"), ask("cyd", "ada", "ben", "ada"))
    (chat,) = {answer.body["id"] for answer in answers}
    shown = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body
    assert (shown["chat_type"], shown["name"], shown["peer"], shown["role"]) == ("group_direct", "", None, "member")
    assert {one["id"] for one in shown["peers"]} == {ids["ben"], ids["cyd"]}
    assert (await ask("ada", "ben", "cyd", "dan")).body["id"] != chat
    assert (await ask("ada", "ben")).body["chat_type"] == "direct"
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "we three"})).status == 201
    for path in ("leave", "invites"):
        assert (await world.rest("ada", "POST", f"/api/chats/{chat}/{path}")).code == "conflict"
    refused = await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": ids["dan"]})
    assert refused.code in ("conflict", "forbidden")
    assert (await ask("ada")).code == (await ask("ada", "ada", "ben")).code == "invalid_field"
    assert (await ask("ada", "ben", "zoe")).code == "not_found"
    nine = [await world.id(name) for name in ("ben", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy", "jon")]
    assert (await world.rest("ada", "POST", "/api/chats/direct", {"user_ids": nine})).code == "invalid_field"
    assert (await world.rest("ada", "POST", "/api/chats/direct", {"user_ids": nine[:8]})).status == 201
    # Who left the company is in it no longer, and is again when they are back and somebody asks.
    ours = staff.company("Ours")
    await staff.act("remove_from_company", ids["cyd"], company=ours)
    await world.until("ada", f"/api/chats/{chat}", lambda shown: shown["participant_count"] == 2)
    assert (await ask("ada", "ben", "cyd")).code == "not_found"
    await staff.act("add_to_company", ids["cyd"], company=ours)
    assert (await ask("ada", "ben", "cyd")).body["id"] == chat
    assert [one["content"] for one in await world.history("cyd", chat)] == ["we three"]


async def test_nobody_adds_ten_thousand_at_once(world: World) -> None:
    people = [f"00000000-0000-4000-8000-{number:012d}" for number in range(6_000)]
    body = {"chat_type": "group", "name": "crowd", "participants": people}
    assert (await world.rest("ada", "POST", "/api/chats", body)).code == "invalid_field"
