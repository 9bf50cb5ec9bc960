"""Stories of who is there, as the page shows it."""

from playwright.async_api import Locator, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import Window

pytestmark = [*IN_A_BROWSER]


async def mark(served: Served, window: Window, name: str) -> Locator:
    """The marks of somebody on a page."""
    return window.page.get_by_test_id(f"presence-{await served.id(name)}")


async def test_dots_say_who_is_there_and_words_when_they_were_seen(served: Served, open_window: OpenWindow) -> None:
    answer = await served.rest("hal", "POST", "/api/chats/direct", {"user_id": await served.id("ivy")})
    hal = await open_window("hal")
    await hal.open_chat(answer.body["id"])
    of_ivy = (await mark(served, hal, "ivy")).first
    await expect(of_ivy).to_have_attribute("data-status", "OFFLINE")
    await expect((await mark(served, hal, "hal")).first).to_have_attribute("data-status", "ONLINE")
    ivy = await open_window("ivy")
    await expect(of_ivy).to_have_attribute("data-status", "ONLINE")
    await expect(of_ivy.get_by_role("img", name="Online")).to_be_visible()
    line = hal.page.get_by_test_id("presence-line").first
    await expect(line).to_have_text("Online")
    await served.rest("ivy", "PATCH", "/api/me/presence", {"status": "DND", "text": "in a meeting"})
    await expect(line).to_have_text("Do not disturb · in a meeting")
    await hal.page.get_by_role("button", name="About this chat").click()
    await expect(hal.page.get_by_test_id("member").get_by_test_id("presence-line")).to_have_text(
        ["Online", "Do not disturb · in a meeting"]
    )
    await hal.page.keyboard.press("Escape")
    await served.rest("ivy", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
    await expect(of_ivy).to_have_attribute("data-status", "OFFLINE")
    await expect(of_ivy.get_by_role("img")).to_have_count(0)
    await expect(line).to_have_text("Last seen just now")
    await served.rest("ivy", "PATCH", "/api/me/presence", {"status": "ONLINE"})
    await expect(line).to_have_text("Online")
    await ivy.page.close()
    await expect(line).to_have_text("Last seen just now")
