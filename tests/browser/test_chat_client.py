"""The client by itself, in a page that is not ours: no import map, no framework."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import IN_A_BROWSER, Served
from tests.browser.window import SERVER_AWAY, Window

pytestmark = [*IN_A_BROWSER]
EXAMPLE = "static/chat-client/example.html"


@pytest.mark.own_server
async def test_the_example_reads_sends_hears_and_comes_back(served: Served, browser: Browser) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["Before."])
    context = await browser.new_context()
    ada = await Window.open(context, served.url, at=f"{EXAMPLE}#{chat}", expected=SERVER_AWAY)
    await ada.page.get_by_placeholder("Name").fill("ada")
    await ada.page.get_by_placeholder("Password").fill("pw")
    await ada.page.get_by_role("button").click()
    said = ada.page.get_by_role("listitem")
    await expect(said).to_have_text(["Before."])
    await ada.page.get_by_placeholder("Message").fill("Hello.")
    await ada.page.keyboard.press("Enter")
    await expect(said).to_have_text(["Before.", "Hello."])
    served.stop()
    await expect(ada.page.locator("#state")).not_to_have_text("online")
    await ada.page.get_by_placeholder("Message").fill("While away.")
    await ada.page.keyboard.press("Enter")
    served.start()
    await served.write(chat, author="ben", texts=["Back."])
    await expect(said).to_have_count(4)
    assert {message["content"] for message in await served.history("ben", chat)} == {
        "Before.", "Hello.", "While away.", "Back.",
    }  # fmt: skip
    assert ada.problems == []
    await context.close()
