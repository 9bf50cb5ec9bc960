"""Stories of what was said elsewhere."""

import asyncio
import os

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.test_search import look_for
from tests.preloaded import ROOT
from tests.world import manage

pytestmark = [*IN_A_BROWSER]
TEA = ROOT / "tests" / "data" / "telegram" / "tea.json"


async def test_what_came_from_telegram_says_so_and_is_found_by_its_link(
    served: Served, open_window: OpenWindow
) -> None:
    command = ("import_chat", "--format", "telegram", "--owner", "ada", str(TEA))
    await asyncio.to_thread(manage, served.server.folder, *command)
    ada = await open_window("ada")
    dialog = await look_for(ada, "telegram:https://t.me/c/1234567890/4")
    await expect(dialog.get_by_test_id("found")).to_have_count(1)
    if folder := os.environ.get("SHOTS"):
        await ada.page.screenshot(path=f"{folder}/found.png")
    await dialog.get_by_test_id("found").click()
    row = ada.page.get_by_test_id("message").filter(has_text="with rum")
    await expect(row).to_be_in_viewport()
    await expect(row).to_contain_text("Ben the tall")
    await expect(row.locator(".hint", has_text="via Telegram")).to_be_visible()
    await expect(row.locator(".text strong")).to_have_text("strong")
    if folder:
        await ada.page.screenshot(path=f"{folder}/imported.png")
