"""Stories of a chat's own settings, of announcements and of chats of two."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_chat_is_renamed_and_described_for_everybody(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    panel = await ada.about()
    await panel.get_by_label("Name", exact=True).fill("Coffee kitchen")
    await panel.get_by_label("Description").fill("No tea any more.")
    await panel.get_by_role("button", name="Save").click()
    await expect(ben.page.get_by_role("heading", name="Coffee kitchen")).to_be_visible()
    await expect(await ben.about()).to_contain_text("No tea any more.")


async def test_the_panel_fits_a_phone(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen, second floor, beside the lift")
    ada = await open_window("ada", width=390)
    await ada.open_chat(chat)
    panel = await ada.about()
    await panel.get_by_test_id("member").nth(1).locator("summary").click()
    await panel.get_by_role("button", name="Make a link").click()
    await expect(panel.get_by_test_id("invite")).to_have_count(1)
    assert await panel.evaluate("dialog => [dialog.scrollWidth <= dialog.clientWidth, innerWidth]") == [True, 390]
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.get_by_role("button", name="About this chat")).to_be_focused()


async def test_only_who_may_write_has_a_field(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    panel = await ada.about()
    await panel.get_by_label("Who may write").select_option("moderator")
    await expect(ben.page.get_by_test_id("silence")).to_contain_text("Only a moderator")
    await panel.get_by_role("button", name="Archive chat").click()
    for window in (ada, ben):
        await expect(window.page.get_by_test_id("silence")).to_contain_text("archived")
    await panel.get_by_role("button", name="Restore chat").click()
    await expect(ada.page.get_by_test_id("composer")).to_have_count(1)


async def test_a_chat_is_deleted_for_good_after_typing_its_name(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    panel = await ada.about()
    await panel.get_by_text("Delete for good").click()
    delete = panel.get_by_role("button", name="Delete chat")
    await expect(delete).to_be_disabled()
    await panel.get_by_label("Type the name").fill("Tea kitchen")
    await delete.click()
    for window in (ada, ben):
        await expect(window.page.get_by_test_id(f"chat-{chat}")).to_have_count(0)


@pytest.mark.own_server
async def test_a_chat_of_two_has_the_name_of_the_other(served: Served, open_window: OpenWindow) -> None:
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.is_connected()
    await ada.page.get_by_role("button", name="New chat").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Direct").check()
    await dialog.get_by_placeholder("Search by name").fill("ben")
    await dialog.get_by_label("ben").check()
    await dialog.get_by_role("button", name="Open chat").click()
    await expect(ada.page.get_by_role("heading", name="Ben")).to_be_visible()
    await ada.say("Just us.")
    await ben.page.get_by_role("link", name="Ada").click()
    await ben.sees("Just us.")
    panel = await ben.about()
    for name in ("Leave chat", "Make a link", "Save"):
        await expect(panel.get_by_role("button", name=name)).to_have_count(0)


@pytest.mark.own_server
async def test_a_chat_of_three_has_the_names_of_the_others(served: Served, open_window: OpenWindow) -> None:
    ada, cyd = await open_window("ada"), await open_window("cyd")
    for window in (ada, cyd):
        await window.is_connected()
    await ada.page.get_by_role("button", name="New chat").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Direct").check()
    for name in ("ben", "cyd"):
        await dialog.get_by_placeholder("Search by name").fill(name)
        await dialog.get_by_label(name).check()
    await dialog.get_by_role("button", name="Open chat").click()
    await expect(ada.page.get_by_role("heading", name="Ben, Cyd")).to_be_visible()
    await ada.say("The three of us.")
    await cyd.page.get_by_role("link", name="Ada, Ben").click()
    await cyd.sees("The three of us.")


@pytest.mark.own_server
async def test_a_chat_is_kept_quiet_in_every_window(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, other = await open_window("ada"), await open_window("ada")
    for window in (ada, other):
        await window.is_connected()
    await ada.open_chat(chat)
    panel = await ada.about()
    await panel.get_by_role("button", name="8 hours").last.click()
    await expect(panel.get_by_text("Quiet until")).to_be_visible()
    await ada.page.keyboard.press("Escape")
    await ada.page.goto(f"{served.url}/#")
    await served.write(chat, author="ben", texts=["psst"])
    await expect(other.badge(chat)).to_have_text("1")
    await expect(other.page).to_have_title("Chat")
    await ada.open_chat(chat)
    panel = await ada.about()
    await panel.get_by_role("button", name="Turn on").click()
    await panel.get_by_label("Notify me of").select_option("mentions")
    await ada.page.goto(f"{served.url}/#")
    await served.write(chat, author="ben", texts=["psst again"])
    await expect(other.badge(chat)).to_have_text("1")
    await expect(other.page).to_have_title("Chat")


async def test_a_public_chat_is_found_and_joined(served: Served, open_window: OpenWindow) -> None:
    ada, ben = await open_window("ada"), await open_window("ben", width=390)
    await ada.page.get_by_role("button", name="New chat").click()
    await ada.page.get_by_label("Public", exact=True).check()
    await ada.page.get_by_label("Name", exact=True).fill("Mountain hikers")
    await ada.page.get_by_role("button", name="Create chat").click()
    await expect(ada.page.get_by_role("heading", name="Mountain hikers")).to_be_visible()
    await ben.page.get_by_role("button", name="New chat").click()
    await ben.page.get_by_label("Join a public one").check()
    await ben.page.get_by_placeholder("Search by name").fill("hike")
    await expect(ben.page.get_by_test_id("public-chat")).to_have_count(1)
    await ben.page.get_by_role("button", name="Join Mountain hikers").click()
    await expect(ben.page.get_by_role("heading", name="Mountain hikers")).to_be_visible()
    await expect(ada.page.get_by_text("2 people")).to_be_visible()


async def test_a_webhook_talks_in_the_chat(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada")
    await ada.open_chat(chat)
    panel = await ada.about()
    await panel.get_by_label("Name of a new webhook").fill("Kettle")
    await panel.get_by_role("button", name="Make webhook").click()
    address = await panel.get_by_label("Programs post").input_value()
    await expect(panel.get_by_test_id("webhook")).to_contain_text("Kettle")
    answer = await served.rest(None, "POST", address.removeprefix(served.url), {"text": "The water boils."})
    assert answer.status == 201
    await ada.page.keyboard.press("Escape")
    await ada.sees("The water boils.")
    await expect(ada.messages("The water boils.")).to_contain_text("bot")
