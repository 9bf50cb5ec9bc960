"""Stories of polls: asking, voting, seeing how it stands, and closing."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import Window

pytestmark = [*IN_A_BROWSER]


async def ask(window: Window, question: str, *options: str, anonymous: bool = False, several: bool = False) -> None:
    """Ask by the composer's dialog."""
    await window.page.get_by_test_id("ask-poll").click()
    dialog = window.page.get_by_role("dialog")
    await dialog.get_by_label("Question").fill(question)
    for number, option in enumerate(options, start=1):
        await dialog.get_by_label(f"Option {number}", exact=True).fill(option)
    if anonymous:
        await dialog.get_by_label("Anonymous").check()
    if several:
        await dialog.get_by_label("Several answers").check()
    await dialog.get_by_role("button", name="Ask").click()
    await expect(dialog).to_have_count(0)


async def test_a_poll_is_asked_answered_and_closed(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben", "cyd"], name="Lunches")
    ada, ben = await open_window("ada"), await open_window("ben", width=390)
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ask(ada, "Where do we eat?", "At the harbour", "In the park", "At home")
    mine, theirs = ada.messages("Where do we eat?"), ben.messages("Where do we eat?")
    await theirs.get_by_role("button", name="In the park").click()
    chosen = theirs.get_by_test_id("option").nth(1)
    await expect(chosen).to_have_attribute("aria-pressed", "true")
    await expect(mine.get_by_test_id("option").nth(1)).to_contain_text("1 · 100%")
    await expect(mine.get_by_test_id("option").nth(1)).to_have_attribute("title", "Ben")
    await theirs.get_by_role("button", name="At the harbour").click()
    await expect(chosen).to_have_attribute("aria-pressed", "false")
    await mine.get_by_role("button", name="In the park").click()
    await expect(theirs.get_by_test_id("poll-state")).to_contain_text("2 voted")
    await mine.get_by_role("button", name="Who voted").click()
    voters = ada.page.get_by_test_id("voters")
    await expect(voters.nth(0)).to_have_text("Ben")
    await expect(voters.nth(1)).to_have_text("Ada")
    await ada.page.get_by_role("button", name="Close", exact=True).click()
    await theirs.get_by_role("button", name="At the harbour").click()
    await expect(mine.get_by_test_id("poll-state")).to_contain_text("1 voted")
    await expect(theirs.get_by_role("button", name="Close poll")).to_have_count(0)
    await mine.get_by_role("button", name="Close poll").click()
    await expect(theirs.get_by_test_id("poll-state")).to_contain_text("closed")
    await expect(theirs.get_by_test_id("option").first).to_be_disabled()


async def test_an_anonymous_poll_names_nobody(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Ballots")
    ada, ben = await open_window("ada"), await open_window("ben")
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.page.get_by_test_id("composer").fill("Which ones?")
    await ask(ada, "Which ones?", "The red", "The green", anonymous=True, several=True)
    await expect(ada.page.get_by_test_id("composer")).to_have_value("")
    mine, theirs = ada.messages("Which ones?"), ben.messages("Which ones?")
    for name in ("The red", "The green"):
        await theirs.get_by_role("button", name=name).click()
        await expect(theirs.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    await expect(mine.get_by_test_id("option").nth(1)).to_contain_text("1 · 100%")
    await expect(mine.get_by_test_id("option").nth(1)).to_have_attribute("title", "")
    await expect(mine.get_by_role("button", name="Who voted")).to_have_count(0)
    await expect(mine.get_by_test_id("poll-state")).to_contain_text("1 voted · several answers · anonymous")
    await ben.page.reload()
    await expect(ben.messages("Which ones?").get_by_test_id("option").nth(0)).to_have_attribute("aria-pressed", "true")
