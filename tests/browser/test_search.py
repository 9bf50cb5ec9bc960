"""Stories of finding what was said."""

import os

from playwright.async_api import Locator, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import Window

pytestmark = [*IN_A_BROWSER]


async def look_for(window: Window, words: str) -> Locator:
    """Open the search and type; answers the dialog."""
    await window.page.get_by_role("button", name="Search messages").click()
    dialog = window.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Words")).to_be_focused()
    await window.page.keyboard.type(words)
    return dialog


async def test_what_was_found_leads_to_its_place(served: Served, open_window: OpenWindow) -> None:
    chat, other = (
        await served.chat(["ada", "ben"], name="Tea kitchen"),
        await served.chat(["ada", "ben"], name="Office"),
    )
    texts = ["where is the yellow samovar?", *[f"line {number}" for number in range(150)], "no samovar here"]
    await served.write(chat, author="ben", texts=texts)
    await served.write(other, author="ben", texts=["a samovar for the office"])
    ada = await open_window("ada")
    await ada.open_chat(other)
    dialog = await look_for(ada, "samovar")
    found = dialog.get_by_test_id("found")
    await expect(found.locator(".result-text")).to_have_text(
        ["a samovar for the office", "no samovar here", "where is the yellow samovar?"]
    )
    await expect(found.nth(1)).to_contain_text("Tea kitchen")
    if folder := os.environ.get("SHOTS"):
        await ada.page.screenshot(path=f"{folder}/search.png")
    await dialog.get_by_label("Only in Office").check()
    await expect(found).to_have_count(1)
    await dialog.get_by_label("Only in Office").uncheck()
    await found.nth(2).click()
    await expect(dialog).to_have_count(0)
    await expect(ada.messages(texts[0])).to_be_in_viewport()
    await expect(ada.messages("no samovar here")).to_have_count(0)


async def test_a_slash_opens_it_but_not_where_one_writes(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=[f"ocelot {number}" for number in range(25)])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.page.get_by_test_id("composer").fill("")
    await ada.page.get_by_test_id("composer").press_sequentially("1/2")
    await expect(ada.page.get_by_test_id("composer")).to_have_value("1/2")
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)
    await ada.page.get_by_role("log").focus()
    await ada.page.keyboard.press("/")
    dialog = ada.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Words")).to_be_focused()
    await dialog.get_by_label("Only in").check()
    await dialog.get_by_label("Words").fill("ocelot")
    await expect(dialog.get_by_test_id("found")).to_have_count(20)
    await dialog.get_by_role("button", name="Show older ones").click()
    await expect(dialog.get_by_test_id("found")).to_have_count(25)
    await expect(dialog.get_by_role("button", name="Show older ones")).to_have_count(0)
    await dialog.get_by_label("Words").fill("absent")
    await expect(dialog.get_by_role("status")).to_have_text("Nothing found")


async def test_what_cannot_be_read_is_said(served: Served, open_window: OpenWindow) -> None:
    ada = await open_window("ada", width=390, expected=("400 (Bad Request)",))
    dialog = await look_for(ada, "after:yesterday")
    await expect(dialog.get_by_role("alert")).to_have_text("after: takes a day (2026-01-31) or a time as ISO 8601.")
    assert await dialog.evaluate("dialog => [dialog.scrollWidth <= dialog.clientWidth, innerWidth]") == [True, 390]
    if folder := os.environ.get("SHOTS"):
        await ada.page.screenshot(path=f"{folder}/search-phone.png")
