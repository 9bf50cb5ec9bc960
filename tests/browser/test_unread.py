"""Stories of what is unread: numbers that follow a person over their windows."""

import json

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.world import Frame, in_time

pytestmark = [*IN_A_BROWSER]


async def until_read(served: Served, chat: str) -> Frame:
    """Wait until the server knows that ada has read everything; answers the chat as she sees it."""
    async with in_time("ada waits until she has read"):
        while (shown := (await served.rest("ada", "GET", f"/api/chats/{chat}")).body)["unread"]:
            pass
    frame: Frame = shown
    return frame


@pytest.mark.own_server
async def test_what_one_window_reads_is_read_in_the_other(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=[f"line {number}" for number in range(3)])
    reading, other = await open_window("ada"), await open_window("ada")
    for window in (reading, other):
        await expect(window.badge(chat)).to_have_text("3")
        await window.is_connected()
    await reading.open_chat(chat)
    for window in (reading, other):
        await expect(window.badge(chat)).to_have_count(0)
    await expect(other.page).to_have_title("Chat")

    await served.write(chat, author="ben", texts=["line 3"])
    await reading.sees("line 3")
    read = await until_read(served, chat)
    assert read["last_read_message_id"] == (await served.history("ada", chat))[-1]["id"]


@pytest.mark.own_server
async def test_nothing_is_read_while_one_looks_elsewhere(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=["old"])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.is_connected()
    await until_read(served, chat)

    await ada.page.evaluate("document.hasFocus = () => false; dispatchEvent(new Event('blur'))")
    await served.write(chat, author="ben", texts=["new"])
    await expect(ada.badge(chat)).to_have_text("1")
    await expect(ada.page).to_have_title("(1) Tea kitchen · Chat")
    await expect(ada.page.locator("[data-testid=news] + .message")).to_contain_text("new")
    assert (await served.rest("ada", "GET", f"/api/chats/{chat}")).body["unread"] == 1

    await ada.page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    await expect(ada.badge(chat)).to_have_count(0)
    await expect(ada.page.get_by_test_id("news")).to_be_visible()


async def test_a_line_stands_above_what_is_new(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=[f"line {number}" for number in range(30)])
    middle = (await served.history("ada", chat))[9]["id"]
    await served.rest("ada", "PUT", f"/api/chats/{chat}/read", {"message_id": middle})
    ada = await open_window("ada")
    await expect(ada.badge(chat)).to_have_text("20")
    await ada.open_chat(chat)
    await expect(ada.page.get_by_test_id("news")).to_be_in_viewport()
    await expect(ada.page.locator("[data-testid=news] + .message")).to_contain_text("line 10")
    assert await ada.badge(chat).count() == 1
    await ada.scroll_to(1_000_000)
    await expect(ada.badge(chat)).to_have_count(0)
    await ada.say("I have read it.")
    await expect(ada.page.get_by_test_id("news")).to_have_count(0)


async def test_a_message_is_marked_unread_from_here(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=[f"line {number}" for number in range(5)])
    ada, laptop = await open_window("ada"), await open_window("ada")
    for window in (ada, laptop):
        await window.is_connected()
    await ada.open_chat(chat)
    await expect(laptop.badge(chat)).to_have_count(0)
    await ada.use("unread", "line 2")
    for window in (ada, laptop):
        await expect(window.badge(chat)).to_have_text("3")
    await expect(ada.page.locator("[data-testid=news] + .message")).to_contain_text("line 2")
    await laptop.open_chat(chat)
    await expect(ada.badge(chat)).to_have_count(0)


async def test_a_mention_is_told_apart(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada")
    await ada.is_connected()
    async with served.connect("ben") as ben:
        await ben.say(chat, "hello")
        await expect(ada.badge(chat)).to_have_text("1")
        await ben.say(chat, "ada!", mentions=[await served.id("ada")])
    item = ada.page.get_by_test_id(f"chat-{chat}")
    await expect(item.get_by_label("You are mentioned")).to_be_visible()
    await expect(ada.badge(chat)).to_have_text("2")


async def test_a_deleted_message_is_counted_no_longer(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=["one", "two"])
    first = (await served.history("ben", chat))[0]["id"]
    ada = await open_window("ada")
    await expect(ada.badge(chat)).to_have_text("2")
    await ada.is_connected()
    await served.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{first}")
    await expect(ada.badge(chat)).to_have_text("1")

    await ada.open_chat(chat)
    await expect(ada.badge(chat)).to_have_count(0)
    second = (await served.history("ben", chat))[1]["id"]
    await served.rest("ada", "PUT", f"/api/chats/{chat}/read", {"message_id": second, "unread": True})
    await expect(ada.badge(chat)).to_have_text("1")
    await served.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{second}")
    await expect(ada.badge(chat)).to_have_count(0)


async def test_what_is_said_before_the_page_hears_is_counted_too(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window()
    said: list[str] = []

    async def say_before_subscribe(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        async def to_server(text: str | bytes) -> None:
            if json.loads(text)["type"] == "SUBSCRIBE" and not said:
                said.append("in between")
                await served.write(chat, author="ben", texts=said)
            server.send(text)

        socket.on_message(to_server)

    await ada.page.route_web_socket("**/ws/chat/", say_before_subscribe)
    await ada.page.reload()
    await ada.sign_in("ada", served.people["ada"])
    await expect(ada.badge(chat)).to_have_text("1")
    await expect(ada.page.get_by_test_id(f"chat-{chat}")).to_contain_text("in between")


async def test_one_goes_back_to_where_one_stopped_reading(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.write(chat, author="ben", texts=[f"line {number}" for number in range(90)])
    tenth = (await served.history("ada", chat))[9]["id"]
    await served.rest("ada", "PUT", f"/api/chats/{chat}/read", {"message_id": tenth})
    ada = await open_window("ada")
    await expect(ada.badge(chat)).to_have_text("80")
    await ada.open_chat(chat)
    await ada.sees("line 89")
    await ada.page.get_by_role("button", name="Jump to first unread").click()
    await expect(ada.page.get_by_test_id("news")).to_be_in_viewport()
    await expect(ada.page.locator("[data-testid=news] + .message")).to_contain_text("line 10")


async def test_one_is_added_and_removed_in_every_window_at_once(served: Served, open_window: OpenWindow) -> None:
    # What a window asks for while one is removed is not there any more.
    windows = [await open_window("ben", expected=("404",)), await open_window("ben")]
    for window in windows:
        await window.is_connected()
    chat = await served.chat(["ada", "ben"], name="Surprise")
    for window in windows:
        await expect(window.page.get_by_test_id(f"chat-{chat}")).to_be_visible()
    await windows[0].open_chat(chat)
    await served.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await served.id('ben')}")
    for window in windows:
        await expect(window.page.get_by_test_id(f"chat-{chat}")).to_have_count(0)
    await expect(windows[0].page.get_by_role("alert")).to_contain_text("no longer in this chat")
