"""Chats of many: above 50 members they tell that there is something new, from 40 on again what."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crowds import CROWD, crowd
from tests.world import Device, Server, World, make_template


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with enough people for a large chat."""
    return make_template(tmp_path_factory.mktemp("crowd"), CROWD)


@pytest.fixture
async def large(make_server: Callable[..., Server]) -> World:
    """A world where a chat can grow."""
    return World(make_server())


async def grow(world: World, chat: str, people: list[str]) -> None:
    """Add people to a chat of Ada's."""
    for person in people:
        added = await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": person})
        assert added.status == 201, added


async def shrink(world: World, chat: str, people: list[str]) -> None:
    """Remove people from a chat of Ada's."""
    for person in people:
        removed = await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{person}")
        assert removed.status == 204, removed


async def hears_all(device: Device) -> dict[str, dict[str, object]]:
    """Let a device hear everything of its person's; answers what it was told of each chat."""
    await device.send({"type": "SUBSCRIBE", "ref": "all", "rooms": "all"})
    rooms: dict[str, dict[str, object]] = (await device.expect("SUBSCRIBED_ALL", ref="all"))["rooms"]
    return rooms


async def test_crossing_in_either_direction_loses_nothing(large: World) -> None:
    async with large as world:
        people = await crowd(world)
        chat = await world.chat(["ada", "ben", "cyd"])
        await grow(world, chat, people[:47])
        async with world.connect("ada", chat) as ada, world.connect("ben") as ben, world.connect("cyd", chat) as cyd:
            assert (await hears_all(ben))[chat]["mode"] == "full"
            await ada.say(chat, "we are 50")
            small = await ben.expect("MESSAGE", content="we are 50")
            await hears_all(cyd)  # She named it before: that stays.

            await grow(world, chat, people[47:48])
            await ben.expect("ROOM", change="mode", chat={"mode": "activity"})
            first = await ada.say(chat, "we are 51")
            told = await ben.expect("ROOM_ACTIVITY", roomId=chat, messageId=first.body["messageId"])
            assert told["unread"] == 2
            await cyd.expect("MESSAGE", content="we are 51")
            shown = (await world.rest("ben", "GET", f"/api/chats/{chat}")).body
            assert (shown["mode"], shown["unread"], shown["participant_count"]) == ("activity", 2, 51)
            assert not [frame for frame in ben.frames if frame.get("content") == "we are 51"]

            # Who opens it names it, and has what was said since; who leaves it is told of activity again.
            cursor = {"epoch": small["epoch"], "pos": small["pos"]}
            await ben.send({"type": "SUBSCRIBE", "ref": "open", "rooms": {chat: cursor}})
            opened = await ben.expect("SUBSCRIBED", ref="open")
            assert (opened["mode"], opened["recovered"]) == ("full", True)
            assert opened["events"][-1]["content"] == "we are 51"
            await ada.say(chat, "in full")
            await ben.expect("MESSAGE", content="in full")
            await ben.send({"type": "UNSUBSCRIBE", "ref": "close", "rooms": [chat]})
            await ben.expect("OK", ref="close")
            await ben.send({"type": "READ", "ref": "read", "roomId": chat, "messageId": first.body["messageId"]})
            assert (await ben.expect("ACK", ref="read"))["unread"] == 1
            await ben.expect("ME", kind="read")
            second = await ada.say(chat, "by activity")
            told = await ben.expect("ROOM_ACTIVITY", messageId=second.body["messageId"])
            assert told["unread"] == 2

            await shrink(world, chat, people[38:48])  # 41 are left
            await ada.say(chat, "we are 41")
            await cyd.expect("MESSAGE", content="we are 41")
            await shrink(world, chat, people[37:38])
            await ben.expect("ROOM", change="mode", chat={"mode": "full"})
            begun = await ben.expect("RESYNC", roomId=chat)
            await ada.say(chat, "we are 40")
            heard = await ben.expect("MESSAGE", content="we are 40")
            # Who left last may be told after it, where the members were read before that was delivered.
            assert begun["pos"] < heard["pos"]
            assert ben.holes == 0
            page = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages?at_least={heard['pos']}")).body
            texts = ["we are 50", "we are 51", "in full", "by activity", "we are 41", "we are 40"]
            assert [message["content"] for message in page["messages"]] == texts
            assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body["unread"] == 4


async def test_who_comes_into_a_large_chat_hears_its_activity_until_they_are_removed(large: World) -> None:
    async with large as world:
        people = await crowd(world)
        chat = await world.chat(["ada", "cyd"])
        await grow(world, chat, people[:50])
        async with world.connect("ada", chat) as ada, world.connect("ben") as ben, world.connect("cyd") as cyd:
            await hears_all(ben)
            assert (await hears_all(cyd))[chat]["mode"] == "activity"
            ben_id = await world.id("ben")
            await grow(world, chat, [ben_id])
            await ben.expect("ROOM", roomId=chat, change="mode")
            said = await ada.say(chat, "welcome")
            told = await ben.expect("ROOM_ACTIVITY", messageId=said.body["messageId"])
            assert told["unread"] == 1
            await shrink(world, chat, [ben_id])
            await ben.expect("MEMBER", roomId=chat, userId=ben_id, change="removed")
            await ben.expect("ME", kind="chat_removed", roomId=chat)
            after = await ada.say(chat, "not for ben")
            await cyd.expect("ROOM_ACTIVITY", messageId=after.body["messageId"])
            assert (await ben.ask("HEARTBEAT")).code is None
            assert [one["messageId"] for one in ben.frames if one["type"] == "ROOM_ACTIVITY"] == [told["messageId"]]
