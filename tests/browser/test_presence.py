"""Stories of who is there, as the page shows it."""

from datetime import UTC, datetime, timedelta

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


async def test_one_chooses_a_status_with_a_text_and_for_how_long(served: Served, open_window: OpenWindow) -> None:
    answer = await served.rest("gus", "POST", "/api/chats/direct", {"user_id": await served.id("fay")})
    gus, fay = await open_window("gus"), await open_window("fay")
    await gus.open_chat(answer.body["id"])
    line, own = gus.page.get_by_test_id("presence-line").first, fay.page.get_by_test_id("own-choice")
    await expect(line).to_have_text("Online")
    await expect(own).to_have_text("")

    async def choose(status: str, text: str, stretch: str) -> None:
        await fay.page.get_by_role("button", name="Your status").click()
        dialog = fay.page.get_by_role("dialog")
        await dialog.get_by_label(status).check()
        await dialog.get_by_label("What you are about").fill(text)
        await dialog.get_by_label("For how long").select_option(label=stretch)
        await dialog.get_by_role("button", name="Save status").click()
        await expect(dialog).to_have_count(0)

    await choose("Do not disturb", " writing a report ", "For an hour")
    await expect(line).to_have_text("Do not disturb · writing a report")
    await expect(own).to_have_text("Do not disturb · writing a report")
    kept = (await served.rest("fay", "GET", "/api/me/presence")).body
    ahead = datetime.fromisoformat(kept["until"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < ahead <= timedelta(hours=1)
    # What has begun goes on, and stands in the form; it is there after a reload too.
    await fay.page.reload()
    await expect(own).to_have_text("Do not disturb · writing a report")
    await fay.page.get_by_role("button", name="Your status").click()
    dialog = fay.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Do not disturb")).to_be_checked()
    await expect(dialog.get_by_label("What you are about")).to_have_value("writing a report")
    await dialog.get_by_label("Away").check()
    await dialog.get_by_role("button", name="Save status").click()
    await expect(line).to_have_text("Away · writing a report")
    assert (await served.rest("fay", "GET", "/api/me/presence")).body["until"] == kept["until"]
    await choose("Invisible", "", "Until you change it")
    await expect(line).to_have_text("Last seen just now")
    await expect(own).to_have_text("Invisible")
    await choose("Online", "", "Until you change it")
    await expect(line).to_have_text("Online")
    await expect(own).to_have_text("")
