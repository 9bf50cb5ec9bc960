"""Stories of pinned messages on the page."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_message_is_pinned_found_and_unpinned(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["The door code is 4711.", *[f"line {n}" for n in range(80)]])
    code = (await served.history("ben", chat))[0]["id"]
    await served.rest("ada", "PUT", f"/api/chats/{chat}/pins/{code}")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await expect(ben.messages("line 79").get_by_test_id("pin")).to_have_count(0)
    await ada.use("pin", "line 79")
    await expect(ben.messages("line 79").get_by_test_id("pin-mark")).to_be_visible()
    await ben.page.get_by_role("button", name="2 pinned").click()
    pinned = ben.page.get_by_test_id("pinned")
    await expect(pinned.locator(".text")).to_have_text(["line 79", "The door code is 4711."])
    await expect(pinned.get_by_role("button", name="Unpin")).to_have_count(0)
    await pinned.nth(1).get_by_role("link", name="Show").click()
    await expect(ben.page.locator(".target")).to_contain_text("The door code is 4711.")
    await ada.page.get_by_role("button", name="2 pinned").click()
    await ada.page.get_by_test_id("pinned").nth(1).get_by_role("button", name="Unpin").click()
    await expect(ada.page.get_by_test_id("pinned")).to_have_count(1)
    await expect(ben.page.get_by_role("button", name="1 pinned")).to_be_visible()
    await served.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{(await served.history('ben', chat))[-1]['id']}")
    await expect(ben.page.get_by_role("button", name="pinned")).to_have_count(0)
