"""Stories of replies on the page."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_reply_shows_what_it_answers(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["Tea or coffee?"])
    question = (await served.history("ben", chat))[0]["id"]
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.use("reply", "Tea or coffee?")
    answered = ada.page.get_by_test_id("answered")
    await expect(answered).to_contain_text("Ben")
    await ada.page.get_by_test_id("composer").press("Escape")
    await expect(answered).to_have_count(0)
    await ada.use("reply", "Tea or coffee?")
    await expect(ada.page.get_by_test_id("composer")).to_be_focused()
    await ada.say("Tea.")
    await ada.sees("Tea.")
    await expect(answered).to_have_count(0)
    for window in (ada, ben):
        await expect(window.messages("Tea.").get_by_test_id("quote")).to_contain_text("Tea or coffee?")
    await ada.say("And cake.")
    assert [one["reply_to"] for one in (await served.history("ben", chat))[1:2]] == [question]
    await served.rest("ben", "PATCH", f"/api/chats/{chat}/messages/{question}", {"content": "Tea?"})
    await expect(ada.messages("Tea.").get_by_test_id("quote")).to_contain_text("Tea?")
    await served.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{question}")
    await expect(ada.messages("Tea.").get_by_test_id("quote")).to_contain_text("This message was deleted.")
    await expect(ada.messages("And cake.").get_by_test_id("quote")).to_have_count(0)


async def test_a_click_leads_to_a_message_far_above(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["Where is the key?", *[f"line {n}" for n in range(120)]])
    question = (await served.history("ben", chat))[0]["id"]
    answer = {"content": "Under the mat.", "reply_to_id": question}
    await served.rest("ada", "POST", f"/api/chats/{chat}/messages", answer)
    ben = await open_window("ben")
    await ben.open_chat(chat)
    quote = ben.messages("Under the mat.").get_by_test_id("quote")
    await expect(quote).to_contain_text("Where is the key?")
    await served.rest("ben", "PATCH", f"/api/chats/{chat}/messages/{question}", {"content": "The key?"})
    await expect(quote).to_contain_text("The key?")
    await quote.click()
    await expect(ben.page.locator(".target")).to_contain_text("The key?")
    await ben.page.get_by_test_id("jump").click()
    await quote.click()
    await expect(ben.page.locator(".target")).to_contain_text("The key?")


async def test_a_guest_is_not_offered_to_reply(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ada", texts=["Welcome."])
    ben = await served.id("ben")
    await served.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{ben}", {"role": "guest"})
    window = await open_window("ben")
    await window.open_chat(chat)
    await window.messages("Welcome.").hover()
    await expect(window.messages("Welcome.").get_by_test_id("react")).to_be_visible()
    await expect(window.messages("Welcome.").get_by_test_id("reply")).to_have_count(0)
