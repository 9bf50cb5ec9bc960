"""Stars: what one wants to find again, and nobody else sees."""

from tests.world import World


async def said(world: World, name: str, chat: str, *texts: str) -> list[str]:
    """Say something; answers the ids."""
    path = f"/api/chats/{chat}/messages"
    return [(await world.rest(name, "POST", path, {"content": text})).body["id"] for text in texts]


async def starred(world: World, name: str, *chats: str) -> list[str]:
    """The texts of what somebody has starred in some chats, the latest star first."""
    answer = await world.rest(name, "GET", "/api/me/stars?limit=100")
    assert answer.status == 200
    return [one["message"]["content"] for one in answer.body["stars"] if one["message"]["chat_id"] in chats]


async def test_a_star_reaches_ones_own_devices_and_no_others(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    first, second = await said(world, "ben", chat, "first", "second")
    async with world.connect("ada") as phone, world.connect("ada") as laptop, world.connect("ben", chat) as ben:
        answer = await phone.ask("STAR", roomId=chat, messageId=first)
        place = {"roomId": chat, "messageId": first}
        told = await laptop.expect("ME", kind="star", state={**place, "starred": True})
        assert told["version"] == answer.body["version"]
        assert (await phone.ask("STAR", **place)).body["version"] == answer.body["version"], "it has one"
        ada, place_before = await world.id("ada"), laptop.me
        assert place_before is not None
        await laptop.cut()
        star = f"/api/chats/{chat}/messages/{second}/star"
        assert (await world.rest("ada", "PUT", star)).status == 204
        assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{first}/star")).status == 204
        assert (await phone.ask("UNSTAR", **place)).body["type"] == "ACK", "it has none"
        await phone.expect("ME", kind="star", state={**place, "starred": False})
        cursor = {"epoch": place_before.epoch, "pos": place_before.pos}
        missed = (await world.rest("ada", "POST", "/api/events", {"rooms": {ada: cursor}, "wait": 0})).body["frames"][0]
        assert [event["state"] for event in missed["events"] if event["kind"] == "star"] == [
            {"roomId": chat, "messageId": second, "starred": True},
            {**place, "starred": False},
        ], "what changes nothing is no news"
        await ben.ask("HEARTBEAT")
        assert not [frame for frame in ben.frames if frame.get("kind") == "star"]
    assert await starred(world, "ada", chat) == ["second"]
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}/stars")).body == {"message_ids": [second]}
    assert await starred(world, "ben", chat) == []


async def test_the_list_comes_in_pages_and_holds_what_one_may_read(world: World) -> None:
    left, kept = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
    (farewell,) = await said(world, "ada", left, "farewell")
    ids = await said(world, "ada", kept, *[f"{number}" for number in range(5)])
    await world.rest("ben", "PUT", f"/api/chats/{left}/messages/{farewell}/star")
    for message in ids:
        assert (await world.rest("ben", "PUT", f"/api/chats/{kept}/messages/{message}/star")).status == 204
    page = await world.rest("ben", "GET", "/api/me/stars?limit=4")
    assert [one["message"]["content"] for one in page.body["stars"]] == ["4", "3", "2", "1"]
    assert 'rel="next"' in page.headers["link"]
    rest = await world.rest("ben", "GET", f"/api/me/stars?before={page.body['next']}")
    assert [one["message"]["content"] for one in rest.body["stars"]][:2] == ["0", "farewell"]
    assert (await world.rest("ben", "POST", f"/api/chats/{left}/leave")).status == 204
    await world.rest("ada", "DELETE", f"/api/chats/{kept}/messages/{ids[2]}")
    assert await starred(world, "ben", left, kept) == ["4", "3", "1", "0"], (
        "neither what one has left, nor what was deleted"
    )
    await world.until("ben", f"/api/chats/{kept}/stars", lambda body: ids[2] not in body["message_ids"])
    assert (await world.rest("ben", "PUT", f"/api/chats/{kept}/messages/{ids[2]}/star")).code == "conflict"
    for wrong in ("limit=0", "limit=101", "before=x"):
        assert (await world.rest("ben", "GET", f"/api/me/stars?{wrong}")).code == "invalid_field"


async def test_stars_are_for_what_is_ones_to_read(world: World) -> None:
    chat, other = await world.chat(["ada"]), await world.chat(["ben"])
    (message,) = await said(world, "ada", chat, "secret")
    async with world.connect("ben") as ben:
        for room, code in ((chat, "not_found"), (other, "not_found")):
            assert (await ben.ask("STAR", roomId=room, messageId=message)).code == code
            assert (await ben.ask("UNSTAR", roomId=room, messageId=message)).code == code
        assert (await ben.ask("STAR", roomId=other, messageId="x")).code == "invalid_field"
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}/stars")).code == "not_found"


async def test_search_knows_what_is_starred_and_pinned(world: World) -> None:
    chat, other = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
    one, two, three = await said(world, "ada", chat, "okapi one", "okapi two", "okapi three")
    (four,) = await said(world, "ada", other, "okapi four")
    for place in (f"{chat}/messages/{one}", f"{chat}/messages/{two}", f"{other}/messages/{four}"):
        await world.rest("ben", "PUT", f"/api/chats/{place}/star")
    for message in (two, three):
        await world.rest("ada", "PUT", f"/api/chats/{chat}/pins/{message}")

    async def found(name: str, query: str) -> list[str]:
        where = f"chat={chat}&chat={other}" if name == "ben" else f"chat={chat}"
        answer = await world.rest(name, "GET", f"/api/search/messages?q={query.replace(' ', '%20')}&{where}")
        assert answer.status == 200, answer.body
        return [message["content"].removeprefix("okapi ") for message in answer.body["messages"]]

    expected = {
        "is:starred": ["four", "two", "one"],
        "is:starred -two": ["four", "one"],
        "is:pinned": ["three", "two"],
        "is:pinned is:starred": ["two"],
        "is:pinned -is:starred": ["three"],
        "okapi -is:starred": ["three"],
        "okapi -is:pinned": ["four", "one"],
        "is:starred from:ben": [],
    }
    assert {query: await found("ben", query) for query in expected} == expected
    assert await found("ada", "is:starred") == [], "stars are of who gave them"
    asked = f"/api/search/messages?q=is:starred%20okapi&chat={chat}&chat={other}&limit=2"
    page = (await world.rest("ben", "GET", asked)).body
    assert (page["next"], page["lag_seconds"]) == (two, 0)
    page = (await world.rest("ben", "GET", f"{asked}&cursor={two}")).body
    assert ([message["id"] for message in page["messages"]], page["next"]) == ([one], None)
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{two}")
    assert await found("ben", "is:starred") == ["four", "one"]
    assert await found("ben", "is:pinned") == ["three"]
    assert (await world.rest("ben", "GET", f"/api/search/messages?q=is:starred%20in:{other}")).body["messages"]
    await world.rest("ben", "POST", f"/api/chats/{other}/leave")
    gone = await world.rest("ben", "GET", "/api/search/messages?q=is:starred%20okapi")
    assert [message["content"] for message in gone.body["messages"]] == ["okapi one"]


async def test_stars_go_with_their_chat(world: World) -> None:
    chat = await world.chat(["ada"])
    (message,) = await said(world, "ada", chat, "for now")
    await world.rest("ada", "PUT", f"/api/chats/{chat}/messages/{message}/star")
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).body
    assert receipt["counts"]["star"] == 1
    assert await starred(world, "ada", chat) == []
