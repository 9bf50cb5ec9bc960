"""Reactions: who gave which message which emoji, for everybody, and counted once."""

import asyncio
from urllib.parse import quote

import pytest

from tests.world import Device, Frame, World

KINDS = [chr(0x1F600 + n) for n in range(51)]


def given(message: Frame) -> dict[str, tuple[int, bool]]:
    """The reactions of a message: of each emoji how often, and whether by the viewer."""
    return {one["emoji"]: (one["count"], one["me"]) for one in message["reactions"]}


async def shown(world: World, name: str, chat: str, message: str) -> dict[str, tuple[int, bool]]:
    """The reactions of a message as its chat's history shows them, and the message itself too."""
    (listed,) = [one for one in await world.history(name, chat) if one["id"] == message]
    alone = (await world.rest(name, "GET", f"/api/chats/{chat}/messages/{message}")).body
    assert given(listed) == given(alone)
    return given(alone)


async def react(device: Device, chat: str, message: str, emoji: str = "👍", *, type_: str = "REACT") -> str | None:
    """Give an emoji, or take it back; answers the error code."""
    return (await device.ask(type_, roomId=chat, messageId=message, emoji=emoji)).code


async def test_a_reaction_reaches_everybody_and_history(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        message = (await ada.say(chat, "done")).body["messageId"]
        answer = await ben.ask("REACT", roomId=chat, messageId=message, emoji="👍")
        assert answer.body["type"] == "ACK"
        heard = await ada.expect("REACTION", messageId=message)
        assert (heard["userId"], heard["emoji"], heard["active"], heard["count"]) == (
            await world.id("ben"),
            "👍",
            True,
            1,
        )
        assert (heard["version"], heard["pos"]) == (answer.body["version"], answer.body["pos"])
        assert await shown(world, "ben", chat, message) == {"👍": (1, True)}
        assert await shown(world, "ada", chat, message) == {"👍": (1, False)}
        assert await react(ada, chat, message) is None
        assert await react(ben, chat, message, type_="UNREACT") is None
        assert await shown(world, "ada", chat, message) == {"👍": (1, True)}
        heard_all = await ben.heard_until(chat, lambda heard: len(heard) == 4)
        assert [(one["active"], one["count"]) for one in heard_all[1:]] == [(True, 1), (True, 2), (False, 1)]


async def test_reactions_over_rest_and_who_gave_them(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    message = (await world.rest("ada", "POST", path, {"content": "lunch?"})).body["id"]
    heart = f"{path}/{message}/reactions/{quote('❤')}"
    answer = await world.rest("ben", "PUT", heart)
    assert answer.status == 200
    ben = await world.id("ben")
    assert answer.body["reactions"] == [{"emoji": "❤️", "count": 1, "me": True, "user_ids": [ben]}], (
        "in its one spelling"
    )
    assert given((await world.rest("ada", "PUT", heart)).body) == {"❤️": (2, True)}
    who = (await world.rest("ada", "GET", f"{path}/{message}/reactions")).body["reactions"]
    assert [(one["emoji"], sorted(user["username"] for user in one["users"])) for one in who] == [("❤️", ["ada", "ben"])]
    assert given((await world.rest("ben", "DELETE", f"{path}/{message}/reactions/{quote('❤️')}")).body) == {
        "❤️": (1, False)
    }
    assert given((await world.rest("ben", "DELETE", heart)).body) == {"❤️": (1, False)}, "it was taken back before"
    why = (await world.rest("ben", "GET", f"/api/chats/{chat}/unread/why")).body["messages"]
    assert [given(one) for one in why] == [{"❤️": (1, False)}]


@pytest.mark.rules
async def test_what_is_no_emoji_and_the_51st_are_refused(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada:
        message = (await ada.say(chat, "popular")).body["messageId"]
        for nonsense in ("", "a", "👍👍", "1", "👍 ", "\u200d", "<b>", "x" * 9_000, "\x00"):
            assert await react(ada, chat, message, nonsense) == "invalid_field", nonsense
        for emoji in KINDS[:50]:
            assert await react(ada, chat, message, emoji) is None
        assert await react(ada, chat, message, KINDS[50]) == "conflict"
        async with world.connect("ben") as ben:
            assert await react(ben, chat, message, KINDS[0]) is None, "one that is there takes no room"
        assert await react(ada, chat, message, KINDS[49], type_="UNREACT") is None
        assert await react(ada, chat, message, KINDS[50]) is None
        assert len(await shown(world, "ada", chat, message)) == 50


@pytest.mark.rules
async def test_who_may_react_to_what(world: World) -> None:
    chat, other = await world.chat(["ada", "ben"]), await world.chat(["ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("eve") as eve:
        message = (await ada.say(chat, "hello")).body["messageId"]
        assert await react(eve, chat, message) == "not_found"
        assert await react(ben, other, message) == "not_found"
        assert await react(ben, chat, "12") == "not_found"
        assert await react(ben, chat, message) is None
        await world.rest(
            "ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('ben')}",
            {"muted_until": "2090-01-01T00:00:00Z"},
        )  # fmt: skip
        await ben.expect("MEMBER", change="muted")
        assert await react(ben, chat, message, "🎉") == "muted"
        assert await react(ben, chat, message, type_="UNREACT") is None
        await ada.ask("DELETE_MESSAGE", roomId=chat, messageId=message)
        assert await react(ada, chat, message) == "conflict"
        assert await shown(world, "ada", chat, message) == {}
        await world.rest("ada", "DELETE", f"/api/chats/{chat}")
        await ada.expect("ROOM", change="archived")
        assert await react(ada, chat, message) == "archived"


@pytest.mark.rules
async def test_in_an_announcement_chat_one_reacts_where_one_may_not_post(world: World) -> None:
    people = [await world.id("ben")]
    body = {"chat_type": "announcement", "name": "News", "participants": people}
    chat = (await world.rest("ada", "POST", "/api/chats", body)).body["id"]
    message = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "we won"})).body["id"]
    async with world.connect("ben", chat) as ben:
        assert (await ben.say(chat, "hooray")).code == "read_only"
        assert await react(ben, chat, message, "🎉") is None


async def test_many_at_once_are_counted_alike_by_all(world: World) -> None:
    names = ["ada", "ben", "cyd", "dan", "eve", "fay"]
    chat = await world.chat(names)
    path = f"/api/chats/{chat}/messages"
    message = (await world.rest("ada", "POST", path, {"content": "all of you"})).body["id"]
    async with world.connect("ada", chat) as ada:
        like = f"{path}/{message}/reactions/{quote('👍')}"
        await asyncio.gather(*[world.rest(name, "PUT", like) for name in names])
        heard = await ada.heard_until(chat, lambda heard: len([f for f in heard if f["type"] == "REACTION"]) == 6)
        assert {frame["userId"] for frame in heard if frame["type"] == "REACTION"} == {
            await world.id(name) for name in names
        }
        for name in names:
            assert await shown(world, name, chat, message) == {"👍": (6, True)}


async def test_reactions_count_as_nothing_unread(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada, world.connect("ben", chat) as ben:
        message = (await ben.say(chat, "hello")).body["messageId"]
        await ada.ask("REACT", roomId=chat, messageId=message, emoji="👍")
        await ben.expect("REACTION", messageId=message)
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body["unread"] == 0


async def test_reactions_go_with_their_chat(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        await react(ada, chat, (await ada.say(chat, "for now")).body["messageId"])
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).body["id"]
    gone = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
    assert gone["counts"]["message_reactions"] == 1
