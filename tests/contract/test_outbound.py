"""Requests to addresses that people give: where they go, and where they never do."""

import base64
import gzip
import hashlib
import hmac
import socket

import pytest

from chatsite.kernel.addresses import Network, networks
from chatsite.kernel.errors import Invalid
from chatsite.kernel.outbound import Answer, Unreachable, get, new_secret, post, require_url, signed
from tests.receiver import dripping, receiving, site

HERE = networks(["127.0.0.0/8", "::1/128"])


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.org/", "http://", "https:///path", "//example.org", "javascript:alert(1)", "http://[::1",
        "https://user:pw@example.org/", "https://example.org/#part", "https://" + "a" * 2_000, "http://exa mple.org",
        "http://a..b/", "http://xn--/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="url: expected an http or https address"):
        require_url(url, allowed=[])


# Loopback, private, link-local, shared and mapped ones, and other spellings of them.
OWN_NETWORK = [
    "127.0.0.1", "localhost", "10.0.0.7", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "[::1]",
    "[::ffff:127.0.0.1]", "[fe80::1]", "[fc00::1]", "224.0.0.1", "100.64.0.1", "2130706433", "0x7f.1",
    "[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[::7f00:1]", "[fec0::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", [host for host in OWN_NETWORK if host != "localhost"])
def test_who_gives_an_address_of_it_is_told_so(host: str) -> None:
    with pytest.raises(Invalid, match="url: its address is none of the public internet"):
        require_url(f"https://{host}/hook", allowed=networks(["192.0.2.0/24"]))


@pytest.mark.parametrize(
    "url",
    ["https://localhost/", "http://127.0.0.1:8000/", "http://0x7f.1/", "https://8.8.8.8/", "https://1.2.3.4.example/"],
)
def test_a_name_and_what_is_public_or_allowed_may_be_given(url: str) -> None:
    assert require_url(url, allowed=HERE).startswith("http")


@pytest.mark.parametrize("host", OWN_NETWORK)
async def test_nothing_of_ones_own_network_is_asked(host: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        with pytest.raises(Unreachable):
            await post(f"http://{host}:{port}/", b"{}", {}, allowed=[])
        with pytest.raises(Unreachable, match="none of the public internet"):
            await read(f"http://{host}:{port}/", allowed=[])
        assert receiver.came.empty()


async def test_what_is_allowed_is_asked_by_its_name_and_no_redirect_is_followed() -> None:
    async with receiving() as receiver, receiving() as other:
        receiver.status = f"302 Found\r\nLocation: {other.url}"
        assert await post(receiver.url, b'{"a": 1}', {"X-One": "1"}, allowed=HERE) == 302
        headers, body = await receiver.next()
        assert (headers["host"], headers["x-one"], body) == (receiver.url.split("/")[2], "1", b'{"a": 1}')
        assert other.came.empty()
        assert not {"cookie", "authorization"} & headers.keys()


async def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatsite.kernel.outbound.SECONDS", 0.3)
    async with dripping() as url:
        with pytest.raises(Unreachable, match="no answer within"):
            await post(url, b"", {}, allowed=HERE)
    with pytest.raises(Unreachable):
        await post("http://127.0.0.1:9/", b"", {}, allowed=HERE)


async def read(url: str, *, allowed: list[Network] = HERE, max_bytes: int = 1_000) -> Answer:
    """What is got from an address where a page is asked for."""
    return await get(url, types=("text/html",), max_bytes=max_bytes, agent="reader", allowed=allowed)


async def test_a_page_is_read_with_nothing_that_tells_who_wants_it() -> None:
    async with site() as one:
        one.put("/page?a=1", "<p>hello")
        one.redirect("/there", one.url + "/page?a=1#part")
        answer = await read(one.url + "/there#top")
        assert answer == Answer("text/html; charset=utf-8", b"<p>hello")
        assert one.asked == ["/there", "/page?a=1"]
        assert {*one.heads[1]} == {"host", "user-agent", "accept", "accept-encoding"}, "no cookie, no referrer"
        assert (one.heads[1]["user-agent"], one.heads[1]["accept-encoding"]) == ("reader", "identity")


@pytest.mark.parametrize("host", OWN_NETWORK)
async def test_no_redirect_leads_into_ones_own_network(host: str) -> None:
    # Only the loopback of IPv4 is allowed, as what is public is elsewhere; from there it leads on.
    loopback = host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]")
    async with site() as one:
        port = one.url.rpartition(":")[2]
        url = one.redirect("/out", f"http://{host}:{port}/in")
        one.put("/in", "a secret")
        only = networks(["127.0.0.1/32"])
        if loopback:
            assert (await read(url, allowed=only)).body == b"a secret"
        else:
            with pytest.raises(Unreachable, match="none of the public internet"):
                await read(url, allowed=only)
            assert one.asked == ["/out"]


async def test_a_name_is_what_it_resolves_to_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    found = [["93.184.216.34", "10.0.0.7"], ["127.0.0.1"], ["127.0.0.1"]]

    def resolve(host: str, port: int, **_: object) -> list[object]:
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(2):  # A name of which one address is private is refused, and one that is all private.
        with pytest.raises(Unreachable, match="none of the public internet"):
            await read("http://rebinding.example/", allowed=[])
    async with site() as one:
        one.put("/", "here")
        port = one.url.rpartition(":")[2]
        assert (await read(f"http://rebinding.example:{port}/")).body == b"here"
    assert names == ["rebinding.example"] * 3, "once each: what was judged is what is asked"


async def test_only_the_ports_of_the_web_are_asked_of_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 25))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: public)
    with pytest.raises(Unreachable, match="none of the web's"):
        await read("http://mail.example:25/", allowed=[])


@pytest.mark.parametrize("to", ["/loop", "ftp://127.0.0.1/", "file:///etc/passwd", "http://a:b@localhost/", "http://["])
async def test_redirects_end_and_stay_in_the_web(to: str) -> None:
    async with site() as one:
        with pytest.raises(Unreachable):
            await read(one.redirect("/loop", to))
        assert len(one.asked) <= 4


async def test_what_is_large_is_cut_and_what_is_packed_or_no_page_is_not_read() -> None:
    async with site() as one:
        assert (await read(one.put("/large", "x" * 5_000_000))).body == b"x" * 1_000
        bomb = gzip.compress(b"\0" * 10_000_000)
        packed = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + bomb
        with pytest.raises(Unreachable, match="packed"):
            await read(one.answer("/bomb", packed))
        with pytest.raises(Unreachable, match="none of text/html"):
            await read(one.put("/picture", "GIF89a", head="Content-Type: image/gif"))
        with pytest.raises(Unreachable, match="it answered 404"):
            await read(one.url + "/nothing")
        with pytest.raises(Unreachable):
            await read(one.answer("/noise", b"220 mail.example ESMTP\r\n\r\n"))
        with pytest.raises(Unreachable):
            await read(one.answer("/head", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5_000_000))


async def test_who_answers_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatsite.kernel.outbound.SECONDS", 0.3)
    async with dripping() as url:
        with pytest.raises(Unreachable, match="no answer within"):
            await read(url)


def test_what_is_sent_is_signed_as_the_specification_says() -> None:
    secret = new_secret(bytes(range(32)))
    headers = signed(secret, message_id="msg_1", seconds=1_700_000_000, body=b'{"a": 1}')
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b'msg_1.1700000000.{"a": 1}', hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
