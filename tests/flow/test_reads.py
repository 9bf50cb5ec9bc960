"""What is unread: one number for lists, sockets and REST, and the messages behind it."""

import asyncio
from collections.abc import Callable

import pytest

from tests.world import Server, World


async def test_unread_counts_what_others_said_since_one_read(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    said = [(await world.rest("ada", "POST", f"{path}/messages", {"content": f"{n}"})).body["id"] for n in range(5)]
    assert (await world.rest("ben", "GET", path)).body["unread"] == 5
    assert (await world.rest("ada", "GET", path)).body["unread"] == 0
    read = await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[2]})
    assert read.body == {"last_read_message_id": said[2], "unread": 2, "mentions": 0}
    shown = (await world.rest("ben", "GET", path)).body
    assert (shown["unread"], shown["last_read_message_id"]) == (2, said[2])
    # The highest pos wins: an older device cannot turn it back.
    late = await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[0]})
    assert late.body == {"last_read_message_id": said[2], "unread": 2, "mentions": 0}


async def test_mark_unread_from_here_goes_back(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    said = [(await world.rest("ada", "POST", f"{path}/messages", {"content": f"{n}"})).body["id"] for n in range(4)]
    await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[-1]})
    back = await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[1], "unread": True})
    assert back.body["unread"] == 3
    why = (await world.rest("ben", "GET", f"{path}/unread/why")).body
    assert [message["id"] for message in why["messages"]] == said[1:]
    assert (await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[2]})).body["unread"] == 1


async def test_a_deleted_message_is_no_longer_unread(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    said = [(await world.rest("ada", "POST", f"{path}/messages", {"content": f"{n}"})).body["id"] for n in range(3)]
    assert (await world.rest("ben", "GET", path)).body["unread"] == 3
    await world.rest("ada", "DELETE", f"{path}/messages/{said[1]}")
    assert (await world.rest("ben", "GET", path)).body["unread"] == 2


@pytest.mark.rules
async def test_mentions_are_ids_of_participants(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    ben = await world.id("ben")
    async with world.connect("ada", chat) as ada:
        await ada.say(chat, "@ben in words only")
        named = await ada.say(chat, "hello ben", mentions=[ben])
        await ada.say(chat, "everybody", mentions=["all"])
        heard = await ada.expect("MESSAGE", messageId=named.body["messageId"])
        assert heard["mentions"] == [ben]
        assert (await ada.say(chat, "eve?", mentions=[await world.id("eve")])).code == "invalid_field"
    async with world.connect("cyd") as cyd:
        assert (await cyd.say(chat, "all?", mentions=["all"])).code == "forbidden"
    counts = [(await world.rest(name, "GET", f"/api/chats/{chat}")).body for name in ("ben", "cyd")]
    assert [(one["unread"], one["mentions"]) for one in counts] == [(3, 2), (3, 1)]


async def test_a_second_device_learns_what_the_first_read(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with (
        world.connect("ada", chat) as ada,
        world.connect("ben", chat) as phone,
        world.connect("ben") as laptop,
    ):
        sent = [await ada.say(chat, f"{n}") for n in range(3)]
        last = await phone.expect("MESSAGE", messageId=sent[1].body["messageId"])
        ack = await phone.ask("READ", roomId=chat, messageId=last["messageId"], pos=last["pos"])
        assert (ack.body["type"], ack.body["unread"]) == ("ACK", 1)
        told = await laptop.expect("ME", kind="read", roomId=chat)
        assert (told["messageId"], told["unread"], told["readPos"]) == (last["messageId"], 1, last["pos"])
        seen = await ada.expect("READ_POSITION", roomId=chat, userId=await world.id("ben"))
        assert seen["messageId"] == last["messageId"]
        assert "pos" not in seen
    shown = await world.until("ada", f"/api/chats/{chat}/read-positions", lambda body: body["positions"])
    positions = [(one["user_id"], one["message_id"]) for one in shown["positions"]]
    assert positions == [(await world.id("ben"), last["messageId"])]


async def test_who_hides_how_far_they_read_is_seen_by_nobody(world: World) -> None:
    chat = await world.chat(["ada", "hal", "ben"])
    path = f"/api/chats/{chat}"
    hal, ben = await world.id("hal"), await world.id("ben")
    assert (await world.rest("hal", "PATCH", "/api/me", {"shows_reads": "no"})).code == "invalid_field"
    assert (await world.rest("hal", "PATCH", "/api/me", {"shows_reads": False})).body["shows_reads"] is False
    async with world.connect("ada", chat) as ada:
        said = (await ada.say(chat, "who has read this?")).body["messageId"]
        for name in ("hal", "ben"):
            await world.rest(name, "PUT", f"{path}/read", {"message_id": said})
        # What is whispered keeps its order: if hal were told of, it would have been before ben.
        await ada.expect("READ_POSITION", userId=ben)
        assert not [one for one in ada.frames if one["type"] == "READ_POSITION" and one["userId"] == hal]

    async def readers(name: str) -> set[str]:
        return {one["user_id"] for one in (await world.rest(name, "GET", f"{path}/read-positions")).body["positions"]}

    await world.until("ada", f"{path}/read-positions", lambda shown: ben in str(shown))
    assert await readers("ada") == {ben}
    assert await readers("hal") == {hal, ben}
    await world.rest("hal", "PATCH", "/api/me", {"shows_reads": True})
    assert await readers("ada") == {hal, ben}


async def test_who_is_added_has_read_what_was_said_before(world: World) -> None:
    chat = await world.chat(["ada"])
    path = f"/api/chats/{chat}"
    for number in range(3):
        await world.rest("ada", "POST", f"{path}/messages", {"content": f"{number}"})
    await world.rest("ada", "POST", f"{path}/participants", {"user_id": await world.id("ben")})
    assert (await world.rest("ben", "GET", path)).body["unread"] == 0
    await world.rest("ada", "POST", f"{path}/messages", {"content": "welcome"})
    assert (await world.rest("ben", "GET", path)).body["unread"] == 1
    assert len(await world.history("ben", chat)) == 4


async def test_the_numbers_are_the_same_after_a_restart(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        path = f"/api/chats/{chat}"
        said = [(await world.rest("ada", "POST", f"{path}/messages", {"content": f"{n}"})).body["id"] for n in range(6)]
        await world.rest("ben", "PUT", f"{path}/read", {"message_id": said[1]})
        await world.restart()
        # Where processes share the groups they may still be meeting: the read is known once they have caught up.
        shown = await world.until("ben", path, lambda shown: shown["last_read_message_id"] == said[1])
        assert shown["unread"] == 4


async def test_at_most_a_hundred_are_counted(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        await asyncio.gather(*[ada.say(chat, f"{n}") for n in range(120)])
        last = await ada.say(chat, "last")
    path = f"/api/chats/{chat}/messages?limit=1&at_least={last.body['pos']}"
    await world.until("ben", path, lambda page: page["complete"])
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body["unread"] == 100
