"""A story of starred messages on the page."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_message_is_starred_found_and_let_go(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["The door code is 4711.", "Soup is ready."])
    code = (await served.history("ben", chat))[0]["id"]
    ada, phone = await open_window("ada"), await open_window("ada")
    for window in (ada, phone):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.use("star", "Soup is ready.")
    await expect(phone.messages("Soup is ready.").get_by_test_id("star-mark")).to_be_visible()
    await phone.page.get_by_role("button", name="Starred messages").click()
    starred = phone.page.get_by_test_id("starred")
    await expect(starred.first.locator(".text")).to_have_text("Soup is ready.")
    await served.rest("ada", "PUT", f"/api/chats/{chat}/messages/{code}/star")
    await expect(starred.first.locator(".text")).to_have_text("The door code is 4711.")
    await starred.nth(1).get_by_role("button", name="Take the star away").click()
    await expect(ada.page.get_by_test_id("star-mark")).to_have_count(1)
    await starred.nth(0).get_by_role("link", name="Show").click()
    await expect(phone.page.locator(".target")).to_contain_text("The door code is 4711.")
    await served.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{code}")
    await expect(ada.page.get_by_test_id("star-mark")).to_have_count(0)
