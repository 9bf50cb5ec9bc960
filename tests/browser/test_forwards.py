"""Stories of forwarding: the chooser, and what a copy says of where it comes from."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_message_is_forwarded_to_chosen_chats(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Where it was said")
    tea, work = await served.chat(["ada", "cyd"], name="Marmalade"), await served.chat(["ada", "dan"], name="Quince")
    archived = await served.chat(["ada"], name="Marmalade of old")
    await served.rest("ada", "DELETE", f"/api/chats/{archived}")
    await served.write(chat, author="ben", texts=["Some *good* news"])
    ada, cyd = await open_window("ada"), await open_window("cyd")
    await ada.open_chat(chat)
    await cyd.open_chat(tea)
    await cyd.is_connected()
    await ada.use("forward", "good")
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("To").fill("marma")
    offered = dialog.get_by_role("checkbox")
    await expect(offered).to_have_count(1)  # Nobody may write in the archived one.
    await offered.check()
    await dialog.get_by_label("To").fill("quin")
    await dialog.get_by_role("checkbox", name="Quince").check()
    await dialog.get_by_role("button", name="Forward").click()
    await expect(dialog).to_have_count(0)
    # Cyd, who has met Ben nowhere, reads his name but is not led to where he said it.
    await expect(cyd.page.locator(".rich em")).to_have_text("good")
    await expect(cyd.page.get_by_test_id("forwarded")).to_have_text("Forwarded from Ben")
    await expect(cyd.page.get_by_test_id("forwarded").locator("a")).to_have_count(0)
    assert len(await served.history("dan", work)) == 1
    await served.until(
        "ada", f"/api/chats/{tea}/messages", lambda page: page["messages"][0]["forwarded_from"]["chat_id"]
    )
    await ada.open_chat(tea)
    await ada.page.get_by_role("link", name="Forwarded from Ben").click()
    await expect(ada.page.locator(".message.target .rich em")).to_have_text("good")


async def test_a_chat_that_refuses_is_named(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Heard here")
    coffee = await served.chat(["ada", "cyd"], name="Coffee")
    await served.write(chat, author="ben", texts=["Some news"])
    ada = await open_window("ada", expected=("status of 4",))
    await ada.open_chat(chat)
    await ada.use("forward", "Some news")
    dialog = ada.page.get_by_role("dialog")
    for name in ("Heard here", "Coffee"):
        await dialog.get_by_label("To").fill(name)
        await dialog.get_by_role("checkbox", name=name, exact=True).check()
    await served.rest("ada", "DELETE", f"/api/chats/{coffee}")
    await dialog.get_by_role("button", name="Forward").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Coffee: The chat is archived.")
    assert len(await served.history("ben", chat)) == 2
