"""A real browser, and a server of its own to open, stop and start again."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.window import Window
from tests.world import PASSWORD, PEOPLE, Server, World

# A sandbox needs rights that containers rarely give; the tests open no page but our own.
# What its address bar would offer is a page of its own in each window, which took three times the CPU of ours; the
# list replaces Playwright's, whose others are those that a page of one's own server can meet.
WITHOUT = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints",
    "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
)  # fmt: skip
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", f"--disable-features={','.join(WITHOUT)}"
]  # fmt: skip

# One browser for all, in the event loop of the session: to start one took as long as the test, and where each test
# process had one, tests that took three seconds took ten, and clicks went beside what moved meanwhile.
IN_A_BROWSER = (
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
)

OpenWindow = Callable[..., Awaitable[Window]]


class Served(World):
    """The world of one server that the test may stop."""

    people = dict.fromkeys(PEOPLE, PASSWORD)

    @property
    def url(self) -> str:
        """The base address, the same after a restart."""
        return self.server.url

    def stop(self) -> None:
        """End the server as a power cut does."""
        self.server.kill()

    def start(self) -> None:
        """Start it again on the same port and data."""
        self.server.start()

    async def write(self, chat: str, *, author: str, texts: list[str]) -> None:
        """Put messages into a chat, in order."""
        async with self.connect(author) as device:
            for text in texts:
                await device.say(chat, text)


@pytest_asyncio.fixture(loop_scope="session")
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """The running server that a process' tests share, or one of its own where `own_server` marks a test."""
    alone = request.node.get_closest_marker("own_server")
    server: Server = (
        request.getfixturevalue("make_server")(**alone.kwargs) if alone else request.getfixturevalue("shared_server")
    )
    async with Served(server) as served:
        yield served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A browser without a screen; its windows have cookies of their own."""
    if (chromium := shutil.which("chromium")) is None:
        pytest.fail("needs chromium on the PATH: make browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser: Browser, served: Served) -> AsyncIterator[OpenWindow]:
    """Opens windows, each with cookies of its own; at the end nothing may have gone wrong in any."""
    windows: list[Window] = []

    async def open_window(name: str | None = None, *, width: int = 1200, expected: tuple[str, ...] = ()) -> Window:
        context = await browser.new_context(viewport={"width": width, "height": 800})
        window = await Window.open(context, served.url, expected=expected)
        windows.append(window)
        if name is not None:
            await window.sign_in(name, served.people[name])
        return window

    yield open_window
    for window in windows:
        await window.page.context.close()
    assert [problem for window in windows for problem in window.problems] == []
