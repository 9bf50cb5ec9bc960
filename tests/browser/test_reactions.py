"""Stories of reactions on the page."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_reaction_is_chosen_seen_by_others_joined_and_taken_back(
    served: Served, open_window: OpenWindow
) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ada", texts=["It is done."])
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    row = ben.page.get_by_test_id("message")
    await row.hover()
    await row.get_by_test_id("react").click()
    await ben.page.get_by_test_id("emojis").get_by_text("🎉").click()
    mine, theirs = ben.page.locator(".reaction"), ada.page.locator(".reaction")
    await expect(mine).to_have_text("🎉 1")
    await expect(mine).to_have_attribute("aria-pressed", "true")
    await expect(ben.page.get_by_role("dialog")).to_have_count(0)
    await expect(theirs).to_have_attribute("aria-label", "🎉 Ben")
    await expect(theirs).to_have_attribute("aria-pressed", "false")
    await theirs.click()
    await expect(mine).to_have_text("🎉 2")
    await ada.page.reload()
    await expect(theirs).to_have_text("🎉 2")
    await expect(theirs).to_have_attribute("aria-pressed", "true")
    for button in (theirs, mine):
        await button.click()
    await expect(mine).to_have_count(0)
    await expect(theirs).to_have_count(0)
