"""A browser window as a person uses it."""

from contextlib import suppress
from typing import Any, Self

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, TimeoutError, expect

from tests.world import in_time

ANSWER_MS = 20_000  # a machine with two busy cores shows it within this, or the test fails
CLICK_MS = 2_000  # after which a row is pointed at again
expect.set_options(timeout=ANSWER_MS)

# What the browser itself writes to the console while the server is away.
SERVER_AWAY = ("net::ERR_CONNECTION_", "net::ERR_EMPTY_RESPONSE", "WebSocket connection to")

_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""
_FIRST_ROW_IN_SIGHT = """
(box) => {
  const top = box.getBoundingClientRect().top;
  const rows = [...box.querySelectorAll("[data-testid=message]")];
  const row = rows.find((row) => row.getBoundingClientRect().top >= top);
  return { id: row.dataset.messageId, top: row.getBoundingClientRect().top };
}
"""


class Window:
    """One window; `problems` holds the errors it reported, but for those the test expects."""

    def __init__(self, page: Page, url: str, expected: tuple[str, ...]) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        self._expected = expected
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"{error.message}\n{error.stack}"))
        page.set_default_timeout(ANSWER_MS)

    @classmethod
    async def open(cls, context: BrowserContext, url: str, *, expected: tuple[str, ...] = (), at: str = "") -> Self:
        """Open the page, or a place within it (a hash)."""
        page = await context.new_page()
        await page.add_init_script(_TELL_VIOLATIONS)
        window = cls(page, url, expected)
        await page.goto(f"{url}/{at}")
        return window

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self._expected):
            self.problems.append(message.text)

    async def sign_in(self, name: str, password: str) -> None:
        """Fill in the form and send it."""
        await self.page.get_by_test_id("username").fill(name)
        await self.page.get_by_test_id("password").fill(password)
        await self.page.get_by_test_id("submit").click()

    async def open_chat(self, chat: str) -> None:
        """Choose a chat in the list."""
        await self.page.get_by_test_id(f"chat-{chat}").click()

    async def say(self, text: str) -> None:
        """Write a message and press Enter."""
        await self.page.get_by_test_id("composer").fill(text)
        await self.page.get_by_test_id("composer").press("Enter")

    def messages(self, text: str | None = None, *, status: str | None = None) -> Locator:
        """The rows of the open chat, or those with a text and status."""
        rows = self.page.get_by_test_id("message")
        if text is not None:
            rows = rows.filter(has=self.page.locator(".text").get_by_text(text, exact=True))
        return rows.and_(self.page.locator(f'[data-status="{status}"]')) if status else rows

    async def sees(self, text: str, *, status: str = "sent") -> None:
        """Wait until exactly one message has this text, and this status."""
        await expect(self.messages(text, status=status)).to_have_count(1)
        await expect(self.messages(text)).to_have_count(1)

    async def use(self, tool: str, text: str) -> None:
        """Click a tool of a message; a row that is drawn anew under the pointer is pointed at again."""
        async with in_time(f"{tool} of {text!r} is clicked"):
            while True:
                await self.messages(text).hover()
                with suppress(TimeoutError):
                    await self.messages(text).get_by_test_id(tool).click(timeout=CLICK_MS)
                    return

    def badge(self, chat: str) -> Locator:
        """The number of unread messages of a chat in the list."""
        return self.page.get_by_test_id(f"chat-{chat}").get_by_label("unread")

    async def about(self) -> Locator:
        """Open the panel of the open chat."""
        await self.page.get_by_role("button", name="About this chat").click()
        return self.page.get_by_role("dialog")

    async def texts(self) -> list[str]:
        """What the rows of the open chat say, from top to bottom."""
        return await self.page.get_by_test_id("message").locator(".text").all_inner_texts()

    async def is_connected(self, state: str = "online") -> None:
        """Wait until the connection is in a state: online, connecting, waiting or offline."""
        banner = self.page.get_by_test_id("connection")
        await expect(banner).to_have_attribute("data-state", state)

    async def first_row(self) -> dict[str, Any]:
        """The id of the first whole row in sight and its distance from the top in px."""
        row: dict[str, Any] = await self.page.get_by_role("log").evaluate(_FIRST_ROW_IN_SIGHT)
        return row

    async def scroll_to(self, top: int) -> None:
        """Scroll the messages to this many px from their top."""
        await self.page.get_by_role("log").evaluate("(box, top) => { box.scrollTop = top; }", top)
