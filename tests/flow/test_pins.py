"""Pins: the messages of a chat that everybody finds at once."""

import pytest

from tests.world import World


async def pinned(world: World, name: str, chat: str) -> list[str]:
    """The texts of a chat's pinned messages, the latest pin first."""
    answer = await world.rest(name, "GET", f"/api/chats/{chat}/pins")
    assert answer.status == 200
    return [one["message"]["content"] for one in answer.body["pins"]]


async def test_a_pin_reaches_everybody_and_the_list(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        first, second = [(await ben.say(chat, text)).body["messageId"] for text in ("first", "second")]
        answer = await ada.ask("PIN", roomId=chat, messageId=first)
        assert answer.body["type"] == "ACK"
        heard = await ben.expect("PIN", messageId=first)
        assert (heard["userId"], heard["pinned"], heard["pos"]) == (await world.id("ada"), True, answer.body["pos"])
        assert (await world.rest("ada", "PUT", f"/api/chats/{chat}/pins/{second}")).body["id"] == second
        assert await pinned(world, "ben", chat) == ["second", "first"]
        (latest, _) = (await world.rest("ben", "GET", f"/api/chats/{chat}/pins")).body["pins"]
        assert (latest["pinned_by"]["username"], latest["message"]["sender"]["username"]) == ("ada", "ben")
        await ada.ask("PIN", roomId=chat, messageId=first)
        assert await pinned(world, "ben", chat) == ["first", "second"], "what is pinned again is the latest"
        assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}/pins/{first}")).status == 200
        await ben.expect("PIN", messageId=first, pinned=False)
        assert (await ada.ask("UNPIN", roomId=chat, messageId=first)).body["type"] == "ACK", "it had none"
        assert await pinned(world, "ben", chat) == ["second"]
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["unread"] == 2, "a pin is nothing unread"


@pytest.mark.rules
async def test_who_may_pin_is_the_chats_to_say(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("eve") as eve:
        message = (await ada.say(chat, "hello")).body["messageId"]
        assert (await ben.ask("PIN", roomId=chat, messageId=message)).code == "forbidden"
        assert (await eve.ask("PIN", roomId=chat, messageId=message)).code == "not_found"
        assert (await world.rest("eve", "GET", f"/api/chats/{chat}/pins")).code == "not_found"
        assert (
            await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"permissions": {"pin": "member"}})
        ).status == 200
        await ben.expect("ROOM", change="updated")
        assert (await ben.ask("PIN", roomId=chat, messageId=message)).body["type"] == "ACK"
        assert (await ben.ask("PIN", roomId=chat, messageId="12")).code == "not_found"
        assert (await ben.ask("PIN", roomId=chat, messageId="x")).code == "invalid_field"
        other = await world.chat(["ben"])
        assert (await ben.ask("PIN", roomId=other, messageId=message)).code == "not_found"
        await world.rest("ada", "DELETE", f"/api/chats/{chat}")
        await ben.expect("ROOM", change="archived")
        assert (await ben.ask("UNPIN", roomId=chat, messageId=message)).code == "archived"
        assert await pinned(world, "ben", chat) == ["hello"]


@pytest.mark.rules
async def test_the_51st_is_refused_until_there_is_room(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        said = [(await ada.say(chat, f"{number}")).body["messageId"] for number in range(51)]
        for message in said[:50]:
            assert (await ada.ask("PIN", roomId=chat, messageId=message)).body["type"] == "ACK"
        refused = await ada.ask("PIN", roomId=chat, messageId=said[50])
        assert (refused.code, "50" in refused.body["message"]) == ("conflict", True)
        assert (await ada.ask("PIN", roomId=chat, messageId=said[3])).body["type"] == "ACK", "it is pinned already"
        await ada.ask("DELETE_MESSAGE", roomId=chat, messageId=said[7])
        assert len(await pinned(world, "ada", chat)) == 49, "a deleted message is pinned no longer"
        assert (await ada.ask("PIN", roomId=chat, messageId=said[7])).code == "conflict"
        assert (await ada.ask("PIN", roomId=chat, messageId=said[50])).body["type"] == "ACK"
        assert (await pinned(world, "ada", chat))[0] == "50"


async def test_pins_go_with_their_chat(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        await ada.ask("PIN", roomId=chat, messageId=(await ada.say(chat, "for now")).body["messageId"])
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).body["id"]
    gone = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
    assert gone["counts"]["pinned_messages"] == 1
