"""Stories of people at the page: they talk, lose the server, look back, and sign in and out."""

import json
import re

import httpx
import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import SERVER_AWAY, Window

pytestmark = [*IN_A_BROWSER]

UNAUTHORIZED = "status of 401"


async def test_two_people_talk(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)

    await ada.say("The kettle is fixed.")
    await ben.sees("The kettle is fixed.")
    await ben.say("Who do I thank?\nhttps://example.org/fuse")
    await expect(ada.page.get_by_role("link", name="https://example.org/fuse", exact=True)).to_be_visible()

    for window in (ada, ben):
        assert await window.texts() == ["The kettle is fixed.", "Who do I thank?\nhttps://example.org/fuse"]
    await expect(ben.messages("The kettle is fixed.")).to_contain_text("Ada")
    await expect(ada.page.get_by_test_id(f"chat-{chat}")).to_contain_text("Ben: Who do I thank?")


@pytest.mark.own_server
async def test_a_chat_one_does_not_look_at_shows_that_it_has_news(served: Served, open_window: OpenWindow) -> None:
    open_chat = await served.chat(["ada", "ben"], name="Open")
    other = await served.chat(["ada", "ben"], name="Other")
    ada = await open_window("ada")
    await ada.open_chat(open_chat)
    await ada.is_connected()

    await served.write(other, author="ben", texts=["Are you there?"])
    news = ada.page.get_by_test_id(f"chat-{other}").get_by_label("1 unread")
    await expect(news).to_be_visible()
    await expect(ada.page).to_have_title("(1) Open · Chat")
    await ada.open_chat(other)
    await expect(news).to_have_count(0)
    await expect(ada.page).to_have_title("Other · Chat")


@pytest.mark.own_server
async def test_what_is_sent_while_the_server_is_down_arrives_once(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada, ben = await open_window("ada", expected=SERVER_AWAY), await open_window("ben", expected=SERVER_AWAY)
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()

    served.stop()
    await ada.is_connected("waiting")
    await ada.say("Anybody?")
    await ada.say("Hello?")
    await ada.sees("Hello?", status="pending")
    served.start()

    for window in (ada, ben):
        await window.sees("Hello?")
        assert await window.texts() == ["Anybody?", "Hello?"]
    assert [message["content"] for message in await served.history("ben", chat)] == ["Anybody?", "Hello?"]


@pytest.mark.own_server
async def test_what_was_not_sent_survives_closing_the_page(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await open_window("ada", expected=SERVER_AWAY)
    await ada.open_chat(chat)
    await ada.is_connected()

    served.stop()
    await ada.say("Remember me.")
    await ada.sees("Remember me.", status="pending")
    await ada.page.close()
    served.start()

    again = await Window.open(ada.page.context, served.url, at=f"#/chat/{chat}")
    await again.sees("Remember me.")
    assert [message["content"] for message in await served.history("ben", chat)] == ["Remember me."]
    assert again.problems == []


async def test_a_send_whose_answer_is_lost_arrives_once(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await open_window()
    tries: list[dict[str, object]] = []

    async def lose_the_first_answer(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_server(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "SEND_MESSAGE":
                tries.append(frame)
            server.send(text)

        async def to_page(text: str | bytes) -> None:
            if json.loads(text)["type"] in ("ACK", "MESSAGE") and len(tries) == 1:
                await socket.close(code=1001)
                return
            socket.send(text)

        socket.on_message(to_server)
        server.on_message(to_page)

    await ada.page.route_web_socket("**/ws/chat/", lose_the_first_answer)
    await ada.page.reload()
    await ada.sign_in("ada", served.people["ada"])
    await ada.open_chat(chat)
    await ada.is_connected()
    await ada.say("Once.")

    await expect(ada.messages("Once.", status="sent")).to_have_count(1)
    await ada.is_connected()
    await ada.say("After it.")
    await ada.sees("After it.")
    assert await ada.texts() == ["Once.", "After it."]
    assert [message["content"] for message in await served.history("ben", chat)] == ["Once.", "After it."]
    assert len({frame["nonce"] for frame in tries if frame["content"] == "Once."}) == 1


async def test_a_refused_message_says_why_and_can_be_sent_again(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await open_window()
    refusals = ["Once more, please.", "Not today."]

    async def refuse(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_server(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "SEND_MESSAGE" and refusals:
                error = {"code": "read_only", "message": refusals.pop(0), "retryable": False}
                socket.send(json.dumps({"type": "ERROR", "ref": frame["ref"], "nonce": frame["nonce"]} | error))
            else:
                server.send(text)

        socket.on_message(to_server)

    await ada.page.route_web_socket("**/ws/chat/", refuse)
    await ada.page.reload()
    await ada.sign_in("ada", served.people["ada"])
    await ada.open_chat(chat)
    await ada.is_connected()

    await ada.say("One")
    await ada.sees("One", status="failed")
    await expect(ada.messages("One")).to_contain_text("Once more, please.")
    await ada.say("Two")
    await ada.sees("Two", status="failed")
    await ada.messages("Two").get_by_test_id("discard").click()
    await expect(ada.messages("Two")).to_have_count(0)
    await ada.messages("One").get_by_test_id("retry").click()
    await ada.sees("One")
    assert [message["content"] for message in await served.history("ben", chat)] == ["One"]


async def test_history_loads_as_one_scrolls_and_keeps_ones_place(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    texts = [f"line {number}" for number in range(420)]
    await served.write(chat, author="ben", texts=texts)
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.sees("line 419")
    assert await ada.texts() == texts[-50:]

    await ada.scroll_to(400)
    before = await ada.first_row()
    await expect(ada.messages("line 330")).to_have_count(1)
    after = await ada.first_row()
    assert after["id"] == before["id"]
    assert abs(after["top"] - before["top"]) < 2

    while await ada.messages("line 0").count() == 0:
        await ada.scroll_to(0)
        shown = await ada.texts()
        assert shown == texts[(start := texts.index(shown[0])) : start + len(shown)]
        assert len(shown) <= 300
    await expect(ada.page.get_by_text("This is where")).to_be_visible()

    await ada.page.get_by_test_id("jump").click()
    await ada.sees("line 419")
    await ada.say("Back at the end.")
    await ada.sees("Back at the end.")


async def test_a_link_opens_the_chat_around_its_message(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    texts = [f"line {number}" for number in range(150)]
    await served.write(chat, author="ben", texts=texts)
    message = (await served.history("ada", chat))[60]
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.sees("line 149")

    linked = await Window.open(ada.page.context, served.url, at=f"#/chat/{chat}/{message['id']}")
    await expect(linked.messages("line 60")).to_be_in_viewport()
    await expect(linked.messages("line 149")).to_have_count(0)
    while await linked.messages("line 149").count() == 0:
        await linked.scroll_to(1_000_000)
    shown = await linked.texts()
    assert shown == texts[texts.index(shown[0]) :]
    assert linked.problems == []


async def test_a_new_chat_is_made_with_the_people_one_finds(served: Served, open_window: OpenWindow) -> None:
    ada, ben = await open_window("ada"), await open_window("ben")
    await ada.page.get_by_role("button", name="New chat").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Name", exact=True).fill("Cake at three")
    await dialog.get_by_placeholder("Search by name").fill("ben")
    await expect(dialog.get_by_role("checkbox")).to_have_count(1)
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Create chat").click()
    await expect(dialog).to_have_count(0)
    await ada.say("Everybody come.")
    await ada.sees("Everybody come.")

    await ben.page.get_by_role("link", name="Cake at three").click()
    await ben.sees("Everybody come.")


async def test_a_wrong_password_is_told(open_window: OpenWindow) -> None:
    window = await open_window(expected=(UNAUTHORIZED,))
    await window.sign_in("ada", "not hers")
    await expect(window.page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    await expect(window.page.get_by_test_id("submit")).to_be_enabled()


async def test_one_stays_signed_in_over_a_reload_until_one_signs_out(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    # What they ask in the moment of the sign-out is answered 401.
    ada = await open_window("ada", expected=(UNAUTHORIZED,))
    await ada.open_chat(chat)
    await ada.is_connected()
    await ada.page.reload()
    await ada.is_connected()
    other_tab = await Window.open(ada.page.context, served.url, expected=(UNAUTHORIZED,))
    await other_tab.is_connected()

    await ada.page.get_by_test_id("sign-out").click()
    for window in (ada, other_tab):
        await expect(window.page.get_by_test_id("username")).to_be_visible()
    await ada.page.reload()
    await expect(ada.page.get_by_test_id("username")).to_be_visible()
    assert other_tab.problems == []


async def test_a_phone_shows_one_thing_at_a_time(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await open_window("ada", width=390)
    await ada.open_chat(chat)
    await expect(ada.page.get_by_test_id("composer")).to_be_visible()
    await expect(ada.page.get_by_test_id(f"chat-{chat}")).to_be_hidden()
    await ada.page.get_by_role("link", name="All chats").click()
    await expect(ada.page.get_by_test_id(f"chat-{chat}")).to_be_visible()
    width = await ada.page.evaluate("document.documentElement.scrollWidth")
    assert width == 390


async def test_the_page_allows_no_inline_script_or_style(served: Served) -> None:
    policy = httpx.get(served.url).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy


async def test_the_script_is_kept_by_its_version_and_packed(served: Served) -> None:
    page = httpx.get(served.url).text
    (path,) = re.findall(r'src="(/page\.js[^"]+)"', page)
    packed = httpx.get(served.url + path)
    plain = httpx.get(f"{served.url}/page.js?v=another", headers={"Accept-Encoding": "identity"})
    assert packed.text == plain.text
    assert (packed.headers["Content-Encoding"], "Content-Encoding" in plain.headers) == ("gzip", False)
    assert {packed.headers["Vary"], plain.headers["Vary"]} == {"Accept-Encoding"}
    assert packed.headers["Cache-Control"].endswith("immutable")
    assert plain.headers["Cache-Control"] == "no-cache"


async def test_what_was_said_can_be_changed_and_taken_back(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.say("Helo.")
    await ben.sees("Helo.")
    await expect(ben.page.get_by_test_id("edit")).to_have_count(0)

    await ada.use("edit", "Helo.")
    await ada.page.get_by_test_id("editor").fill("Hello.")
    await ada.page.get_by_test_id("editor").press("Enter")
    await ben.sees("Hello.")
    await ada.sees("Hello.")
    await expect(ben.messages("Hello.")).to_contain_text("edited")

    ada.page.on("dialog", lambda dialog: dialog.accept())
    await ada.use("delete", "Hello.")
    await ben.sees("This message was deleted.")
    assert (await served.history("ben", chat))[0]["is_deleted"]
