"""Stories of threads on the page."""

from playwright.async_api import Locator, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import Window

pytestmark = [*IN_A_BROWSER]


def panel(window: Window) -> Locator:
    """The open thread."""
    return window.page.get_by_test_id("thread-panel")


def replies(window: Window) -> Locator:
    """What the open thread says, from top to bottom."""
    return panel(window).get_by_role("log").get_by_test_id("message").locator(".text")


async def test_people_talk_beside_the_conversation(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["Tea or coffee?"])
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.use("thread", "Tea or coffee?")
    await expect(panel(ada).locator(".root")).to_contain_text("Tea or coffee?")
    field = panel(ada).get_by_test_id("thread-composer")
    await expect(field).to_be_focused()
    await field.fill("Tea.")
    await field.press("Enter")
    await expect(replies(ada)).to_have_text(["Tea."])
    assert await ben.texts() == ["Tea or coffee?"], "it is not in the conversation"
    link = ben.page.get_by_test_id("thread-link")
    await expect(link).to_contain_text("1 reply")
    await expect(link.get_by_test_id("thread-news")).to_be_visible()
    await expect(ben.page.get_by_test_id("threads-news")).to_be_visible()
    await link.click()
    await expect(replies(ben)).to_have_text(["Tea."])
    await expect(link.get_by_test_id("thread-news")).to_have_count(0)
    await expect(ben.page.get_by_test_id("threads-news")).to_have_count(0)
    await panel(ben).get_by_test_id("thread-composer").fill("With milk?")
    await panel(ben).get_by_test_id("thread-composer").press("Enter")
    await expect(replies(ada)).to_have_text(["Tea.", "With milk?"])
    await expect(ben.page.get_by_test_id("thread-link")).to_contain_text("2 replies")
    await ben.say("Cake is here.")
    await ada.sees("Cake is here.")
    await expect(replies(ada)).to_have_count(2)
    await panel(ada).get_by_role("button", name="Close the thread").click()
    await expect(panel(ada)).to_have_count(0)


async def test_threads_are_found_in_their_list_and_by_links(served: Served, open_window: OpenWindow) -> None:
    chat, other = await served.chat(["ada", "ben"]), await served.chat(["ada", "ben"])
    await served.write(chat, author="ada", texts=["Where do we meet?"])
    root, path = (await served.history("ada", chat))[0]["id"], f"/api/chats/{chat}/messages"
    ada = await open_window("ada")
    await ada.open_chat(other)
    await ada.is_connected()
    body = {"content": "At the station.", "thread_id": root}
    reply = (await served.rest("ben", "POST", path, body)).body["id"]
    await expect(ada.page.get_by_test_id("threads-news")).to_be_visible()
    await expect(ada.badge(chat)).to_have_count(0)
    await ada.page.get_by_test_id("threads").click()
    followed = ada.page.get_by_test_id("followed").filter(has_text="Where do we meet?")
    await expect(followed.get_by_label("1 unread")).to_be_visible()
    await followed.get_by_role("button", name="1 reply").click()
    await expect(replies(ada)).to_have_text(["At the station."])
    follow = panel(ada).get_by_test_id("follow")
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await follow.click()
    await expect(follow).to_have_attribute("aria-pressed", "false")
    await panel(ada).get_by_role("button", name="Close the thread").click()
    await ada.page.goto(f"{served.url}/#/chat/{chat}/{reply}")
    await expect(replies(ada)).to_have_text(["At the station."])
    await served.rest("ben", "PATCH", f"{path}/{reply}", {"content": "At the harbour."})
    await expect(replies(ada)).to_have_text(["At the harbour."])
    await served.rest("ada", "DELETE", f"{path}/{root}")
    await expect(panel(ada).get_by_test_id("thread-composer")).to_have_count(0)
