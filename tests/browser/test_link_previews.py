"""Stories of link previews: a chat wants them, a card shows what a link leads to, and somebody takes it away."""

import os

import pytest
from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.receiver import site

pytestmark = [*IN_A_BROWSER]


async def test_a_card_shows_what_a_link_leads_to_until_it_is_taken_away(
    served: Served, open_window: OpenWindow
) -> None:
    chat = await served.chat(["ada", "ben"], name="Reading")
    ada, ben = await open_window("ada"), await open_window("ben", width=390)
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    wanted = (await ada.about()).get_by_label("Show what links lead to")
    await wanted.click()
    await expect(wanted).to_be_checked()
    await ada.page.keyboard.press("Escape")
    async with site() as pages:
        about = "<meta name=description content='Where the leaves come from, how hot the water is, and why.'>"
        named = "<meta property=og:site_name content='The tea <b>book</b>'>"
        url = pages.put("/tea", f"<title>A history of tea, from its beginnings to this very day</title>{about}{named}")
        await ben.say(f"Read this: {url}")
        mine, theirs = (one.messages().filter(has_text="Read this") for one in (ada, ben))
        for message in (mine, theirs):
            await expect(message.get_by_test_id("preview")).to_contain_text(
                f"The tea <b>book</b> · {url.split('/')[2]}"
            )
    link = mine.get_by_role("link", name="A history of tea")
    await expect(link).to_have_attribute("href", url)
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await ada.page.reload()
    await expect(mine.get_by_test_id("preview")).to_have_count(1)
    if folder := os.environ.get("SHOTS"):
        for window, name in ((ada, "wide"), (ben, "phone")):
            for scheme in ("light", "dark"):
                await window.page.emulate_media(color_scheme=scheme)
                await window.page.screenshot(path=f"{folder}/previews-{name}-{scheme}.png")
    await theirs.get_by_test_id("remove-previews").click()
    for message in (mine, theirs):
        await expect(message.get_by_test_id("previews")).to_have_count(0)


@pytest.mark.own_server
async def test_nobody_is_offered_what_the_server_does_not_do(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada"], name="Plain")
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.is_connected()
    about = await ada.about()
    await expect(about.get_by_label("Slow mode")).to_be_visible()
    await expect(about.get_by_label("Show what links lead to")).to_have_count(0)
