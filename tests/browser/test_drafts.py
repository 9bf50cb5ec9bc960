"""A story of what is begun on one device and sent from another."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_what_is_begun_on_one_device_is_sent_from_another(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    laptop, phone = await open_window("ada"), await open_window("ada")
    for window in (laptop, phone):
        await window.open_chat(chat)
        await window.is_connected()
    here, there = laptop.page.get_by_test_id("composer"), phone.page.get_by_test_id("composer")
    await here.press_sequentially("Tea at f")
    await expect(there).to_have_value("Tea at f")
    await there.press_sequentially("our?")
    await expect(here).to_have_value("Tea at four?")
    await there.press("Enter")
    await expect(laptop.messages("Tea at four?")).to_be_visible()
    await expect(here).to_have_value("")
    await here.press_sequentially("kept")
    await expect(there).to_have_value("kept")
    await phone.page.reload()
    await expect(phone.page.get_by_test_id("composer")).to_have_value("kept")
