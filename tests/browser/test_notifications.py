"""Stories of the browser's notifications, which a list stands in for where there is no service worker."""

from playwright.async_api import Page, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.browser.window import Window

pytestmark = [*IN_A_BROWSER]

# A browser without service workers. All that is shown is listed, with `close` and `onclick` as the browser has
# them; the permission is kept over reloads.
_LISTED = """
delete Navigator.prototype.serviceWorker;
const shown = (window.shown = []);
window.Notification = class {
  static permission = localStorage.getItem("test.permission") ?? "default";
  static async requestPermission() {
    localStorage.setItem("test.permission", "granted");
    return (window.Notification.permission = "granted");
  }
  constructor(title, options) {
    Object.assign(this, options, { title });
    document.documentElement.dataset.shown = shown.push(this);
  }
  close() {
    this.isClosed = true;
    document.documentElement.dataset.closed = shown.filter(({ isClosed }) => isClosed).length;
  }
};
"""
_AWAY = "document.hasFocus = () => false; dispatchEvent(new Event('blur'))"
_BACK = "delete document.hasFocus; dispatchEvent(new Event('focus'))"


async def listed(window: Window) -> Window:
    """The window with a list in place of what the browser would show."""
    await window.is_connected()
    await window.page.add_init_script(_LISTED)
    await window.page.reload()
    await window.is_connected()
    return window


async def shown(page: Page, number: int) -> list[list[str]]:
    """Title, text and chat of what was shown, once it is so many."""
    await expect(page.locator("html")).to_have_attribute("data-shown", str(number))
    found: list[list[str]] = await page.evaluate("shown.map(({ title, body, tag }) => [title, body, tag])")
    return found


async def turn_on(window: Window) -> None:
    """Let this browser notify."""
    await window.page.get_by_role("button", name="Your account").click()
    await window.page.get_by_role("button", name="Notify me in this browser").click()
    await expect(window.page.get_by_label("Show what messages say")).to_be_checked()


async def test_one_window_that_is_not_looked_at_notifies(served: Served, open_window: OpenWindow) -> None:
    chat, quiet = await served.chat(["ada", "ben"]), await served.chat(["ada", "ben"])
    await served.rest("ada", "PUT", f"/api/chats/{quiet}/notifications", {"level": "mentions"})
    ada = await listed(await open_window("ada"))
    await turn_on(ada)
    await ada.page.keyboard.press("Escape")
    other = await Window.open(ada.page.context, served.url)
    await listed(other)
    for window in (ada, other):
        await window.page.evaluate(_AWAY)
    await served.write(quiet, author="ben", texts=["unheard"])
    await served.write(chat, author="ben", texts=["it was ||the butler||"])
    ben = (await served.rest("ben", "GET", "/api/me")).body["name"] or "ben"
    name = (await served.rest("ada", "GET", f"/api/chats/{chat}")).body["name"]
    assert await shown(ada.page, 1) == [[f"{ben} in {name}", "it was ▒▒▒", chat]]
    named = {"content": "hello ada", "mentions": [await served.id("ada")]}
    said = (await served.rest("ben", "POST", f"/api/chats/{quiet}/messages", named)).body
    assert (await shown(ada.page, 2))[1][1:] == ["hello ada", quiet]
    assert await other.page.evaluate("shown.length") == 0
    # A click leads to the message, and what is read closes the rest.
    await ada.page.evaluate(f"{_BACK}; shown[1].onclick()")
    await expect(ada.page).to_have_url(f"{served.url}/#/chat/{quiet}/{said['id']}")
    await ada.sees("hello ada")
    await ada.open_chat(chat)
    await expect(ada.page.locator("html")).to_have_attribute("data-closed", "2")
    assert other.problems == []


async def test_nothing_is_shown_to_who_looks_wants_none_or_is_busy(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    ada = await listed(await open_window("ada"))
    await ada.page.evaluate(_AWAY)
    await served.write(chat, author="ben", texts=["before it was asked for"])
    await expect(ada.badge(chat)).to_have_text("1")
    await turn_on(ada)
    await ada.page.get_by_label("Show what messages say").uncheck()
    await ada.page.keyboard.press("Escape")
    await ada.page.evaluate(_BACK)
    await served.write(chat, author="ben", texts=["while she looks"])
    await expect(ada.badge(chat)).to_have_text("2")
    await ada.page.evaluate(_AWAY)
    await served.write(chat, author="ben", texts=["at last"])
    assert [row[1:] for row in await shown(ada.page, 1)] == [["A new message", chat]]
    await served.rest("ada", "PATCH", "/api/me/presence", {"status": "DND"})
    await expect(ada.page.get_by_label("Do not disturb").first).to_be_visible()
    await served.write(chat, author="ben", texts=["while she is busy"])
    await expect(ada.badge(chat)).to_have_text("4")
    assert len(await shown(ada.page, 1)) == 1
