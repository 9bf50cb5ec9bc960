"""Templates: one's own, a chat's and a company's, with places that are filled in."""

from typing import Any

from tests.staff import Staff
from tests.world import Answer, World

ALL = "/api/templates"


async def made(world: World, by: str, name: str, content: str = "Hello {name}", **fields: Any) -> Answer:
    """The answer to making a template."""
    return await world.rest(by, "POST", ALL, {"name": name, "content": content, **fields})


async def names(world: World, viewer: str, chat: str | None = None) -> list[str]:
    """The names of the templates that somebody may use."""
    path = f"{ALL}?chat={chat}" if chat else ALL
    return [one["name"] for one in (await world.rest(viewer, "GET", path)).body["templates"]]


async def names_in(world: World, viewer: str, *chats: str) -> list[str]:
    """The names of the templates of some chats, of all that somebody may use."""
    listed = (await world.rest(viewer, "GET", ALL)).body["templates"]
    return [one["name"] for one in listed if one["chat_id"] in chats]


async def test_ones_own_are_filled_in_changed_and_taken_away(world: World) -> None:
    row = (await made(world, "ada", "Gratitude", "Thank you, {name}! {{sic}}")).body
    assert row["places"] == ["name"]
    path = f"{ALL}/{row['id']}"
    assert (await world.rest("ada", "POST", f"{path}/filled", {"values": {"name": "Ben"}})).body == {
        "content": "Thank you, Ben! {sic}"
    }
    refused = await world.rest("ada", "POST", f"{path}/filled", {"values": {}})
    assert (refused.code, refused.body["errors"][0]["field"]) == ("invalid_field", "values")
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await world.rest("ben", method, path, body)).code == "not_found"
    assert (await world.rest("ben", "POST", f"{path}/filled", {"values": {"name": "x"}})).code == "not_found"
    assert (await made(world, "ada", "Gratitude")).code == "conflict"
    assert (await made(world, "ben", "Gratitude")).status == 201
    changed = (await world.rest("ada", "PATCH", path, {"content": "Bye"})).body
    assert (changed["name"], changed["content"], changed["places"]) == ("Gratitude", "Bye", [])
    assert changed["version"] > row["version"]
    assert (await world.rest("ada", "DELETE", path)).status == 204
    assert "Gratitude" not in await names(world, "ada")


async def test_those_of_a_chat_are_its_moderators_to_write(world: World) -> None:
    chat, other = await world.chat(["ada", "cyd"]), await world.chat(["ada", "cyd"])
    assert (await made(world, "cyd", "Rules", chat_id=chat)).code == "forbidden"
    assert (await made(world, "eve", "Rules", chat_id=chat)).code == "not_found"
    row = (await made(world, "ada", "Rules", chat_id=chat)).body
    await made(world, "ada", "Other rules", chat_id=other)
    assert await names(world, "cyd", chat) == ["Rules"]
    assert await names_in(world, "cyd", chat, other) == ["Other rules", "Rules"]
    assert await names_in(world, "eve", chat, other) == []
    assert (await world.rest("cyd", "PATCH", f"{ALL}/{row['id']}", {"name": "Mine"})).code == "forbidden"
    await world.rest("cyd", "POST", f"/api/chats/{chat}/leave")
    assert await names_in(world, "cyd", chat, other) == ["Other rules"]
    assert (await world.rest("cyd", "GET", f"{ALL}/{row['id']}")).code == "not_found"


async def test_those_of_a_company_are_staffs_to_write(staff: Staff) -> None:
    world = staff.world
    await staff.act("add_to_company", await world.id("sam"), company=staff.company("Ours"))
    (company,) = (await world.rest("sam", "GET", "/api/me")).body["companies"]
    assert (await made(world, "ada", "Greeting", company_id=company["id"])).code == "forbidden"
    assert (await made(world, "zoe", "Greeting", company_id=company["id"])).code == "not_found"
    row = (await made(world, "sam", "Greeting", company_id=company["id"])).body
    assert (await names(world, "ben"), await names(world, "zoe")) == (["Greeting"], [])
    assert (await world.rest("ben", "DELETE", f"{ALL}/{row['id']}")).code == "forbidden"
    assert (await world.rest("sam", "DELETE", f"{ALL}/{row['id']}")).status == 204


async def test_what_a_template_cannot_be_is_refused(world: World) -> None:
    chat = await world.chat(["dan"])
    wrong: tuple[dict[str, Any], ...] = (
        {"name": ""},
        {"name": "x" * 61},
        {"content": ""},
        {"content": "{"},
        {"content": "x" * 8_001},
        {"chat_id": "x"},
        {"chat_id": chat, "company_id": chat},
    )
    for fields in wrong:
        body = {"name": "Name", "content": "Text", **fields}
        assert (await world.rest("dan", "POST", ALL, body)).code == "invalid_field", fields
    assert (await world.rest("dan", "GET", f"{ALL}?after=nonsense")).code == "invalid_field"
    for number in range(200):
        assert (await made(world, "dan", f"{number:03}")).status == 201
    assert (await made(world, "dan", "one more")).code == "conflict"
    await made(world, "dan", "of the chat", chat_id=chat)
    page = (await world.rest("dan", "GET", ALL)).body
    following = (await world.rest("dan", "GET", f"{ALL}?after={page['next']}")).body
    assert (len(page["templates"]), [one["name"] for one in following["templates"]]) == (200, ["of the chat"])
