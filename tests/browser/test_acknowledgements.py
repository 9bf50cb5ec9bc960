"""Stories of important messages: asking for acknowledgement, giving it, and seeing who has."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_an_important_message_is_acknowledged_by_one_click(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben", "cyd"], name="Fire drill")
    ada, ben = await open_window("ada"), await open_window("ben", width=390)
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.page.get_by_test_id("important").click()
    await ada.say("Everybody out at noon.")
    await ada.say("And bring a coat.")
    asked = ben.messages("Everybody out at noon.")
    await expect(asked.get_by_test_id("important-mark")).to_be_visible()
    await ben.sees("And bring a coat.")
    await expect(ben.page.get_by_test_id("important-mark")).to_have_count(1)  # It was for one message.
    mine = ada.messages("Everybody out at noon.")
    await expect(mine.get_by_test_id("acknowledge")).to_have_count(0)
    await asked.get_by_test_id("acknowledge").click()
    await expect(asked.get_by_test_id("acknowledged")).to_contain_text("You have acknowledged this")
    await expect(asked.get_by_test_id("acknowledge")).to_have_count(0)
    await expect(mine.get_by_test_id("acknowledged")).to_have_text("1 acknowledged")
    await expect(mine.get_by_test_id("acknowledged")).to_have_attribute("title", "Ben")
    await mine.get_by_test_id("acknowledged").click()
    await expect(ada.page.get_by_test_id("waiting")).to_have_text("Cyd")
    await expect(ada.page.get_by_test_id("acknowledgers")).to_contain_text("Ben")
    said = (await served.history("cyd", chat))[0]["id"]
    await served.rest("cyd", "PUT", f"/api/chats/{chat}/messages/{said}/acknowledgement")
    await expect(ada.page.get_by_test_id("acknowledgers")).to_contain_text("Cyd")
    await expect(ada.page.get_by_test_id("waiting")).to_have_text("")


async def test_what_waits_is_listed_until_it_is_acknowledged(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "cyd"], name="Fire drill")
    path = f"/api/chats/{chat}/messages"
    for text in ("Read the plan.", "Wear a badge."):
        await served.rest("ada", "POST", path, {"content": text, "important": True})
    await served.until("cyd", "/api/me/acknowledgements", lambda body: len(body["messages"]) == 2)
    cyd = await open_window("cyd")
    count = cyd.page.get_by_test_id("to-acknowledge")
    await expect(count).to_have_accessible_name("To acknowledge: 2")
    await cyd.is_connected()
    await served.rest("ada", "POST", path, {"content": "Come at noon.", "important": True})
    await expect(count).to_have_text("3")
    await count.click()
    rows = cyd.page.get_by_test_id("to-acknowledge-row")
    await expect(rows.locator(".text")).to_have_text(["Come at noon.", "Wear a badge.", "Read the plan."])
    await rows.nth(1).get_by_role("button", name="Acknowledge").press("Enter")
    await expect(rows).to_have_count(2)
    await expect(cyd.page.get_by_role("list", name="To acknowledge")).to_be_focused()
    said = {one["content"]: one["id"] for one in await served.history("cyd", chat)}
    await served.rest("cyd", "PUT", f"{path}/{said['Read the plan.']}/acknowledgement")
    await expect(rows).to_have_count(1)
    await rows.get_by_role("link", name="Show").click()
    await expect(cyd.page.locator(".target")).to_contain_text("Come at noon.")
    await cyd.messages("Come at noon.").get_by_test_id("acknowledge").click()
    await expect(count).to_have_text("")
    await expect(count).to_have_accessible_name("To acknowledge")
