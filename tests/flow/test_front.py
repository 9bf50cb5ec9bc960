"""Our samples for nginx and Caddy, in front of a server."""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import websockets

from tests.servers.caddy import Caddy
from tests.servers.nginx import NAME, Nginx
from tests.world import ANSWER_SECONDS, PASSWORD, Server

SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}


@pytest.fixture
def nginx(make_server: Callable[..., Server]) -> Iterator[Nginx]:
    """nginx before a server that believes it."""
    told = {"CHAT_TRUSTED_PROXIES": "127.0.0.1", "CHAT_HTTPS": "true", "CHAT_ALLOWED_HOSTS": NAME}
    with Nginx(make_server(environment=told).port) as nginx:
        yield nginx


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """Believes any certificate, as that of the test is nobody's."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
async def browser(nginx: Nginx, trusting: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    """A client that asks through nginx and claims to be another."""
    headers = {"Host": NAME} | SPOOFED
    async with httpx.AsyncClient(
        base_url=f"https://{nginx.address}", verify=trusting, timeout=ANSWER_SECONDS, headers=headers
    ) as client:
        yield client


async def test_http_is_sent_to_https(nginx: Nginx, browser: httpx.AsyncClient) -> None:
    answer = await browser.get(f"http://127.0.0.1:{nginx.plain_port}/api/me?a=b")
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{NAME}/api/me?a=b")


async def test_a_person_talks_through_nginx_and_cannot_claim_an_address(
    nginx: Nginx, browser: httpx.AsyncClient, trusting: ssl.SSLContext
) -> None:
    ticket = await ticket_of_ada(browser)
    async with websockets.connect(
        f"wss://{NAME}/ws/chat/", host="127.0.0.1", port=nginx.port, ssl=trusting, server_hostname=NAME,
        subprotocols=subprotocols(ticket),
    ) as socket:  # fmt: skip
        assert json.loads(await socket.recv())["type"] == "READY"


async def test_a_person_talks_through_caddy_and_cannot_claim_an_address(make_server: Callable[..., Server]) -> None:
    server = make_server(environment={"CHAT_TRUSTED_PROXIES": "127.0.0.1"})
    with Caddy(server.port) as caddy:
        url = f"http://{caddy.address}"
        async with httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS, headers=SPOOFED) as browser:
            ticket = await ticket_of_ada(browser)
            address = url.replace("http", "ws")
            async with websockets.connect(f"{address}/ws/chat/", subprotocols=subprotocols(ticket)) as socket:
                assert json.loads(await socket.recv())["type"] == "READY"


async def ticket_of_ada(browser: httpx.AsyncClient) -> str:
    """Sign ada in; the server sees the proxy's client, not whom it claims to be."""
    signed_in = (await browser.post("/api/auth/token", json={"username": "ada", "password": PASSWORD})).json()
    browser.headers["Authorization"] = f"Bearer {signed_in['access']}"
    [sign_in] = (await browser.get("/api/me/sessions")).json()["sessions"]
    assert sign_in["address"] == "127.0.0.1"
    return str((await browser.post("/api/auth/ws-ticket")).json()["ticket"])


def subprotocols(ticket: str) -> list[websockets.Subprotocol]:
    """Those of a handshake with a ticket."""
    return [websockets.Subprotocol("chat.v1"), websockets.Subprotocol(f"ticket.{ticket}")]
