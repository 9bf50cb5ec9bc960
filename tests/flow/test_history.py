"""History by every cursor, folded over, in full."""

import asyncio
from collections.abc import Callable

import pytest

from chatsite.kernel.events import iso
from chatsite.kernel.ids import unix_ms_of
from tests.world import Server, World


@pytest.fixture
async def told(world: World) -> tuple[str, list[str]]:
    """A chat of 25 messages, and their ids."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        acks = [await ada.say(chat, f"{number}") for number in range(25)]
    return chat, [ack.body["messageId"] for ack in acks]


async def page(world: World, chat: str, query: str) -> tuple[list[str], bool, bool]:
    """The ids of a page, and whether there is more on either side."""
    body = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages?{query}")).body
    return [message["id"] for message in body["messages"]], body["has_before"], body["has_after"]


async def test_every_cursor(world: World, told: tuple[str, list[str]]) -> None:
    chat, ids = told
    assert await page(world, chat, "limit=10") == (ids[15:], True, False)
    assert await page(world, chat, f"limit=10&before={ids[15]}") == (ids[5:15], True, True)
    assert await page(world, chat, f"limit=10&before={ids[5]}") == (ids[:5], False, True)
    assert await page(world, chat, f"limit=10&after={ids[4]}") == (ids[5:15], True, True)
    assert await page(world, chat, f"limit=30&after={ids[4]}") == (ids[5:], True, False)
    assert await page(world, chat, f"limit=10&around={ids[12]}") == (ids[7:17], True, True)
    assert await page(world, chat, f"limit=1&around={ids[12]}") == ([ids[12]], True, True)
    assert await page(world, chat, "limit=10&after=-9223372036854775808") == (ids[:10], False, True)
    assert await page(world, chat, f"limit=10&after={ids[-1]}") == ([], True, False)
    moment = iso(unix_ms_of(int(ids[20])))
    assert ids[20] in (await page(world, chat, f"limit=10&at={moment}"))[0]
    assert (await page(world, chat, "limit=10&at=2001-01-01"))[0][0] == ids[0]


@pytest.mark.rules
async def test_pages_are_linked(world: World, told: tuple[str, list[str]]) -> None:
    chat, ids = told
    answer = await world.rest("ben", "GET", f"/api/chats/{chat}/messages?limit=10&before={ids[15]}")
    assert f"before={ids[5]}&limit=10" in answer.headers["link"]
    assert f"after={ids[14]}&limit=10" in answer.headers["link"]
    assert answer.headers["cache-control"] == "private, no-store"


async def test_what_is_just_acked_is_in_the_next_page(world: World) -> None:
    """Reads fold recent events over the store, so they never wait for it."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        for number in range(30):
            ack = await ada.say(chat, f"{number}")
            body = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages?at_least={ack.body['pos']}")).body
            assert body["messages"][-1]["id"] == ack.body["messageId"]
            assert body["complete"]


@pytest.mark.rules
async def test_a_nonce_is_shown_to_its_sender_alone(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    sent = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "x", "nonce": "mine"})
    assert sent.body["nonce"] == "mine"
    assert (await world.history("ben", chat))[0]["nonce"] is None


@pytest.mark.rules
async def test_a_message_of_another_chat_is_not_found(world: World, told: tuple[str, list[str]]) -> None:
    other = await world.chat(["ben"])
    assert (await world.rest("ben", "GET", f"/api/chats/{other}/messages/{told[1][0]}")).code == "not_found"
    assert (await world.rest("ben", "GET", f"/api/chats/{other}/messages/x")).code == "invalid_field"


async def test_equal_reads_at_once_agree(world: World, told: tuple[str, list[str]]) -> None:
    chat, ids = told
    pages = await asyncio.gather(*[page(world, chat, "limit=25") for _ in range(10)])
    assert all(found == (ids, False, False) for found in pages)


async def test_while_the_store_is_away_recent_messages_are_shown(make_server: Callable[..., Server]) -> None:
    async with World(make_server(bug="store_away")) as world:
        world.is_patient = False
        chat = await world.chat(["ada", "ben"])
        path = f"/api/chats/{chat}/messages"
        assert (await world.rest("ben", "GET", path)).code == "store_unavailable"
        async with world.connect("ada", chat) as ada:
            said = [(await ada.say(chat, f"{n}")).body["messageId"] for n in range(3)]
        page = await world.until("ben", path, lambda page: len(page.get("messages", [])) == 3)
        assert [one["id"] for one in page["messages"]] == said
        assert (page["complete"], page["has_before"]) == (False, True)
        assert (await world.rest("ben", "GET", f"{path}?before={said[0]}")).code == "store_unavailable"
