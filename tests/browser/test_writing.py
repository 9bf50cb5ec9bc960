"""Stories of writing: who is at it, whom it names, what it said before, who has seen it."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_one_sees_who_is_writing_until_they_send(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await served.write(chat, author="ben", texts=["Well?"])
    for window in (ada, ben):
        await window.sees("Well?")  # They hear the chat.
    typing = ben.page.get_by_test_id("typing")
    await ada.page.get_by_test_id("composer").press_sequentially("He")
    await expect(typing).to_have_text("Ada is writing…")
    await expect(ada.page.get_by_test_id("typing")).to_have_text("")
    async with served.connect("ben", chat) as phone:
        await ada.say("Hello.")
        await phone.expect("TYPING", roomId=chat, userId=await served.id("ada"), active=False)
    await expect(typing).to_have_text("")


async def test_one_sees_who_has_seen_ones_newest_message(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben", "cyd"])
    ada, ben = await open_window("ada"), await open_window("ben")
    await ada.open_chat(chat)
    await ada.is_connected()
    await ada.say("Look here.")
    await ada.sees("Look here.")
    await expect(ada.page.get_by_test_id("seen")).to_have_count(0)
    await ben.open_chat(chat)
    await expect(ada.page.get_by_test_id("seen")).to_have_text("Seen by Ben")
    await ada.page.reload()
    await expect(ada.page.get_by_test_id("seen")).to_have_text("Seen by Ben")
    await ada.say("And here.")
    await expect(ada.page.locator("[data-testid=message]:has-text('And here.') + [data-testid=seen]")).to_be_visible()


async def test_edited_opens_what_was_said_before(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["First."])
    message = (await served.history("ben", chat))[0]["id"]
    for text in ("Second.", "Third."):
        await served.rest("ben", "PATCH", f"/api/chats/{chat}/messages/{message}", {"content": text})
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.page.get_by_test_id("edited").click()
    texts = ada.page.get_by_role("dialog").locator(".text")
    await expect(texts).to_have_text(["First.", "Second.", "Third."])
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)


async def test_a_mention_is_chosen_by_keyboard(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben", "cyd"])
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.is_connected()
    await ada.open_chat(chat)
    composer = ada.page.get_by_test_id("composer")
    await composer.press_sequentially("hello @")
    options = ada.page.get_by_role("option")
    await expect(options).to_have_count(4)
    await composer.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await composer.press_sequentially("be")
    await expect(options).to_have_count(1)
    await composer.press("Enter")
    await expect(composer).to_have_value("hello @Ben ")
    await composer.press("Enter")
    await expect(ada.page.locator(".mention")).to_have_text("@Ben")
    await expect(ben.page.get_by_test_id(f"chat-{chat}").get_by_label("You are mentioned")).to_be_visible()
    await ben.open_chat(chat)
    await expect(ben.page.locator(".for-me .mention")).to_have_text("@Ben")
    assert (await served.history("ben", chat))[0]["mentions"] == [await served.id("ben")]


async def test_arrow_keys_lead_to_the_tools_of_a_message(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ada", texts=["one", "two", "three"])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.sees("three")
    await ada.page.get_by_role("log").focus()
    for _ in range(3):
        await ada.page.keyboard.press("ArrowUp")
    await expect(ada.messages("one")).to_be_focused()
    await ada.page.keyboard.press("ArrowDown")
    for tool in ("reply", "thread", "react", "pin", "star", "forward", "remind", "edit"):
        await ada.page.keyboard.press("Tab")
        await expect(ada.messages("two").get_by_test_id(tool)).to_be_focused()
    await ada.page.keyboard.press("Enter")
    await ada.page.get_by_test_id("editor").press("End")
    await ada.page.keyboard.type("!")
    await ada.page.keyboard.press("Enter")
    await ada.sees("two!")


async def test_one_jumps_to_a_day(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=[f"line {number}" for number in range(120)])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.sees("line 119")
    await ada.page.get_by_role("button", name="Jump to a day").click()
    today = await ada.page.evaluate("new Date().toLocaleDateString('sv')")
    await ada.page.get_by_role("dialog").get_by_label("Day").fill(today)
    await ada.page.get_by_role("button", name="Go there").click()
    await expect(ada.messages("line 0")).to_be_in_viewport()
    await expect(ada.messages("line 119")).to_have_count(0)
