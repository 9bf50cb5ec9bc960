"""The service worker and Web Push, in a browser whose maker's push service the test stands in for."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.browser.conftest import IN_A_BROWSER, OpenWindow, Served
from tests.push_browser import Browser
from tests.receiver import receiving

pytestmark = [*IN_A_BROWSER]

PATH = "/api/me/push-subscriptions"
LOCAL = {"CHAT_WEBHOOK_ALLOW": "127.0.0.0/8,::1"}

# What needs the push service of the browser's maker, which no test can ask; the browser keeps it over reloads.
_STAND_IN = """
const kept = "test.push-key";
const made = (key) => ({
  options: { applicationServerKey: Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0)).buffer },
  toJSON: () => (%s),
  unsubscribe: async () => localStorage.removeItem(kept),
});
PushManager.prototype.getSubscription = async () => localStorage.getItem(kept) && made(localStorage.getItem(kept));
PushManager.prototype.subscribe = async ({ applicationServerKey: key }) => {
  localStorage.setItem(kept, key.replaceAll("-", "+").replaceAll("_", "/"));
  return made(localStorage.getItem(kept));
};
"""
_SHOWN = """async () => {
  const { getNotifications } = ServiceWorkerRegistration.prototype;
  const shown = await getNotifications.call(await navigator.serviceWorker.ready);
  return JSON.stringify(shown.map(({ title, body, tag }) => [title, body, tag]).sort());
}"""
_CLICK = """async (tag) => {
  const [notification] = await registration.getNotifications({ tag });
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""
_AWAY = "document.hasFocus = () => false; dispatchEvent(new Event('blur'))"


async def shows(page: Page, *wanted: list[str]) -> None:
    """Wait until the browser shows these, as title, text and tag."""
    found = f"async (wanted) => (await ({_SHOWN})()) === wanted"
    await page.wait_for_function(found, arg=json.dumps(sorted(wanted), ensure_ascii=False, separators=(",", ":")))


class Worker:
    """The service worker, as the browser's maker and its person reach it."""

    def __init__(self, session: CDPSession, origin: str, registration: str) -> None:
        self._session, self._origin, self._registration = session, origin, registration

    @classmethod
    async def of(cls, page: Page, origin: str) -> "Worker":
        """That of an origin, by way of some page."""
        session, found = await page.context.new_cdp_session(page), asyncio.get_running_loop().create_future()

        def heard(event: dict[str, Any]) -> None:
            if event["registrations"] and not found.done():
                found.set_result(event["registrations"][0]["registrationId"])

        session.on("ServiceWorker.workerRegistrationUpdated", heard)
        await session.send("ServiceWorker.enable")
        async with asyncio.timeout(20):
            return cls(session, origin, await found)

    async def push(self, note: dict[str, Any]) -> None:
        """Hand over what the server sent, as the browser does once it has decrypted it."""
        where = {"origin": self._origin, "registrationId": self._registration}
        await self._session.send("ServiceWorker.deliverPushMessage", where | {"data": json.dumps(note)})


@pytest.mark.own_server(environment=LOCAL)
async def test_what_is_new_is_shown_whether_the_page_is_open_or_closed(served: Served, open_window: OpenWindow) -> None:
    chat = await served.chat(["ada", "ben"])
    async with receiving() as receiver:
        browser = Browser(receiver)
        script = await served.rest(None, "GET", "/sw.js")
        assert (script.headers["content-type"], script.headers["cache-control"]) == ("text/javascript", "no-cache")
        # The place she goes to has no icon.
        ada = await open_window("ada", expected=("404 (Not Found)", "401 (Unauthorized)"))
        await ada.is_connected()
        page, context = ada.page, ada.page.context
        await context.grant_permissions(["notifications"], origin=served.url)
        await page.add_init_script(_STAND_IN % json.dumps(browser.subscription))
        await page.reload()
        await ada.is_connected()
        # She has this browser told, tries it, and lets the open page tell her too.
        await page.get_by_role("button", name="Your account").click()
        panel = page.get_by_role("dialog").get_by_label("Notifications")
        await panel.get_by_role("button", name="Notify this browser when it is closed").click()
        await panel.get_by_role("button", name="Send me a test").click()
        await expect(panel.get_by_role("status")).to_have_text("A test is on its way to this browser.")
        key = (await served.rest("ada", "GET", PATH)).body["key"]
        worker = await Worker.of(page, served.url)
        tested = (await browser.next(server_key=key))[1]
        test = [tested["title"], tested["body"], "test"]
        await worker.push(tested)
        await shows(page, test)
        await panel.get_by_role("button", name="Notify me in this browser").click()
        await panel.get_by_label("Show what messages say").uncheck()
        await page.keyboard.press("Escape")
        await page.evaluate(_AWAY)
        name = (await served.rest("ada", "GET", f"/api/chats/{chat}")).body["name"]
        await served.write(chat, author="ben", texts=["while it is open"])
        await shows(page, test, [f"Ben in {name}", "A new message", chat])
        # The page is gone, and what is pushed takes the place of what it has shown.
        assert receiver.came.empty()
        await served.rest("ada", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
        await page.goto(f"{served.url}/health/live")
        said = (await served.rest("ben", "POST", f"/api/chats/{chat}/messages", {"content": "@ada"})).body["id"]
        note = (await browser.next(server_key=key))[1]
        await worker.push(note | {"body": "while it is closed"})
        await shows(page, test, [f"Ben in {name}", "while it is closed", chat])
        assert (note["messageId"], note["body"]) == (said, "A new message")
        # A click leads to the message, and who signs out is shown nothing more.
        await page.goto(served.url)
        await ada.is_connected()
        (running,) = context.service_workers
        await running.evaluate(_CLICK, chat)
        await expect(page).to_have_url(f"{served.url}/#/chat/{chat}/{said}")
        await shows(page, test)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_test_id("submit")).to_be_visible()
        await shows(page)
        await page.wait_for_function("() => localStorage.getItem('test.push-key') === null")
        assert (await served.rest("ada", "GET", PATH)).body["subscriptions"] == []
