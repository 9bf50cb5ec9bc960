"""Proxies: a trusted one tells who asks, from anybody else its headers change nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatsite.asgi import behind_proxies
from chatsite.kernel.addresses import UNKNOWN, clean_address, client_address, is_in, networks, site_of
from tests.world import Server, World, manage

TRUSTED = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7"]
FORWARDED = "x-forwarded-for"


async def seen(peer: str | None, *forwarded: str, kind: str = "http", proto: str | None = None) -> tuple[str, str]:
    """The address and scheme that an app is shown of a request."""
    shown: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        shown.append(scope)

    headers = [(FORWARDED.encode(), value.encode()) for value in forwarded]
    if proto is not None:
        headers.append((b"x-forwarded-proto", proto.encode()))
    scope: Any = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": (peer, 4711) if peer else None,
        "headers": headers,
    }
    unused: Any = None
    await behind_proxies(app, TRUSTED)(scope, unused, unused)
    return client_address(shown[0]), shown[0]["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("192.0.2.7", ["203.0.113.9:5678"], "203.0.113.9"),
        ("::ffff:10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["[2001:db8::9]:443"], "2001:db8::9"),
        ("2001:db8:1::5", ["2001:0DB8:0:0::9"], "2001:db8::9"),
        # The rightmost address that is no proxy of ours: what stands left of it the client wrote itself.
        ("10.1.2.3", ["198.51.100.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["10.7.7.7, 10.8.8.8"], "10.7.7.7"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", ["garbage"], UNKNOWN),
        ("10.1.2.3", ["' OR 1=1 --"], UNKNOWN),
        ("10.1.2.3", ["x" * 10_000], UNKNOWN),
        ("203.0.113.66", ["127.0.0.1"], "203.0.113.66"),
        ("127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
        ("192.0.2.8", ["203.0.113.9"], "192.0.2.8"),
        ("2001:db8:2::5", ["2001:db8::9"], "2001:db8:2::5"),
        (None, ["203.0.113.9"], UNKNOWN),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_who_asks(kind: str, peer: str | None, forwarded: list[str], address: str) -> None:
    assert (await seen(peer, *forwarded, kind=kind))[0] == address


@pytest.mark.parametrize(
    ("kind", "peer", "proto", "scheme"),
    [
        ("http", "10.1.2.3", "https", "https"),
        ("websocket", "10.1.2.3", "https", "wss"),
        ("websocket", "10.1.2.3", "wss", "wss"),
        ("http", "203.0.113.66", "https", "http"),
        ("websocket", "203.0.113.66", "https", "ws"),
        ("http", "10.1.2.3", "gopher", "http"),
        ("http", "10.1.2.3", "https, http", "http"),
    ],
)
async def test_over_what(kind: str, peer: str, proto: str, scheme: str) -> None:
    assert (await seen(peer, kind=kind, proto=proto))[1] == scheme


def test_an_address_has_one_spelling_and_a_site() -> None:
    assert clean_address("::ffff:203.0.113.9") == "203.0.113.9"
    assert clean_address("fe80::1%eth0") == "fe80::1"
    assert site_of("203.0.113.9") == "203.0.113.9"
    assert site_of("2001:db8:1:2:3::4") == site_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert site_of(UNKNOWN) == UNKNOWN
    assert is_in("::1", networks(["127.0.0.0/8", "::1"]))
    assert not is_in(UNKNOWN, networks(["0.0.0.0/0"]))


async def test_a_cookie_is_secure_where_a_trusted_proxy_speaks_https(
    world: World, make_server: Callable[..., Server]
) -> None:
    body = {"username": "ada", "password": "pw", "cookie": True}
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    spoofed = await world.rest(None, "POST", "/api/auth/token", body, headers=forwarded)
    assert "Secure" not in spoofed.headers["set-cookie"]
    async with World(make_server(environment={"CHAT_TRUSTED_PROXIES": "127.0.0.1"})) as behind:
        told = await behind.rest(None, "POST", "/api/auth/token", body, headers=forwarded)
        assert "Secure" in told.headers["set-cookie"]


def test_a_network_that_is_none_is_named(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_TRUSTED_PROXIES", "10.0.0.1/8")
    with pytest.raises(RuntimeError, match=r"CHAT_TRUSTED_PROXIES='10\.0\.0\.1/8' is not a comma"):
        manage(template, "check")
