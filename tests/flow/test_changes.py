"""Edits and deletes: what was said becomes something else, for everybody, in every order."""

import asyncio

from tests.world import World


async def test_an_edit_reaches_everybody_and_history(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        sent = await ada.say(chat, "helo")
        edited = await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=sent.body["messageId"], content="hello")
        assert edited.body["type"] == "ACK"
        heard = await ben.expect("MESSAGE_EDITED", messageId=sent.body["messageId"])
        assert (heard["content"], heard["version"]) == ("hello", edited.body["version"])
        shown = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages/{sent.body['messageId']}")).body
        assert (shown["content"], shown["is_edited"], shown["version"]) == ("hello", True, edited.body["version"])


async def test_an_edit_right_after_the_ack_finds_its_message(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        for number in range(30):
            sent = await ada.say(chat, f"{number}")
            fields = {"roomId": chat, "messageId": sent.body["messageId"], "content": f"{number}!"}
            assert (await ada.ask("EDIT_MESSAGE", **fields)).body["type"] == "ACK"
    assert [message["content"] for message in await world.history("ada", chat)] == [f"{n}!" for n in range(30)]


async def test_a_delete_leaves_a_tombstone_that_is_final(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    sent = await world.rest("ben", "POST", path, {"content": "regret"})
    gone = await world.rest("ben", "DELETE", f"{path}/{sent.body['id']}", {"reason": "wrong chat"})
    assert gone.status == 200
    assert (gone.body["content"], gone.body["is_deleted"], gone.body["delete_reason"]) == ("", True, "wrong chat")
    assert gone.body["deleted_by"] == await world.id("ben")
    assert (await world.rest("ben", "PATCH", f"{path}/{sent.body['id']}", {"content": "again"})).code == "conflict"
    assert (await world.rest("ben", "DELETE", f"{path}/{sent.body['id']}")).code == "conflict"


async def test_who_may_change_what(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    of_ada = (await world.rest("ada", "POST", path, {"content": "mine"})).body["id"]
    of_ben = (await world.rest("ben", "POST", path, {"content": "his"})).body["id"]
    assert (await world.rest("ben", "PATCH", f"{path}/{of_ada}", {"content": "x"})).code == "forbidden"
    assert (await world.rest("ben", "DELETE", f"{path}/{of_ada}")).code == "forbidden"
    assert (await world.rest("ada", "PATCH", f"{path}/{of_ben}", {"content": "x"})).code == "forbidden"
    assert (await world.rest("ada", "DELETE", f"{path}/{of_ben}")).status == 200  # An owner may delete any.
    for content in ("", " ", "a\x00b", "x" * 8_001):
        assert (await world.rest("ada", "PATCH", f"{path}/{of_ada}", {"content": content})).code == "invalid_field"
    assert (await world.rest("ada", "DELETE", f"{path}/{of_ada}", {"reason": "x" * 201})).code == "invalid_field"
    assert (await world.rest("ada", "PATCH", f"{path}/12", {"content": "x"})).code == "not_found"


async def test_many_edits_at_once_end_alike_for_all(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        sent = await ada.say(chat, "0")
        path = f"/api/chats/{chat}/messages/{sent.body['messageId']}"
        await asyncio.gather(*[world.rest("ada", "PATCH", path, {"content": f"{number}"}) for number in range(1, 9)])
        heard = await ben.heard_until(chat, lambda heard: len(heard) == 9)
        newest = max(
            (frame for frame in heard if frame["type"] == "MESSAGE_EDITED"), key=lambda frame: frame["version"]
        )
        assert (await world.rest("ben", "GET", path)).body["content"] == newest["content"]
