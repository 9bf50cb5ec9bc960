"""Chats of a whole company: public ones that anybody of it may join, and those that everybody of it is in."""

from typing import Any

from tests.staff import Staff
from tests.world import Answer, World


async def public(world: World, name: str = "Tea", by: str = "ada") -> str:
    """A public chat that somebody made alone."""
    made = await world.rest(by, "POST", "/api/chats", {"chat_type": "public", "name": name})
    assert (made.status, made.body["chat_type"]) == (201, "public")
    chat: str = made.body["id"]
    return chat


async def listed(world: World, viewer: str, words: str = "") -> list[tuple[str, bool]]:
    """What somebody sees of the public chats, with whether they are in."""
    found = (await world.rest(viewer, "GET", f"/api/chats/public?q={words}")).body["chats"]
    return [(one["name"], one["is_member"]) for one in found]


async def test_anybody_of_the_company_joins_a_public_chat(world: World) -> None:
    chat = await public(world, "Tea of ours")
    async with world.connect("ada", chat) as ada:
        await ada.say(chat, "is anybody there?")
        assert await listed(world, "ben", "of+ours") == [("Tea of ours", False)]
        assert "last_message" not in (await world.rest("ben", "GET", "/api/chats/public")).body["chats"][0]
        assert (await world.rest("ben", "GET", f"/api/chats/{chat}/messages")).status == 404
        first, again = [await world.rest("ben", "POST", f"/api/chats/{chat}/join") for _ in range(2)]
        assert (first.status, again.status) == (201, 200)
        assert (first.body["role"], first.body["unread"]) == ("member", 0)
        joined = await ada.expect("MEMBER", change="added")
        assert (joined["userId"], joined["by"], joined["count"]) == (await world.id("ben"), await world.id("ben"), 2)
    assert [one["content"] for one in await world.history("ben", chat)] == ["is anybody there?"]
    assert await listed(world, "ben", "OURS") == [("Tea of ours", True)]


async def test_nobody_else_learns_of_a_public_chat(world: World) -> None:
    chat, closed = await public(world, "Tea"), await world.chat(["ada"], name="Tea for two")
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": await world.id("cyd")})
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('cyd')}", {"ban": True})
    for outsider in ("zoe", "sam"):
        assert await listed(world, outsider) == []
        assert (await world.rest(outsider, "POST", f"/api/chats/{chat}/join")).code == "not_found"
    assert ("Tea", False) not in await listed(world, "cyd")
    assert (await world.rest("cyd", "POST", f"/api/chats/{chat}/join")).code == "not_found"
    assert (await world.rest("ben", "POST", f"/api/chats/{closed}/join")).code == "not_found"
    await world.rest("ada", "DELETE", f"/api/chats/{chat}")
    assert ("Tea", False) not in await listed(world, "ben")
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/join")).code == "archived"
    for body in ({"chat_type": "public", "name": "Alone"}, {"chat_type": "company", "name": "Alone"}):
        assert (await world.rest("sam", "POST", "/api/chats", body)).code == "invalid_field"


async def test_public_chats_are_listed_by_pages(world: World) -> None:
    for number in range(103):
        await public(world, f"Page {number:03}", by="dan")
    path, names = "/api/chats/public?q=Page", list[str]()
    while path:
        page = await world.rest("ben", "GET", path)
        names += [one["name"] for one in page.body["chats"]]
        path = f"/api/chats/public?q=Page&after={page.body['next']}" if page.body["next"] else ""
    assert names == [f"Page {number:03}" for number in range(103)]
    assert (await world.rest("ben", "GET", "/api/chats/public?after=nonsense")).code == "invalid_field"


async def test_who_was_a_guest_comes_back_as_one(world: World) -> None:
    chat, ben = await public(world), await world.id("ben")
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": ben, "role": "guest"})
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/leave")).status == 204
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/join")).body["role"] == "guest"


async def whole(world: World, name: str, **fields: Any) -> Answer:
    """What staff are answered who make a chat of their whole company."""
    return await world.rest("sam", "POST", "/api/chats", {"chat_type": "company", "name": name, **fields})


async def test_everybody_of_the_company_is_in_its_chat(staff: Staff) -> None:
    world, sam, zoe = staff.world, await staff.world.id("sam"), await staff.world.id("zoe")
    ours = staff.company("Ours")
    await staff.act("add_to_company", sam, company=ours)
    body = {"chat_type": "company", "name": "Mine"}
    assert (await world.rest("ada", "POST", "/api/chats", body)).code == "forbidden"
    assert (await whole(world, "Some of us", participants=[zoe])).code == "invalid_field"
    made = await whole(world, "All of us")
    path = f"/api/chats/{made.body['id']}"
    await world.until("sam", path, lambda chat: chat["participant_count"] == 11)
    async with world.connect("ben", made.body["id"]) as ben:
        assert (await ben.say(made.body["id"], "hello everybody")).code is None
        # Who comes into the company comes into the chat.
        await staff.act("add_to_company", zoe, company=ours)
        await ben.expect("MEMBER", change="added", userId=zoe)
    assert [one["content"] for one in await world.history("zoe", made.body["id"])] == ["hello everybody"]
    # Nobody goes but with the company.
    for answer in (
        await world.rest("ben", "POST", f"{path}/leave"),
        await world.rest("sam", "DELETE", f"{path}/participants/{zoe}"),
        await world.rest("sam", "DELETE", f"{path}/participants/{zoe}", {"ban": True}),
    ):
        assert answer.code == "conflict"
    await staff.act("remove_from_company", zoe, company=ours)
    await world.until("ada", path, lambda chat: chat["participant_count"] == 11)
    assert (await world.rest("zoe", "GET", path)).status == 404


async def test_who_is_back_is_in_the_chat_of_the_company(staff: Staff) -> None:
    world, sam, ben = staff.world, await staff.world.id("sam"), await staff.world.id("ben")
    await staff.act("add_to_company", sam, company=staff.company("Ours"))
    await staff.act("deactivate", ben)
    path = f"/api/chats/{(await whole(world, 'All of us')).body['id']}"
    await world.until("ada", path, lambda chat: chat["participant_count"] == 10)
    await staff.act("reactivate", ben)
    await world.until("ada", path, lambda chat: chat["participant_count"] == 11)
