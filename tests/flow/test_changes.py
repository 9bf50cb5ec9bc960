"""Edits and deletes: what was said becomes something else, for everybody, in every order."""

import asyncio
from collections.abc import Callable

import pytest

from tests.world import Server, World


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


@pytest.mark.rules
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


async def test_edits_keep_the_earlier_texts_until_the_message_is_deleted(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    message = (await world.rest("ada", "POST", path, {"content": "first"})).body["id"]
    assert (await world.rest("ben", "GET", f"{path}/{message}/edits")).body == {"edits": []}
    for text in ("second", "third"):
        await world.rest("ada", "PATCH", f"{path}/{message}", {"content": text})
    edits = (await world.rest("ben", "GET", f"{path}/{message}/edits")).body["edits"]
    assert [edit["content"] for edit in edits] == ["first", "second"]
    assert edits[0]["version"] < edits[1]["version"]
    assert (await world.rest("eve", "GET", f"{path}/{message}/edits")).code == "not_found"
    await world.rest("ada", "DELETE", f"{path}/{message}")
    assert (await world.rest("ben", "GET", f"{path}/{message}/edits")).body == {"edits": []}


async def test_an_edit_keeps_whom_the_message_names(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path, ben = f"/api/chats/{chat}/messages", await world.id("ben")
    message = (await world.rest("ada", "POST", path, {"content": "ben?", "mentions": [ben]})).body["id"]
    assert (await world.rest("ada", "PATCH", f"{path}/{message}", {"content": "ben!"})).body["mentions"] == [ben]


@pytest.mark.rules
async def test_the_time_for_editing_can_end(make_server: Callable[..., Server]) -> None:
    async with World(make_server(environment={"CHAT_EDIT_WINDOW_SECONDS": "1"})) as world:
        chat = await world.chat(["ada"])
        path = f"/api/chats/{chat}/messages"
        message = (await world.rest("ada", "POST", path, {"content": "0"})).body["id"]
        async with asyncio.timeout(20):
            while (late := await world.rest("ada", "PATCH", f"{path}/{message}", {"content": "1"})).status == 200:
                pass
        assert late.code == "edit_window"
        assert (await world.rest("ada", "DELETE", f"{path}/{message}")).status == 200


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
