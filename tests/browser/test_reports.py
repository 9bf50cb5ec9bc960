"""Stories of reporting a message, and of what a rule of staff refuses."""

import sqlite3
from contextlib import closing
from uuid import uuid4

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.world import in_time

pytestmark = [*IN_A_BROWSER]


async def test_a_message_is_reported(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Market")
    await served.write(chat, author="ben", texts=["Cheap watches, today only!"])
    await served.write(chat, author="ada", texts=["No, thanks."])
    ada = await open_window("ada", width=390)
    await ada.open_chat(chat)
    await ada.messages("No, thanks.").hover()
    await expect(ada.messages("No, thanks.").get_by_test_id("flag")).to_have_count(0)
    await ada.use("flag", "Cheap watches, today only!")
    dialog = ada.page.get_by_role("dialog", name="Report this message")
    send = dialog.get_by_role("button", name="Report", exact=True)
    await expect(send).to_be_disabled()
    await dialog.get_by_label("Spam").check()
    await dialog.get_by_label("Anything to add").fill("The third time today.")
    await send.click()
    await expect(dialog.get_by_role("status")).to_contain_text("Thank you.")
    await dialog.get_by_role("button", name="Close").last.click()
    await expect(dialog).to_have_count(0)
    message = (await served.history("ada", chat))[0]["id"]
    again = await served.rest("ada", "POST", f"/api/chats/{chat}/messages/{message}/flag", {"reason": "other"})
    assert (again.status, again.body["reason"], again.body["text"]) == (200, "spam", "The third time today.")


async def test_a_text_that_a_rule_refuses_goes_back_to_be_written_anew(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Zoo")
    refusing(served, chat, "numbat", notice="No animals here.")
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.is_connected()
    async with in_time("the rule is known"):  # It is, within seconds.
        said = {"content": "numbat"}
        while (await served.rest("ben", "POST", f"/api/chats/{chat}/messages", said)).code != "content_refused":
            await served.rest("ben", "GET", "/api/me")
    await ada.say("a numbat is here")
    row = ada.messages("a numbat is here", status="failed")
    await expect(row).to_contain_text("Not sent. No animals here.")
    await expect(row.get_by_test_id("retry")).to_have_count(0)
    await ada.page.get_by_test_id("composer").fill("and more")
    await row.get_by_test_id("rewrite").click()
    await expect(ada.page.get_by_test_id("composer")).to_have_value("a numbat is here\nand more")
    await expect(ada.page.locator('[data-status="failed"]')).to_have_count(0)
    await ada.say("a friend is here")
    await ada.sees("a friend is here")


def refusing(served: Served, chat: str, word: str, *, notice: str) -> None:
    """Have a rule refuse a word in a chat, as the admin would."""
    row = (uuid4().hex, "Words", "word", word, "refuse", notice, True, "2026-01-01", 1, chat.replace("-", ""))
    columns = "id, name, kind, patterns, deed, notice, is_active, created_at, version, chat_id"
    with closing(sqlite3.connect(served.server.folder / "site.sqlite3")) as database, database:
        database.execute(f"INSERT INTO moderation_rules ({columns}) VALUES ({', '.join('?' * len(row))})", row)
