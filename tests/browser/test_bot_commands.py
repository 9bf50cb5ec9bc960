"""Stories of the commands of bots: offered after a slash, invoked, and answered in private."""

from playwright.async_api import expect

from tests.bots import bot
from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.world import Device

pytestmark = [*IN_A_BROWSER]
OFFERED = [
    {"name": "deploy", "description": "Deploys a branch", "usage": "BRANCH"},
    {"name": "depend", "description": "Says what depends on a service"},
]


async def test_a_command_is_offered_invoked_and_answered(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Releases")
    program = await bot(served, "releaser", chat=chat)
    await program.ask("PUT", "/api/me/commands", {"commands": OFFERED})
    device = Device(served, "bot")
    await device.open_raw(headers={"Authorization": f"Bearer {program.token}"})
    await device.expect("READY")
    ada = await open_window("ada", width=390)
    await ada.open_chat(chat)
    await ada.is_connected()
    composer, menu = ada.page.get_by_test_id("composer"), ada.page.get_by_role("listbox", name="Ask a bot")
    await composer.press_sequentially("/de")
    await expect(menu.get_by_role("option")).to_have_count(2)
    await expect(menu.get_by_role("option").nth(1)).to_contain_text("BRANCH")
    await composer.press("ArrowDown")
    await composer.press("Enter")
    await expect(composer).to_have_value("/deploy ")
    await composer.press_sequentially("main")
    await composer.press("Enter")
    told = (await device.expect("ME", kind="command"))["state"]
    assert (told["command"], told["text"], told["userId"]) == ("deploy", "main", await served.id("ada"))
    await expect(composer).to_have_value("")
    path = f"/api/invocations/{told['invocationId']}/answers"
    await program.ask("POST", path, {"content": "`main` has **3 changes**.", "private": True})
    mine = ada.page.get_by_test_id("private-answer")
    await expect(mine).to_contain_text("Only you see this")
    await expect(mine.locator("strong").last).to_have_text("3 changes")
    await program.ask("POST", path, {"content": "Deployed main."})
    await expect(ada.messages("Deployed main.")).to_be_visible()
    await mine.get_by_role("button", name="Dismiss").click()
    await expect(mine).to_have_count(0)
    await device.close()


async def test_what_is_no_command_is_said_only_when_one_says_so(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"], name="Slashes")
    ada = await open_window("ada", expected=("404",))
    await ada.open_chat(chat)
    await ada.is_connected()
    composer, refused = ada.page.get_by_test_id("composer"), ada.page.get_by_test_id("refused")
    await composer.fill("/shrug about it")
    await composer.press("Enter")
    await expect(refused).to_contain_text("There is no such command")
    await expect(composer).to_have_value("/shrug about it")
    await expect(ada.messages("/shrug about it")).to_have_count(0)
    await refused.get_by_role("button", name="Send as text").click()
    await expect(ada.messages("/shrug about it")).to_be_visible()
    await expect(refused).to_have_count(0)
    for typed, said in (("//deploy", "/deploy"), ("/etc/hosts", "/etc/hosts")):
        await composer.fill(typed)
        await composer.press("Enter")
        await expect(ada.messages(said)).to_be_visible()
