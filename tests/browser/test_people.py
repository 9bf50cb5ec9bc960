"""Stories of who is in a chat: roles, mutes, bans, links and leaving, live in every window."""

from playwright.async_api import Locator, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]


async def test_people_come_get_roles_and_go(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    panel = await ada.about()
    await panel.get_by_role("button", name="Add somebody").click()
    await panel.get_by_placeholder("Search by name").fill("cyd")
    await panel.get_by_role("button", name="cyd").click()
    await expect(member(panel, "Cyd")).to_have_count(1)

    theirs = await ben.about()
    await expect(member(theirs, "Cyd")).to_have_count(1)
    for name in ("Add somebody", "Save", "Archive chat", "Remove"):
        await expect(theirs.get_by_role("button", name=name)).to_have_count(0)
    await member(panel, "Ben").locator("summary").click()
    await member(panel, "Ben").get_by_label("Role of").select_option("moderator")
    await expect(member(theirs, "Ben")).to_contain_text("moderator")
    await member(theirs, "Cyd").locator("summary").click()
    await expect(member(theirs, "Cyd").get_by_role("button", name="8 hours")).to_be_visible()
    await expect(member(theirs, "Cyd").get_by_role("button", name="Remove")).to_have_count(0)

    await member(panel, "Cyd").locator("summary").click()
    await member(panel, "Cyd").get_by_role("button", name="Remove").click()
    for one in (panel, theirs):
        await expect(member(one, "Cyd")).to_have_count(0)


async def test_who_is_muted_sees_why_and_who_is_banned_is_out(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    ada.page.on("dialog", lambda dialog: dialog.accept())
    panel = await ada.about()
    await member(panel, "Ben").locator("summary").click()
    await member(panel, "Ben").get_by_role("button", name="1 hour").click()
    await expect(ben.page.get_by_test_id("silence")).to_contain_text("You may write again")
    await expect(ben.page.get_by_test_id("composer")).to_have_count(0)
    await member(panel, "Ben").get_by_role("button", name="Let speak again").click()
    await expect(ben.page.get_by_test_id("composer")).to_be_visible()

    await member(panel, "Ben").get_by_role("button", name="Ban").click()
    await expect(ben.page.get_by_test_id(f"chat-{chat}")).to_have_count(0)
    await panel.get_by_role("button", name="Lift the ban").click()
    await expect(panel.get_by_test_id("ban")).to_have_count(0)


async def test_a_link_lets_somebody_in_until_it_is_revoked(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada"], name="Tea kitchen")
    ada, ben = await open_window("ada"), await open_window("ben", expected=("status of 404",))
    await ada.open_chat(chat)
    panel = await ada.about()
    await panel.get_by_role("button", name="Make a link").click()
    link = await panel.get_by_label("Invite link", exact=True).input_value()
    await ben.is_connected()
    await ben.page.goto(link)
    await expect(ben.page.get_by_role("heading", name="Tea kitchen")).to_be_visible()
    await expect(member(panel, "Ben")).to_have_count(1)

    leaving = await ben.about()
    ben.page.on("dialog", lambda dialog: dialog.accept())
    await leaving.get_by_role("button", name="Leave chat").click()
    await expect(ben.page.get_by_test_id(f"chat-{chat}")).to_have_count(0)
    await expect(ben.page.get_by_role("alert")).to_have_count(0)
    await panel.get_by_role("button", name="Revoke").click()
    await expect(panel.get_by_test_id("invite")).to_have_count(0)
    await ben.page.goto(link)
    await expect(ben.page.get_by_role("alert")).to_contain_text("no such invite")


async def test_the_last_owner_is_told_why_they_cannot_leave(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Tea kitchen")
    ada = await open_window("ada", expected=("status of 409",))
    await ada.open_chat(chat)
    ada.page.on("dialog", lambda dialog: dialog.accept())
    panel = await ada.about()
    await panel.get_by_role("button", name="Leave chat").click()
    await expect(panel.get_by_role("alert")).to_contain_text("owner")


def member(panel: Locator, name: str) -> Locator:
    """The row of somebody in the panel of a chat."""
    return panel.get_by_test_id("member").filter(has_text=name)
