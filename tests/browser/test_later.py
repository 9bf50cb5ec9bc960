"""Stories of what is said later, and of what is said again."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_a_message_is_sent_later_or_cancelled(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.is_connected()
    await ada.page.get_by_test_id("composer").fill("Good morning!")
    await ada.page.get_by_role("button", name="Later and often").click()
    panel = ada.page.get_by_role("dialog")
    await panel.get_by_role("button", name="Send later").click()
    row = panel.get_by_test_id("scheduled")
    await expect(row).to_contain_text("Good morning!")
    await expect(ada.page.get_by_test_id("composer")).to_have_value("")
    (kept,) = (await served.rest("ada", "GET", "/api/me/scheduled")).body["scheduled"]
    assert kept["content"] == "Good morning!"
    await row.get_by_role("button", name="Cancel").click()
    await expect(row).to_have_count(0)


async def test_a_template_is_kept_and_filled_in(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada", width=390, expected=("409",))
    await ada.open_chat(chat)
    await ada.is_connected()
    await ada.page.get_by_test_id("composer").fill("Thank you, {name}!")
    await ada.page.get_by_role("button", name="Later and often").click()
    panel = ada.page.get_by_role("dialog")
    await panel.get_by_label("Keep what I wrote as").fill("Thanks")
    await panel.get_by_role("button", name="Keep template").click()
    row = panel.get_by_test_id("template")
    await row.get_by_role("button", name="Change Thanks").click()
    await expect(panel.get_by_label("Name of the template")).to_be_focused()
    await panel.get_by_label("Text").fill("Thank you, {name}, well done!")
    await panel.get_by_role("button", name="Save template").click()
    await expect(row.get_by_role("button", name="Change Thanks")).to_be_focused()
    await row.get_by_role("button", name="Thanks Thank you").click()
    await panel.get_by_label("name", exact=True).fill("Ben")
    await panel.get_by_role("button", name="Write it").click()
    await expect(ada.page.get_by_test_id("composer")).to_have_value("Thank you, Ben, well done!")

    panel = await ada.about()
    shared = panel.get_by_label("Templates of this chat")
    for number in (1, 2):
        await shared.get_by_role("button", name="New template").click()
        await shared.get_by_label("Name of the template").fill(f"Hours {number}")
        await shared.get_by_label("Text").fill("We are here from nine to five.")
        await shared.get_by_role("button", name="Save template").click()
        await expect(shared.get_by_test_id("template")).to_have_count(number)
    await shared.get_by_role("button", name="Change Hours 2").click()
    await shared.get_by_label("Name of the template").fill("Hours 1")
    await shared.get_by_role("button", name="Save template").click()
    await expect(shared.get_by_role("alert")).to_contain_text("There is a template named Hours 1")
    await shared.get_by_role("button", name="Delete Hours 2").click()
    await expect(shared.get_by_test_id("template")).to_have_count(1)
    await expect(shared).to_be_focused()
    await panel.get_by_role("button", name="Close").click()
    await ada.page.get_by_role("button", name="Later and often").click()
    await expect(ada.page.get_by_test_id("template")).to_contain_text(["Hours 1 of this chat", "Thanks"])
    await expect(ada.page.get_by_role("button", name="Change Hours 1")).to_have_count(0)
