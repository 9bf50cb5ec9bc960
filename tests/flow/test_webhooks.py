"""Incoming webhooks: who has the address says something in its chat, as a bot of its own."""

from typing import Any

from tests.world import Answer, World

TOKEN = {"name": "CI", "scopes": ["connect"]}


async def made(world: World, chat: str, *, by: str = "ada", name: str = "Build server") -> Answer:
    """The answer to making a webhook."""
    return await world.rest(by, "POST", f"/api/chats/{chat}/webhooks", {"name": name})


async def posted(world: World, path: str, body: dict[str, Any], **headers: str) -> Answer:
    """What a program is answered that posts to an address, signed in nowhere."""
    return await world.rest(None, "POST", path, body, headers=headers)


async def test_what_is_posted_is_said_in_the_name_of_the_webhook(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ben", chat) as ben:
        webhook = (await made(world, chat)).body
        joined = await ben.expect("MEMBER", change="added")
        assert joined["userId"] == webhook["bot"]["id"]
        for number, name in enumerate(("content", "text")):
            answer = await posted(world, webhook["path"], {name: f"build {number} has passed"})
            assert (answer.status, list(answer.body)) == (201, ["id"])
            said = await ben.expect("MESSAGE", content=f"build {number} has passed")
            assert (said["senderId"], said["messageId"]) == (webhook["bot"]["id"], answer.body["id"])
        once = [await posted(world, webhook["path"], {"text": "once"}, **{"Idempotency-Key": "7"}) for _ in range(2)]
        assert [answer.status for answer in once] == [201, 200]
        assert once[0].body == once[1].body
    shown = (await world.history("ben", chat))[-1]["sender"]
    assert (shown["name"], shown["is_bot"]) == ("Build server", True)
    assert (await world.rest("ben", "GET", f"/api/users/{shown['id']}")).body == shown
    found = (await world.rest("ben", "GET", "/api/users?q=Build+server")).body["users"]
    assert found == [], "it is of use in its chat alone"


async def test_an_address_is_shown_once_to_who_manages_the_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/webhooks"
    assert (await made(world, chat, by="ben")).code == "forbidden"
    assert (await made(world, chat, name="\u202e")).code == "invalid_field"
    key = {"body": {"name": "once"}, "headers": {"Idempotency-Key": "w"}}
    first, again = [(await world.rest("ada", "POST", path, **key)).body for _ in range(2)]
    assert again == first | {"path": None}
    (listed,) = (await world.rest("ada", "GET", path)).body["webhooks"]
    assert listed == {name: value for name, value in first.items() if name != "path"}
    for _ in range(19):
        assert (await made(world, chat)).status == 201
    assert (await made(world, chat)).code == "conflict"
    direct = (await world.rest("ada", "POST", "/api/chats/direct", {"user_id": await world.id("ben")})).body["id"]
    assert (await made(world, direct)).status in (403, 409)


async def test_a_wrong_address_and_an_ended_one_are_the_same(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    webhook = (await made(world, chat)).body
    assert (await world.rest("sam", "POST", f"/api/bots/{webhook['bot']['id']}/tokens", TOKEN)).code == "not_found"
    wrong = webhook["path"][:-1] + ("a" if webhook["path"][-1] != "a" else "b")
    refused = await posted(world, wrong, {"text": "hi"})
    assert (refused.status, refused.code) == (404, "not_found")
    assert (await posted(world, webhook["path"], {"text": ""})).code == "invalid_field"
    assert (await posted(world, webhook["path"], {"text": "x" * 8_001})).code == "invalid_field"
    assert (await world.rest("ben", "DELETE", f"/api/chats/{chat}/webhooks/{webhook['id']}")).code == "forbidden"
    await posted(world, webhook["path"], {"text": "stays"})
    async with world.connect("ben", chat) as ben:
        assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}/webhooks/{webhook['id']}")).status == 204
        await ben.expect("MEMBER", change="removed", userId=webhook["bot"]["id"])
    ended = await posted(world, webhook["path"], {"text": "hi"})
    for answer in (refused, ended):
        answer.body.pop("request_id")
    assert (ended.status, ended.body) == (refused.status, refused.body)
    (left,) = await world.history("ben", chat)
    assert (left["content"], left["sender"]["name"]) == ("stays", "Build server")


async def test_a_webhook_is_bound_by_the_rules_of_its_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    webhook = (await made(world, chat)).body
    place = f"/api/chats/{chat}/participants/{webhook['bot']['id']}"
    await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"permissions": {"post": "moderator"}})
    assert (await posted(world, webhook["path"], {"text": "hi"})).code == "read_only"
    assert (await world.rest("ada", "PATCH", place, {"role": "moderator"})).status == 200
    assert (await posted(world, webhook["path"], {"text": "hi"})).status == 201
    await world.rest("ada", "PATCH", place, {"muted_until": "2090-01-01T00:00:00Z"})
    assert (await posted(world, webhook["path"], {"text": "hi"})).code == "muted"
    await world.rest("ada", "DELETE", place)
    assert (await posted(world, webhook["path"], {"text": "hi"})).code == "not_found"
    await world.rest("ada", "DELETE", f"/api/chats/{chat}")
    assert (await made(world, chat)).code == "archived"
    assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}/webhooks/{webhook['id']}")).status == 204
