"""Requests to addresses that people give: never into our own network, bounded in time and size.

A name is resolved once and the connection goes to what was looked at, so that it
cannot mean another host a moment later. Redirects are not followed, and nothing
of the answer but its status is read.
"""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from ipaddress import ip_address

import httpx

from chatsite.kernel.addresses import Network, clean_address, is_in, networks
from chatsite.kernel.errors import Invalid

SECONDS = 10.0  # of a whole request, looking up its name included
MAX_URL = 2_000
# Addresses that carry one of IPv4, which may be of one's own network, and those of a site.
_CARRIERS = networks(["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10"])


class Unreachable(Exception):
    """There was no answer; the text says why, and holds nothing that is secret."""


def require_url(text: str, *, field: str = "url") -> str:
    """An http or https address with a host and without a password; Invalid."""
    try:
        url = httpx.URL(text)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise Invalid("expected an http or https address.", field=field) from None
    is_plain = len(text) <= MAX_URL and not any(letter.isspace() for letter in text)
    if not is_plain or url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        raise Invalid(f"expected an http or https address of at most {MAX_URL} characters.", field=field)
    return str(url)


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allowed: Sequence[Network]) -> int:
    """Post a body; answers the status. Only public addresses are asked, and those of `allowed`; Unreachable."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(httpx.URL(url), body, headers, allowed)
    except TimeoutError:
        raise Unreachable(f"no answer within {SECONDS:.0f} s") from None
    except httpx.HTTPError as error:
        raise Unreachable(type(error).__name__) from None
    except UnicodeError:
        raise Unreachable("its name is none") from None
    except OSError as error:
        raise Unreachable(error.strerror or type(error).__name__) from None


async def _post(url: httpx.URL, body: bytes, headers: Mapping[str, str], allowed: Sequence[Network]) -> int:
    address = await _resolve(url, allowed)
    sent = {"Host": url.netloc.decode("ascii"), "User-Agent": "chatsite", **headers}
    request = httpx.Request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers=sent,
        extensions={"sni_hostname": url.raw_host.decode()},
    )
    # Without the environment's proxies: they would look the name up for themselves.
    tls = await asyncio.to_thread(_tls)
    async with httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
        response = await client.send(request, stream=True)
        await response.aclose()
        return response.status_code


async def _resolve(url: httpx.URL, allowed: Sequence[Network]) -> str:
    """The address of a host; Unreachable where one of its addresses may not be asked."""
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [clean_address(str(place[0])) for *_, place in found]
    for address in addresses:
        if not (_is_public(address) or is_in(address, allowed)):
            raise Unreachable("its address is none of the public internet")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ip_address(address)
    return parsed.is_global and not parsed.is_multicast and not is_in(address, _CARRIERS)


@cache
def _tls() -> ssl.SSLContext:
    """What other servers are verified by; to read it takes 20 ms, so it is kept."""
    return ssl.create_default_context()


def new_secret(random: bytes) -> str:
    """A secret to sign with, as the Standard Webhooks specification writes it."""
    return f"whsec_{base64.b64encode(random).decode()}"


def signed(secret: str, *, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of the Standard Webhooks specification: who gets this can tell that it is ours, and when it left."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
