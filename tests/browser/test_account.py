"""Stories of one's own account: a name, a password, and where one is signed in."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.world import PASSWORD

pytestmark = [*IN_A_BROWSER, pytest.mark.own_server]

UNAUTHORIZED = ("status of 401",)


async def test_one_signs_out_elsewhere(served: Served, open_window: OpenWindow) -> None:
    here, there = await open_window("ada"), await open_window("ada", expected=UNAUTHORIZED)
    for window in (here, there):
        await window.is_connected()
    await here.page.get_by_role("button", name="Your account").click()
    dialog = here.page.get_by_role("dialog")
    sessions = dialog.get_by_test_id("session")
    await expect(sessions).to_have_count(2)
    await expect(sessions.filter(has_text="this one")).to_contain_text("Chrome on Linux")
    await dialog.get_by_role("button", name="Sign out").click()
    await expect(sessions).to_have_count(1)
    await expect(there.page.get_by_test_id("username")).to_be_visible()
    await expect(there.page.get_by_text("Your session has ended.")).to_be_visible()


async def test_one_takes_another_name(served: Served, open_window: OpenWindow) -> None:
    ada = await open_window("ada")
    await ada.page.get_by_role("button", name="Your account").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Your name").fill("Ada Lovelace")
    await dialog.get_by_role("button", name="Save name").click()
    await expect(ada.page.locator(".own-name")).to_have_text("Ada Lovelace")
    assert (await served.rest("ada", "GET", "/api/me")).body["name"] == "Ada Lovelace"


async def test_one_changes_the_password(served: Served, open_window: OpenWindow) -> None:
    refused = ("status of 400", "status of 401", "status of 403")
    ada = await open_window("ada", expected=refused)
    await ada.page.get_by_role("button", name="Your account").click()
    dialog = ada.page.get_by_role("dialog")
    for old, new in (("not hers", "a fine new secret"), (PASSWORD, "a fine new secret")):
        await dialog.get_by_label("Current password").fill(old)
        await dialog.get_by_label("New password").fill(new)
        await dialog.get_by_role("button", name="Change password").click()
        if old != PASSWORD:
            await expect(dialog.get_by_role("alert")).not_to_be_empty()
    await expect(dialog.get_by_role("status")).to_contain_text("The password is changed.")

    again = await open_window()
    await again.sign_in("ada", "a fine new secret")
    await again.is_connected()


async def test_a_token_is_shown_once_and_revoked(served: Served, open_window: OpenWindow) -> None:
    ada = await open_window("ada")
    await ada.page.get_by_role("button", name="Your account").click()
    panel = ada.page.get_by_role("dialog")
    await panel.get_by_text("Make a token").click()
    await panel.get_by_label("What for").fill("Build server")
    await panel.get_by_label("write messages").check()
    await panel.get_by_role("button", name="Make token").click()
    await expect(panel.get_by_label("Your new token")).to_have_value(re.compile(r"chat_[0-9a-f]{32}_[\w-]{43}"))
    row = panel.get_by_test_id("api-token")
    await expect(row).to_contain_text("write messages; until")
    await row.get_by_role("button", name="Revoke").click()
    await expect(row).to_have_count(0)


@pytest.mark.own_server(environment={"CHAT_MAIL_DIGEST": "on"})
async def test_one_asks_for_mails_of_what_one_missed(served: Served, open_window: OpenWindow) -> None:
    await served.rest("ada", "PATCH", "/api/me", {"email": "ada@example.org", "password": PASSWORD})
    ada = await open_window("ada")
    await ada.page.get_by_role("button", name="Your account").click()
    mails = ada.page.get_by_role("dialog").get_by_label("Mails", exact=True)
    await mails.get_by_label("Mail me what I missed").select_option("once a day")
    await mails.get_by_role("button", name="Send me a test mail").click()
    await expect(mails.get_by_role("status")).to_have_text("A test is on its way to your mail address.")
    await served.mail("ada@example.org")
    await mails.get_by_label("Mail me what I missed").select_option("never")
    await expect(mails.get_by_role("button")).to_have_count(0)
    assert (await served.rest("ada", "GET", "/api/me/mail-digest")).body["frequency"] == "never"
