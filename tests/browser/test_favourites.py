"""A story of a chat that comes first in the list."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_favourite_comes_first_in_every_window(served: Served, open_window: OpenWindow) -> None:
    first = await served.chat(["ada", "ben"], name="Tea kitchen")
    later = await served.chat(["ada", "ben"], name="Lunch")
    await served.write(first, author="ben", texts=["early"])
    await served.write(later, author="ben", texts=["late"])
    ada, phone = await open_window("ada"), await open_window("ada")
    for window in (ada, phone):
        await window.is_connected()
    chats = phone.page.get_by_role("navigation", name="Chats").get_by_role("link")
    await expect(chats.first).to_contain_text("Lunch")
    await ada.open_chat(first)
    button = ada.page.get_by_role("button", name="Favourite")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await expect(chats.first).to_contain_text("Tea kitchen")
    await expect(chats.first.get_by_test_id("favourite-mark")).to_be_visible()
    await button.click()
    await expect(chats.first).to_contain_text("Lunch")
