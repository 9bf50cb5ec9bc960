"""Link previews: what linked pages say is shown to all in the chat, where it wants that, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest

from tests.receiver import Site, site
from tests.staff import Staff
from tests.world import PREVIEWING, Frame, Server, World, in_time, manage

# A site for each test: of one host only so many pages are read in a minute.
_hosts = (f"127.0.1.{number}" for number in count(1))


@pytest.fixture
async def pages() -> AsyncIterator[Site]:
    """A site with a page."""
    async with site(next(_hosts)) as pages:
        put(pages, "/tea", "Tea")
        yield pages


def put(pages: Site, path: str, title: str) -> str:
    """Put a page there; answers its address."""
    about = f"<meta name=description content='About {title}.'><meta property=og:site_name content='A site'>"
    return pages.put(path, f"<title>{title}</title>{about}<p>and more")


def shown(url: str, title: str) -> Frame:
    """The preview of such a page, as REST shows it."""
    return {"url": url, "title": title, "description": f"About {title}.", "site": "A site"}


async def wanting(world: World, *names: str) -> str:
    """The id of a new chat of ada's that wants previews."""
    chat = await world.chat(["ada", *names])
    changed = await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"link_previews": True})
    assert changed.body["link_previews"] is True
    return chat


async def say(world: World, name: str, chat: str, text: str, **more: Any) -> str:
    """The path of what somebody says."""
    said = await world.rest(name, "POST", f"/api/chats/{chat}/messages", {"content": text, **more})
    assert said.status == 201, said.body
    assert said.body["previews"] == []
    return f"/api/chats/{chat}/messages/{said.body['id']}"


async def previews(world: World, name: str, path: str) -> list[Frame]:
    """The previews of a message, as soon as there are some."""
    found: list[Frame] = (await world.until(name, path, lambda body: body["previews"]))["previews"]
    return found


async def test_what_a_link_leads_to_is_told_to_all_and_read_once(world: World, pages: Site) -> None:
    chat, url = await wanting(world, "ben", "cyd"), pages.url + "/tea"
    async with world.connect("cyd", chat) as cyd:
        path = await say(world, "ben", chat, f"see **this**: {url}")
        told = await cyd.expect("PREVIEWS", messageId=path.rpartition("/")[2])
        said = await cyd.expect("MESSAGE", messageId=told["messageId"])
        assert (told["previews"], told["textVersion"]) == ([shown(url, "Tea")], said["version"])
        assert told["pos"] > said["pos"]
    assert (await world.rest("ada", "GET", path)).body["previews"] == [shown(url, "Tea")]
    assert (await world.history("ben", chat))[-1]["previews"] == [shown(url, "Tea")]
    again = await say(world, "ada", chat, f"{url}#part {url} {pages.url}/no-page")
    assert [one["url"] for one in await previews(world, "ben", again)] == [f"{url}#part", url]
    assert pages.asked.count("/tea") == 1, "a page is read once a day, whoever links it"
    assert pages.heads[0]["user-agent"] == "chatsite-link-preview"
    assert not {"cookie", "referer", "authorization"} & pages.heads[0].keys()
    assert (await world.rest("eve", "GET", path)).code == "not_found"


async def test_nothing_is_read_but_where_the_chat_wants_it(world: World, pages: Site) -> None:
    chat = await world.chat(["ada", "ben"])
    at = f"/api/chats/{chat}"
    assert (await world.rest("ada", "GET", at)).body["link_previews"] is False
    wrongs: tuple[Any, ...] = ("yes", 1, None, [])
    for wrong in wrongs:
        assert (await world.rest("ada", "PATCH", at, {"link_previews": wrong})).code == "invalid_field", wrong
    assert (await world.rest("ben", "PATCH", at, {"link_previews": True})).code == "forbidden"
    await say(world, "ben", chat, pages.url + "/before")
    async with world.connect("ben", chat) as ben:
        await world.rest("ada", "PATCH", at, {"link_previews": True})
        assert (await ben.expect("ROOM", change="updated"))["chat"]["link_previews"] is True
    await say(world, "ben", chat, f"||{pages.url}/spoiler|| and `{pages.url}/code`")
    copied = await say(world, "ben", chat, pages.url + "/tea")
    await previews(world, "ada", copied)
    forwarded = await world.rest("ben", "POST", f"{copied}/forward", {"to": [chat]})
    copy = forwarded.body["results"][0]["message"]
    await world.rest("ada", "PATCH", at, {"link_previews": False})
    await say(world, "ben", chat, pages.url + "/after")
    await world.rest("ada", "PATCH", at, {"link_previews": True})
    await previews(world, "ada", await say(world, "ben", chat, put(pages, "/last", "Last")))
    assert pages.asked == ["/tea", "/last"]
    assert (await world.rest("ada", "GET", f"{at}/messages/{copy['id']}")).body["previews"] == []


async def test_an_edit_shows_what_it_links_and_nothing_of_before(world: World, pages: Site) -> None:
    chat, milk = await wanting(world, "ben"), put(pages, "/milk", "Milk")
    path = await say(world, "ben", chat, pages.url + "/tea")
    await previews(world, "ada", path)
    edited = await world.rest("ben", "PATCH", path, {"content": f"rather {milk}"})
    assert edited.body["previews"] == [], "what was there is gone at once"
    assert await previews(world, "ada", path) == [shown(milk, "Milk")]
    await world.rest("ben", "PATCH", path, {"content": "rather nothing"})
    assert (await world.rest("ada", "GET", path)).body["previews"] == []
    assert (await world.history("ada", chat))[-1]["previews"] == []


async def test_the_sender_or_a_moderator_takes_them_away_for_good(world: World, pages: Site) -> None:
    chat, url = await wanting(world, "ben", "cyd"), pages.url + "/tea"
    first, second = await say(world, "ben", chat, url), await say(world, "ben", chat, url)
    for path in (first, second):
        await previews(world, "ada", path)
    assert (await world.rest("cyd", "DELETE", f"{first}/previews")).code == "forbidden"
    assert (await world.rest("eve", "DELETE", f"{first}/previews")).code == "not_found"
    async with world.connect("cyd", chat) as cyd:
        for name, path in (("ben", first), ("ada", second)):
            for _ in range(2):
                gone = await world.rest(name, "DELETE", f"{path}/previews")
                assert (gone.status, gone.body["previews"]) == (200, [])
            await cyd.expect("PREVIEWS", messageId=path.rpartition("/")[2], previews=[])
        await world.rest("ben", "PATCH", first, {"content": f"once more {url}"})
        later = await say(world, "ada", chat, url)
        await cyd.expect("PREVIEWS", messageId=later.rpartition("/")[2])
        assert len([one for one in cyd.frames if one["type"] == "PREVIEWS"]) == 3
    assert (await world.rest("cyd", "GET", first)).body["previews"] == []


async def test_what_is_deleted_shows_nothing_and_a_receipt_counts_it(world: World, pages: Site) -> None:
    chat, url = await wanting(world, "ben"), pages.url + "/tea"
    gone, stays = await say(world, "ben", chat, url), await say(world, "ben", chat, url)
    for path in (gone, stays):
        await previews(world, "ada", path)
    assert (await world.rest("ben", "DELETE", gone)).body["previews"] == []
    assert (await world.rest("ben", "DELETE", f"{gone}/previews")).code == "conflict"
    # The group that drops the rows writes the newest message with them.
    await world.until("ada", f"/api/chats/{chat}", lambda body: body["last_message"])
    last = await say(world, "ada", chat, "bye")
    newest = last.rpartition("/")[2]
    await world.until("ada", f"/api/chats/{chat}", lambda body: body["last_message"]["id"] == newest)
    receipt = await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")
    assert receipt.body["counts"]["linkpreviews"] == 1


async def test_what_cannot_be_read_shows_nothing_and_is_not_asked_again(world: World, pages: Site) -> None:
    chat = await wanting(world, "ben")
    redirect = pages.redirect("/away", "http://192.168.0.1/")
    await say(world, "ben", chat, f"{pages.url}/nothing {redirect} http://10.0.0.1/")
    last = await say(world, "ben", chat, f"{pages.url}/nothing {redirect} {pages.url}/tea")
    assert await previews(world, "ada", last) == [shown(pages.url + "/tea", "Tea")]
    assert sorted(pages.asked) == ["/away", "/nothing", "/tea"]


async def test_of_one_site_only_so_many_pages_are_read_in_a_minute(world: World, pages: Site) -> None:
    chat = await wanting(world, "ben")
    for number in range(8):
        links = [put(pages, f"/{number}-{link}", f"Page {number} {link}") for link in range(3)]
        await say(world, "ben", chat, " ".join(links))
    async with site(next(_hosts)) as other:
        await previews(world, "ada", await say(world, "ben", chat, put(other, "/tea", "Tea")))
    first, *_ = await world.history("ada", chat)
    assert len(await previews(world, "ada", f"/api/chats/{chat}/messages/{first['id']}")) == 3
    # Six messages, the first of the seventh, and what may begin at the same moment.
    assert 18 <= len(pages.asked) <= 21


async def test_rules_of_staff_judge_what_pages_say(world: World, pages: Site) -> None:
    staff, chat = Staff(world), await wanting(world, "ben")
    await staff.log_in()
    for deed, word in (("mask", "wombats"), ("refuse", "axolotl")):
        assert "was added successfully" in await staff.rule("word", deed, word, chat=chat)
    await staff.browser.aclose()
    refused, masked = put(pages, "/refused", "An axolotl"), put(pages, "/masked", "Of wombats")
    path = await say(world, "ben", chat, f"{refused} {masked}")
    [preview] = await previews(world, "ada", path)
    assert (preview["title"], preview["description"]) == ("Of *******", "About Of *******.")


async def replay(server: Server, group: str) -> None:
    """Replay a group once nobody holds it: where several run them, one that was killed does so for some seconds."""
    async with in_time(f"{group} is replayed"):
        while True:
            try:
                await asyncio.to_thread(manage, server.folder, "project", "--replay", group, environment=PREVIEWING)
            except RuntimeError as error:
                if "is running" not in str(error):
                    raise
            else:
                return


async def test_they_survive_a_kill_and_a_replay_reads_nothing_again(
    make_server: Callable[..., Server], pages: Site
) -> None:
    async with World(server := make_server(environment=PREVIEWING)) as world:
        chat = await wanting(world, "ben")
        path = await say(world, "ben", chat, pages.url + "/tea")
        await previews(world, "ada", path)
        removed = await say(world, "ben", chat, put(pages, "/milk", "Milk"))
        await previews(world, "ada", removed)
        await world.rest("ben", "DELETE", f"{removed}/previews")
        history = await world.history("ada", chat)
        await world.restart()
        assert await world.history("ada", chat) == history
        await asyncio.to_thread(server.stop)
        for group in ("history-writers", "previews", "link-previews"):
            await replay(server, group)
        await asyncio.to_thread(server.start)
        await previews(world, "ada", await say(world, "ben", chat, put(pages, "/last", "Last")))
        assert (await world.history("ada", chat))[: len(history)] == history
        assert pages.asked == ["/tea", "/milk", "/last"]


async def test_where_they_are_switched_off_no_chat_can_have_them(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat = await world.chat(["ada"])
        refused = await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"link_previews": True, "name": "other"})
        assert (refused.status, refused.code) == (501, "not_supported")
        kept = (await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"link_previews": False})).body
        assert (kept["link_previews"], kept["name"] == "other") == (False, False)
        with pytest.raises(RuntimeError, match="There is no group link-previews"):
            await asyncio.to_thread(manage, server.folder, "project", "link-previews")
