"""A story of being reminded of a message on the page."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_one_is_reminded_on_every_device(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["Please read the draft.", "Thanks!"])
    draft = (await served.history("ben", chat))[0]["id"]
    ada, phone = await open_window("ada"), await open_window("ada")
    for window in (ada, phone):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.use("remind", "Please read the draft.")
    await ada.page.get_by_label("Of what").fill("the draft")
    await ada.page.get_by_role("button", name="Tomorrow at 9").click()
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)
    await phone.page.get_by_role("button", name="Reminders").click()
    listed = phone.page.get_by_test_id("reminder")
    await expect(listed).to_contain_text("the draft")
    await listed.get_by_role("button", name="Drop").click()
    await expect(listed).to_have_count(0)
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    await served.rest(
        "ada", "POST", f"/api/chats/{chat}/messages/{draft}/reminders", {"remind_at": soon, "note": "read"}
    )
    await expect(ada.page.get_by_text("Reminder: read")).to_be_visible()
    await expect(ada.page.get_by_test_id("reminders-due")).to_be_visible()
    await expect(listed).to_contain_text("Due since")
    await listed.get_by_role("button", name="Done").click()
    await expect(ada.page.get_by_test_id("reminders-due")).to_have_count(0)
