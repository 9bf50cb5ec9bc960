"""Marks in texts: rendered once where a text is accepted, for sockets and REST, and gone with it."""

from tests.world import World

BOLD = "see *this*"
BOLD_HTML = "<p>see <em>this</em></p>"


async def test_everybody_gets_the_html_that_was_made_once(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    async with world.connect("ben", chat) as ben:
        posted = await world.rest("ada", "POST", path, {"content": BOLD, "nonce": "n-1"})
        assert (posted.status, posted.body["content"], posted.body["html"]) == (201, BOLD, BOLD_HTML)
        heard = await ben.expect("MESSAGE", messageId=posted.body["id"])
        assert (heard["content"], heard["html"]) == (BOLD, BOLD_HTML)
        said = await ben.say(chat, "`x`")
        assert (await ben.expect("MESSAGE", messageId=said.body["messageId"]))["html"] == "<p><code>x</code></p>"
        # A client's own html is no field of a message.
        forged = await world.rest("ada", "POST", path, {"content": "plain", "html": "<script>1</script>"})
        assert forged.body["html"] is None
        again = await world.rest("ada", "POST", path, {"content": BOLD, "nonce": "n-1"})
        assert (again.status, again.body["id"], again.body["html"]) == (200, posted.body["id"], BOLD_HTML)
    shown = await world.history("ben", chat)
    assert [message["html"] for message in shown] == [BOLD_HTML, "<p><code>x</code></p>", None]


async def test_an_edit_brings_its_own_html_and_a_delete_takes_it(world: World) -> None:
    chat = await world.chat(["ada"])
    path = f"/api/chats/{chat}/messages"
    async with world.connect("ada", chat) as ada:
        sent = await ada.say(chat, "plain")
        one = f"{path}/{sent.body['messageId']}"
        assert (await world.rest("ada", "PATCH", one, {"content": BOLD})).body["html"] == BOLD_HTML
        assert (await ada.expect("MESSAGE_EDITED", content=BOLD))["html"] == BOLD_HTML
        assert (await world.rest("ada", "PATCH", one, {"content": "plain again"})).body["html"] is None
        assert "html" not in await ada.expect("MESSAGE_EDITED", content="plain again")
        await world.rest("ada", "PATCH", one, {"content": BOLD})
        assert (await world.rest("ada", "DELETE", one)).body["html"] is None
        assert (await world.rest("ada", "GET", one)).body["html"] is None


async def test_the_search_looks_at_the_text(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        await ada.say(chat, "the **wombat** [sleeps](https://a.b)")
    at = f"/api/search/messages?chat={chat}&q="
    # Acked before any other process has heard of it.
    await world.until("ada", f"{at}wombat", lambda body: body["messages"])
    for word, found in (("sleeps", 1), ("noopener", 0), ("strong", 0)):
        assert len((await world.rest("ada", "GET", f"{at}{word}")).body["messages"]) == found, word
