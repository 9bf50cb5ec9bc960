"""A story of chats in folders."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_chat_is_in_its_folder_in_every_window(served: Served, open_window: OpenWindow) -> None:
    tea = await served.chat(["ada", "ben"], name="Tea kitchen")
    await served.chat(["ada", "ben"], name="Lunch")
    ada, phone = await open_window("ada"), await open_window("ada", width=390)
    for window in (ada, phone):
        await window.is_connected()
    await ada.open_chat(tea)
    panel = await ada.about()
    await panel.get_by_label("In my list it is in").select_option("a new folder…")
    await panel.get_by_label("Name of the folder").fill("Drinks")
    await panel.get_by_role("button", name="Make folder").click()
    for window in (ada, phone):
        folder = window.page.get_by_test_id("folder")
        await expect(folder.locator("summary")).to_have_text("Drinks")
        await expect(folder.get_by_role("link")).to_have_count(1)
        await expect(folder).to_contain_text("Tea kitchen")
    await phone.page.get_by_test_id("folder").locator("summary").click()
    await expect(phone.page.get_by_test_id(f"chat-{tea}")).not_to_be_visible()
    await phone.page.reload()
    await expect(phone.page.get_by_test_id("folder")).to_contain_text("Drinks")
    await expect(phone.page.get_by_test_id(f"chat-{tea}")).not_to_be_visible()
    await panel.get_by_role("button", name="Delete folder").click()
    await expect(phone.page.get_by_test_id("folder")).to_have_count(0)
    await expect(phone.page.get_by_test_id(f"chat-{tea}")).to_be_visible()
