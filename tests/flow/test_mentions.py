"""Several people named at once: @here, and user groups that staff look after."""

import asyncio
from uuid import UUID

import pytest

from presence.policy import TTL_MS
from tests.staff import Staff
from tests.world import World

GROUPS = "/api/user-groups"
# After a restart of what keeps presence nobody is found gone for a TTL, and who was there is for another.
GONE_SECONDS = 3 * TTL_MS / 1_000


async def counted(world: World, name: str, chat: str) -> tuple[int, int]:
    """How many messages and mentions of a chat somebody has not read."""
    shown = (await world.rest(name, "GET", f"/api/chats/{chat}")).body
    return shown["unread"], shown["mentions"]


async def test_here_names_who_is_online_when_it_is_said(world: World) -> None:
    chat = await world.chat(["ada", "ben", "ivy", "dan"])
    ben, ivy = await world.id("ben"), await world.id("ivy")
    # Who had a window open in the story before is believed to be there for a while.
    await world.until("ada", f"/api/presence?user={ivy}", lambda shown: "OFFLINE" in str(shown), seconds=GONE_SECONDS)
    async with world.connect("ada", chat) as ada, world.connect("ben", chat), world.connect("dan", chat) as dan:
        await dan.ask("PRESENCE_SET", status="INVISIBLE")
        await world.until("ada", f"/api/presence?user={ben}", lambda shown: "ONLINE" in str(shown))
        said = await ada.say(chat, "lunch, @here?", mentions=["here"], nonce="lunch")
        heard = await ada.expect("MESSAGE", messageId=said.body["messageId"])
        assert heard["mentions"] == ["here", ben], "not who hides, is away or says it"
        again = await ada.say(chat, "lunch, @here?", mentions=["here"], nonce="lunch", retry=True)
        assert again.body["messageId"] == said.body["messageId"]
        assert (await dan.say(chat, "me too", mentions=["here"])).code == "forbidden"
    posted = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "and @ben", "mentions": [ben]})
    assert posted.body["mentions"] == [ben]
    assert [await counted(world, name, chat) for name in ("ben", "ivy", "dan")] == [(2, 2), (2, 0), (2, 0)]
    await world.restart()
    assert await counted(world, "ben", chat) == (2, 2)
    assert (await world.history("ben", chat))[0]["mentions"] == sorted(["here", ben])


@pytest.mark.embedded  # Its audit log is looked into.
async def test_a_user_group_names_those_of_it_who_are_in_the_chat(staff: Staff) -> None:
    world = staff.world
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "eve", "zoe")}
    new = {"name": "Support", "members": [ids["ben"], ids["eve"]]}
    assert (await world.rest("ada", "POST", GROUPS, new)).code == "forbidden"
    await staff.act("add_to_company", await world.id("sam"), company=staff.company("Ours"))
    assert (await world.rest("sam", "POST", GROUPS, new | {"members": [ids["zoe"]]})).code == "not_found"
    for wrong in ("here", "all", "", "a b", "@x", "n" * 65):
        assert (await world.rest("sam", "POST", GROUPS, new | {"name": wrong})).code == "invalid_field", wrong
    made = await world.rest("sam", "POST", GROUPS, new)
    assert (made.status, made.body["name"]) == (201, "support")
    assert made.body["members"] == sorted([ids["ben"], ids["eve"]])
    assert (await world.rest("sam", "POST", GROUPS, new)).code == "invalid_field", "the name is taken"
    assert (await world.rest("ada", "GET", GROUPS)).body["groups"] == [made.body]
    assert (await world.rest("zoe", "GET", GROUPS)).body["groups"] == []

    chat = await world.chat(["ada", "ben", "cyd"])
    mention = f"group:{made.body['id']}"
    async with world.connect("cyd", chat) as cyd:
        said = await cyd.say(chat, "@support, it is down", mentions=[mention, ids["ada"]], nonce="down")
        heard = await cyd.expect("MESSAGE", messageId=said.body["messageId"])
        assert heard["mentions"] == [ids["ada"], mention, ids["ben"]], "eve is not in the chat"
        again = await cyd.say(chat, "@support, it is down", mentions=[mention, ids["ada"]], nonce="down", retry=True)
        assert again.body["messageId"] == said.body["messageId"]
        other = await cyd.say(chat, "@support, it is down", mentions=[mention], nonce="down", retry=True)
        assert other.code == "nonce_reused"
        for wrong in ("group:", "group:none", f"group:{ids['ada']}", "nobody"):
            assert (await cyd.say(chat, "hm", mentions=[wrong])).code == "invalid_field", wrong
    counts = await asyncio.gather(*[counted(world, name, chat) for name in ("ada", "ben")])
    assert counts == [(1, 1), (1, 1)]

    # In a thread too: whoever is meant follows it, and the lists of other chats go on.
    async with world.connect("ada", chat) as ada:
        root = (await ada.say(chat, "what is down?")).body["messageId"]
        aside = await ada.say(chat, "@support, here", threadId=root, mentions=[mention])
        assert aside.code is None
    await world.until("ben", "/api/me/threads", lambda body: [one["id"] for one in body["threads"]] == [root])
    await world.until(
        "ben", f"/api/chats/{chat}", lambda body: (body["last_message"] or {}).get("id") == aside.body["messageId"]
    )

    at = f"{GROUPS}/{made.body['id']}"
    assert (await world.rest("ada", "PATCH", at, {"members": []})).code == "forbidden"
    assert (await world.rest("sam", "PATCH", at, {"members": "all"})).code == "invalid_field"
    changed = await world.rest("sam", "PATCH", at, {"name": "help", "members": [ids["eve"]]})
    assert (changed.body["name"], changed.body["members"]) == ("help", [ids["eve"]])
    await staff.act("remove_from_company", ids["eve"], company=staff.company("Ours"))
    assert (await world.rest("ada", "GET", GROUPS)).body["groups"][0]["members"] == []
    assert (await world.rest("sam", "DELETE", at)).status == 204
    assert (await world.rest("sam", "DELETE", at)).code == "not_found"
    assert (await world.history("ada", chat))[0]["mentions"] == sorted(heard["mentions"])
    company = f"company:{UUID(staff.company('Ours'))}"
    kinds = [kind for kind, _ in staff.entries(company) if "user_group" in kind]
    assert kinds == [f"accounts.user_group.{one}" for one in ("made", "changed", "dropped")]
