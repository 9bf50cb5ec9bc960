"""Stories of what people set up for programs on the page: addresses that are told, bots, user groups."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.staff import Staff

pytestmark = [*IN_A_BROWSER, pytest.mark.own_server]


async def test_an_address_is_told_of_a_chat(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada")
    await ada.open_chat(chat)
    panel = (await ada.about()).get_by_label("Programs that are told")
    await panel.get_by_label("Address").fill("https://ci.example.org/chat")
    await panel.get_by_label("reactions").check()
    await panel.get_by_role("button", name="Tell this address").click()
    await expect(panel.get_by_label("signed with this secret")).to_have_value(re.compile("^whsec_"))
    row = panel.get_by_test_id("outgoing")
    await expect(row).to_contain_text("works")
    (made,) = (await served.rest("ada", "GET", f"/api/chats/{chat}/outgoing-webhooks")).body["webhooks"]
    assert made["events"] == ["chat.message.sent.v1", "chat.reaction.added.v1", "chat.reaction.removed.v1"]
    await row.get_by_role("button", name="Deliveries").click()
    await expect(row).to_contain_text("It was told nothing yet.")
    await served.rest("ben", "POST", f"/api/chats/{chat}/messages", {"content": "hello"})
    await served.until(
        "ada", f"/api/chats/{chat}/outgoing-webhooks/{made['id']}/deliveries", lambda body: body["deliveries"]
    )
    await row.get_by_role("button", name="Hide deliveries").click()
    await row.get_by_role("button", name="Deliveries").click()
    await expect(row.get_by_test_id("delivery")).to_contain_text("chat.message.sent.v1")
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)


async def test_staff_make_a_bot_and_a_group_that_is_mentioned(served: Served, open_window: OpenWindow) -> None:
    staff = Staff(served)
    await staff.log_in()
    await staff.act("add_to_company", await served.id("sam"), company=staff.company("Ours"))
    await staff.browser.aclose()
    sam = await open_window("sam", expected=("400",))
    await sam.is_connected()
    await sam.page.get_by_role("button", name="Your account").click()
    panel = sam.page.get_by_role("dialog")
    await panel.get_by_text("Bots, user groups and templates").click()
    await panel.get_by_label("User name of a new bot").fill("deploys")
    await panel.get_by_label("Name", exact=True).fill("Deploys")
    await panel.get_by_role("button", name="Make bot").click()
    bot = panel.get_by_test_id("bot")
    await expect(bot).to_contain_text("@deploys")
    await bot.get_by_role("button", name="Tokens").click()
    await bot.get_by_text("Make a token").click()
    await bot.get_by_label("What for").fill("A runner")
    await bot.get_by_label("write messages").check()
    await bot.get_by_role("button", name="Make token").click()
    await expect(bot.get_by_label("Your new token")).to_have_value(re.compile("^chat_"))
    await bot.get_by_role("button", name="Commands").click()
    commands = bot.get_by_label("Commands")
    for name, usage in (("deploy", "BRANCH"), ("rollback", "")):
        await commands.get_by_role("button", name="New command").click()
        await commands.get_by_label("after the /").fill(name)
        await commands.get_by_label("What it does").fill(f"Does a {name}")
        await commands.get_by_label("What follows it").fill(usage)
        await commands.get_by_role("button", name="Save command").click()
        await expect(commands.get_by_role("button", name="New command")).to_be_focused()
    rows = commands.get_by_test_id("command")
    await expect(rows).to_contain_text(["/deploy BRANCH", "/rollback"])
    await commands.get_by_role("button", name="Change rollback").click()
    await commands.get_by_label("after the /").fill("deploy")
    await commands.get_by_role("button", name="Save command").click()
    await expect(commands.get_by_role("alert")).to_contain_text("a name is there twice")
    await commands.get_by_label("after the /").fill("revert")
    await commands.get_by_role("button", name="Save command").click()
    await expect(rows).to_contain_text(["/deploy", "/revert"])
    await commands.get_by_role("button", name="Delete deploy").click()
    await expect(rows).to_have_count(1)
    await panel.get_by_role("button", name="New group").click()
    await panel.get_by_label("Mentioned as @").fill("support")
    await panel.get_by_placeholder("Search by name").fill("ben")
    await panel.get_by_label("ben").check()
    await panel.get_by_role("button", name="Save group").click()
    await expect(panel.get_by_test_id("user-group")).to_contain_text("Ben")
    shared = panel.get_by_label("Templates of Ours")
    await shared.get_by_role("button", name="New template").click()
    await shared.get_by_label("Name of the template").fill("On call")
    await shared.get_by_label("Text").fill("{who} is on call.")
    await shared.get_by_role("button", name="Save template").click()
    await expect(shared.get_by_test_id("template")).to_contain_text("is on call.")

    chat = await served.chat(["ada", "ben"])
    ada, ben = await open_window("ada"), await open_window("ben")
    await ada.open_chat(chat)
    await ada.is_connected()
    composer = ada.page.get_by_test_id("composer")
    await composer.press_sequentially("it is down, @supp")
    await expect(ada.page.get_by_role("option")).to_have_count(1)
    await composer.press("Enter")
    await composer.press("Enter")
    await expect(ada.page.locator(".mention")).to_have_text("@support")
    await expect(ben.page.get_by_test_id(f"chat-{chat}").get_by_label("You are mentioned")).to_be_visible()
