"""Search: only one's own chats, what they say now, and how far the index is."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.inside import looking_into
from tests.world import Answer, Server, World, manage


async def asked(world: World, name: str, q: str, **more: Any) -> Answer:
    """What a search answers."""
    query = "&".join(f"{key}={quote(str(value))}" for key, value in {"q": q, **more}.items())
    return await world.rest(name, "GET", f"/api/search/messages?{query}")


async def found(world: World, name: str, q: str, **more: Any) -> list[str]:
    """The texts that somebody finds, newest first."""
    answer = await asked(world, name, q, **more)
    assert answer.status == 200, answer
    assert answer.body["chats_not_indexed"] == []
    return [message["content"] for message in answer.body["messages"]]


async def indexed(world: World, name: str) -> None:
    """Wait until the index has everything of somebody's chats."""
    await world.until(name, "/api/search/messages?q=nothing", lambda body: body["lag_seconds"] == 0)


async def said(world: World, name: str, chat: str, *texts: str) -> list[str]:
    """Somebody says something; answers the ids."""
    path = f"/api/chats/{chat}/messages"
    return [(await world.rest(name, "POST", path, {"content": text})).body["id"] for text in texts]


@pytest.mark.parametrize("when", ["before it is indexed", "once it is indexed"])
async def test_words_of_every_script_are_found(world: World, when: str) -> None:
    chat = await world.chat(["ada", "ben"])
    texts = {
        "tea": "Green tea",
        "東": "東京へ",
        "京へ": "東京へ",
        "ひら": "ひらがな",
        "국어": "한국어를",
        "соба*": "Собака",
        "كتاب": "هذا كِتاب",
        '"green tea"': "Green tea",
    }
    await said(world, "ada", chat, *dict.fromkeys(texts.values()))
    if when == "once it is indexed":
        await indexed(world, "ben")
    assert {q: await found(world, "ben", q, chat=chat) for q in texts} == {q: [text] for q, text in texts.items()}


async def test_only_who_is_in_a_chat_finds_what_it_says(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    await said(world, "ada", chat, "the xylophone")
    await indexed(world, "ben")
    await world.rest("cyd", "POST", f"/api/chats/{chat}/leave")
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('ben')}")
    assert await found(world, "ada", "xylophone") == ["the xylophone"]
    for name in ("ben", "cyd", "eve", "zoe"):
        assert await found(world, name, "xylophone") == []
        assert (await asked(world, name, "xylophone", chat=chat)).code == "invalid_field"
    assert (await world.rest(None, "GET", "/api/search/messages?q=xylophone")).status == 401


@pytest.mark.parametrize("when", ["before it is indexed", "once it is indexed"])
async def test_a_text_that_is_gone_is_not_found(world: World, when: str) -> None:
    chat = await world.chat(["ada", "ben"])
    changed, gone = await said(world, "ada", chat, "old walrus", "another walrus")
    if when == "once it is indexed":
        await indexed(world, "ben")
    path = f"/api/chats/{chat}/messages"
    assert (await world.rest("ada", "PATCH", f"{path}/{changed}", {"content": "new penguin"})).status == 200
    assert (await world.rest("ada", "DELETE", f"{path}/{gone}")).status == 200
    assert await found(world, "ben", "walrus") == []
    assert await found(world, "ben", "penguin", chat=chat) == ["new penguin"]
    await indexed(world, "ben")
    assert await found(world, "ben", "walrus") == []
    assert await found(world, "ben", "penguin from:ada", chat=chat) == ["new penguin"]


async def test_filters_narrow_it_down(world: World) -> None:
    kitchen = await world.chat(["ada", "ben"])
    office = (
        await world.rest("ada", "POST", "/api/chats", {"chat_type": "group", "name": "The Office", "participants": []})
    ).body["id"]
    await said(world, "ada", kitchen, "quokka one", "quokka https://two.example")
    await said(world, "ben", kitchen, "quokka three")
    await said(world, "ada", office, "quokka four")
    await indexed(world, "ada")
    one, two, three, four = "quokka one", "quokka https://two.example", "quokka three", "quokka four"
    expected = {
        "quokka": [four, three, two, one],
        "quokka -three": [four, two, one],
        "quokka from:ben": [three],
        "quokka from:me": [four, two, one],
        "quokka -from:ben": [four, two, one],
        "quokka is:mine": [four, two, one],
        'quokka in:"the office"': [four],
        f"quokka in:{kitchen}": [three, two, one],
        'quokka -in:"The Office"': [three, two, one],
        "quokka has:link": [two],
        "quokka -has:link": [four, three, one],
        "quokka after:2020-01-01": [four, three, two, one],
        "quokka before:2020-01-01": [],
    }
    assert {q: await found(world, "ada", q) for q in expected} == expected
    ben = await world.id("ben")
    assert await found(world, "ada", "quokka", **{"from": ben}) == [three]
    assert await found(world, "ada", "quokka", chat=office) == [four]
    assert await found(world, "ada", "quokka", has="link") == [two]
    assert await found(world, "ada", "quokka", after="2020-01-01", before="2020-01-02") == []


async def test_a_long_answer_comes_in_pages_however_far_the_index_is(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    await said(world, "ada", chat, *[f"narwhal {number}" for number in range(6)])
    await indexed(world, "ben")
    await said(world, "ada", chat, *[f"narwhal {number}" for number in range(6, 9)])
    texts, cursor = [], None
    while True:
        page = await asked(world, "ben", "narwhal", chat=chat, limit=2, **({"cursor": cursor} if cursor else {}))
        texts += [message["content"] for message in page.body["messages"]]
        if (cursor := page.body["next"]) is None:
            break
        assert 'rel="next"' in page.headers["link"]
    assert texts == [f"narwhal {number}" for number in range(8, -1, -1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("?q=%F0%9F%92%A5", "q"),
        ("?q=" + "x" * 10_000, "q"),
        ("?q=" + "x%20" * 100, "q"),
        ("?q=from:nobody", "q"),
        ("?q=in:nowhere", "q"),
        ("?q=has:image", "q"),
        ("?q=x&after=soon", "after"),
        ("?q=x&chat=nowhere", "chat"),
        ("?q=x&from=nobody", "from"),
        ("?q=x&has=video", "has"),
        ("?q=x&cursor=top", "cursor"),
        ("?q=x&limit=51", "limit"),
    ],
)
@pytest.mark.rules
async def test_what_cannot_be_looked_for_is_refused(world: World, query: str, field: str) -> None:
    answer = await world.rest("ada", "GET", f"/api/search/messages{query}")
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert answer.body["errors"][0]["field"] == field


@pytest.mark.embedded
async def test_what_the_index_lost_comes_back_from_log_and_store(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat, gone = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
        changed, deleted, _ = await said(world, "ada", chat, "old walrus", "a dead walrus", "live walrus")
        await said(world, "ada", gone, "erased walrus")
        await indexed(world, "ada")
        await world.rest("ada", "PATCH", f"/api/chats/{chat}/messages/{changed}", {"content": "a penguin"})
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{deleted}")
        receipt = (await world.rest("ada", "DELETE", f"/api/chats/{gone}?hard=true")).body["id"]
        body = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
        assert body["counts"]["messages_search"] >= 0
        await asyncio.to_thread(server.stop)
        for again in (["project", "--replay", "search"], ["backfill_search", "--anew"], ["backfill_search"]):
            await asyncio.to_thread(manage, server.folder, *again)
            await asyncio.to_thread(server.start)
            with looking_into(server.folder) as inside:
                await asyncio.to_thread(inside.ask, "finished")
                assert inside.ask("searched", gone) == 0
                assert inside.ask("searched", chat) >= 2
            assert await found(world, "ada", "walrus") == ["live walrus"]
            assert await found(world, "ada", "penguin from:ada") == ["a penguin"]
            await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)


@pytest.mark.embedded
async def test_it_can_be_switched_off(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server(environment={"CHAT_SEARCH": "off"})) as world:
        chat = await world.chat(["ada", "ben"])
        await said(world, "ada", chat, "walrus")
        answer = await world.rest("ada", "GET", "/api/search/messages?q=walrus")
        assert (answer.status, answer.code) == (501, "not_supported")
        with looking_into(server.folder) as inside:
            await asyncio.to_thread(inside.ask, "finished")
            assert inside.ask("searched", chat) == 0
