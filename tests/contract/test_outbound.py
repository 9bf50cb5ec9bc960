"""Requests to addresses that people give: where they go, and where they never do."""

import base64
import hashlib
import hmac

import pytest

from chatsite.kernel.addresses import networks
from chatsite.kernel.errors import Invalid
from chatsite.kernel.outbound import Unreachable, new_secret, post, require_url, signed
from tests.receiver import dripping, receiving

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
        require_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.0.0.7", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "[::1]",
        "[::ffff:127.0.0.1]", "[fe80::1]", "[fc00::1]", "224.0.0.1", "100.64.0.1", "2130706433", "0x7f.1",
        "[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[::7f00:1]", "[fec0::1]",
    ],
)  # fmt: skip
async def test_nothing_of_ones_own_network_is_asked(host: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        with pytest.raises(Unreachable):
            await post(f"http://{host}:{port}/", b"{}", {}, allowed=[])
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
