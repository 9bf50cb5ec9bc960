"""Stories of marked texts: what the page makes of them, and never makes of them."""

from playwright.async_api import expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served

pytestmark = [*IN_A_BROWSER]

RICH = """**Bold**, _it_, `code`, https://example.org/a_b_c and [docs](https://example.org/d).

> quoted

- one
- two

```python
print("a long line", *range(1000))  # that is wider than any bubble, so that it has to be moved within its own block
```"""


async def test_marks_are_shown_as_what_they_mean(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada, ben = await open_window("ada"), await open_window("ben", width=390)
    for window in (ada, ben):
        await window.open_chat(chat)
        await window.is_connected()
    await ada.say(RICH)
    for window in (ada, ben):
        text = window.page.locator(".rich")
        for tag, shown in (("strong", "Bold"), ("em", "it"), ("p > code", "code"), ("blockquote", "quoted")):
            await expect(text.locator(tag)).to_have_text(shown)
        await expect(text.locator("li")).to_have_text(["one", "two"])
        links = [await link.get_attribute("href") for link in await text.locator("a").all()]
        assert links == ["https://example.org/a_b_c", "https://example.org/d"]
        block = text.locator("pre")
        assert await block.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
        assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_spoiler_opens_by_click_and_by_enter(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["It was ||the *cat*|| and ||the dog||."])
    ada = await open_window("ada")
    preview = ada.page.get_by_test_id(f"chat-{chat}")
    await expect(preview).to_contain_text("It was ▒▒▒ and ▒▒▒.")
    await ada.open_chat(chat)
    hidden = ada.page.get_by_role("button", name="Spoiler")
    await expect(hidden).to_have_count(2)
    await expect(ada.page.get_by_text("the dog")).not_to_be_visible()
    await hidden.first.click()
    await expect(ada.page.locator(".spoiler.open em")).to_have_text("cat")
    await hidden.first.focus()
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_text("the dog")).to_be_visible()


async def test_what_is_mentioned_between_marks_is_marked(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    async with served.connect("ben") as ben:
        await ben.say(chat, "**Look** @Ada, not `@Ada`", mentions=[await served.id("ada")])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await expect(ada.page.locator(".for-me .mention")).to_have_text(["@Ada"])


async def test_keys_put_marks_around_what_is_selected(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await open_window("ada")
    await ada.open_chat(chat)
    await ada.is_connected()
    composer = ada.page.get_by_test_id("composer")
    await composer.fill("now")
    await composer.press("Control+a")
    await composer.press("Control+b")
    await expect(composer).to_have_value("**now**")
    await composer.press("Control+i")
    await expect(composer).to_have_value("**_now_**")
    await composer.press("Control+i")
    await composer.press("Enter")
    await expect(ada.page.locator(".rich strong")).to_have_text("now")
    await ada.use("edit", "now")
    editor = ada.page.get_by_test_id("editor")
    await expect(editor).to_have_value("**now**")
    await editor.fill("later")
    await editor.press("Enter")
    await ada.sees("later")
    await expect(ada.page.locator(".rich")).to_have_count(0)


async def test_the_page_builds_nothing_else_whatever_the_server_says(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    await served.write(chat, author="ben", texts=["*plain*"])
    # Parsing alone makes the browser say that it would not have run that.
    ada = await open_window(expected=("Executing inline event handler", "CSP: script-src-attr"))
    evil = '<p>a<img src=x onerror=alert(1)><script>alert(1)</script><a href="javascript:alert(1)">b</a><b>c</b></p>'

    async def lie(route: object) -> None:
        answer = await route.fetch()  # type: ignore[attr-defined]
        body = await answer.json()
        for message in body["messages"]:
            message["html"] = evil
        await route.fulfill(response=answer, json=body)  # type: ignore[attr-defined]

    await ada.page.route("**/messages?*", lie)
    await ada.sign_in("ada", served.people["ada"])
    await ada.open_chat(chat)
    text = ada.page.locator(".rich")
    await expect(text).to_have_text("aalert(1)bc")
    await expect(text.locator("img, script, a, b")).to_have_count(0)
