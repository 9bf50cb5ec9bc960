"""Requests to addresses that people give: never into our own network, bounded in time and size.

A name is resolved once and the connection goes to what was looked at, so that it
cannot mean another host a moment later. What is posted follows no redirect, and
nothing of its answer but the status is read; what is got follows a few, each judged
like the first address, and is read up to a number of bytes.
"""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache, partial
from ipaddress import ip_address
from typing import NamedTuple

import httpx

from chatsite.kernel.addresses import Network, clean_address, is_in, networks
from chatsite.kernel.errors import Invalid

SECONDS = 10.0  # of a whole request, looking up its name and following its redirects included
MAX_URL = 2_000
MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
WEB_PORTS = (80, 443)  # of the public internet: what listens elsewhere was not made to be read by strangers
# Names that never resolve hold up these threads alone, not the loop's: a look-up cannot be ended.
_resolvers = ThreadPoolExecutor(4, thread_name_prefix="resolver")
# Addresses that carry one of IPv4, which may be of one's own network, and those of a site.
_CARRIERS = networks(["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10"])


class Unreachable(Exception):
    """There was no answer; the text says why, and holds nothing that is secret."""


class NotPublic(Unreachable):
    """It is in a network that is not asked unless somebody allows it."""


class Answer(NamedTuple):
    """What an address answered: its media type with parameters, and the first bytes of its body."""

    content_type: str
    body: bytes


def require_url(text: str, *, allowed: Sequence[Network], field: str = "url") -> str:
    """An http or https address with a host and without a password; Invalid.

    A host that is an address itself is refused where it would not be asked. What a name stands for
    may change, so that is looked at whenever it is asked.
    """
    try:
        url = httpx.URL(text)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise Invalid("expected an http or https address.", field=field) from None
    is_plain = len(text) <= MAX_URL and not any(letter.isspace() for letter in text)
    if not is_plain or url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        raise Invalid(f"expected an http or https address of at most {MAX_URL} characters.", field=field)
    if (address := _address_of(url.host)) is not None and not (_is_public(address) or is_in(address, allowed)):
        raise Invalid("its address is none of the public internet.", field=field)
    return str(url)


def _address_of(host: str) -> str | None:
    """The address that a host is, as the system reads it: 127.1 and 2130706433 are 127.0.0.1; None for a name."""
    with suppress(ValueError):
        return clean_address(str(ip_address(host)))
    with suppress(OSError, UnicodeError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return None


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allowed: Sequence[Network]) -> int:
    """Post a body; answers the status. Only public addresses are asked, and those of `allowed`; Unreachable."""
    with _unreachable():
        async with asyncio.timeout(SECONDS):
            parsed = httpx.URL(url)
            async with _asked("POST", parsed, await _resolve(parsed, allowed), headers, body) as response:
                return response.status_code


async def get(url: str, *, types: Collection[str], max_bytes: int, agent: str, allowed: Sequence[Network]) -> Answer:
    """Read the first bytes of what is at an address, where it is of one of some media types; else Unreachable.

    Only the web's ports of public addresses are asked, and `allowed` ones. Each redirect is judged like the first
    address. No cookie is kept or sent, nor where the address was found.
    """
    # An answer that is packed is none: a few bytes of it can be gigabytes.
    headers = {"User-Agent": agent, "Accept": ", ".join(types), "Accept-Encoding": "identity"}
    with _unreachable():
        async with asyncio.timeout(SECONDS):
            following = httpx.URL(url).copy_with(fragment=None)
            for _ in range(MAX_REDIRECTS + 1):
                address = await _resolve(following, allowed)
                _require_web(following, address, allowed)
                async with _asked("GET", following, address, headers) as response:
                    if response.status_code not in REDIRECTS:
                        return await _read(response, types, max_bytes)
                    following = following.join(response.headers.get("location", "")).copy_with(fragment=None)
            raise Unreachable(f"more than {MAX_REDIRECTS} redirects")


@contextmanager
def _unreachable() -> Iterator[None]:
    """Say in one way what went wrong."""
    try:
        yield
    except TimeoutError:
        raise Unreachable(f"no answer within {SECONDS:.0f} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(type(error).__name__) from None
    except UnicodeError:
        raise Unreachable("its name is none") from None
    except OSError as error:
        raise Unreachable(error.strerror or type(error).__name__) from None


@asynccontextmanager
async def _asked(
    method: str, url: httpx.URL, address: str, headers: Mapping[str, str], body: bytes | None = None
) -> AsyncIterator[httpx.Response]:
    """The answer of an address that was looked at, its body unread."""
    request = httpx.Request(
        method,
        url.copy_with(host=address),
        content=body,
        headers={"Host": url.netloc.decode("ascii"), "User-Agent": "chatsite", **headers},
        extensions={"sni_hostname": url.raw_host.decode()},
    )
    # Without the environment's proxies: they would look the name up for themselves.
    tls = await asyncio.to_thread(_tls)
    async with httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()


async def _read(response: httpx.Response, types: Collection[str], max_bytes: int) -> Answer:
    content_type = response.headers.get("content-type", "")
    if response.status_code != 200:
        raise Unreachable(f"it answered {response.status_code}")
    if content_type.partition(";")[0].strip().lower() not in types:
        raise Unreachable(f"it is none of {', '.join(types)}")
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Unreachable("its answer is packed")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk[: max_bytes - len(body)]
        if len(body) >= max_bytes:
            break
    return Answer(content_type, bytes(body))


def _require_web(url: httpx.URL, address: str, allowed: Sequence[Network]) -> None:
    """Refuse what is no page of the web: another scheme, a password in the address, a port of something else."""
    if url.scheme not in ("http", "https") or url.userinfo:
        raise Unreachable("it is no address of the web")
    if _port(url) not in WEB_PORTS and not is_in(address, allowed):
        raise Unreachable("its port is none of the web's")


async def _resolve(url: httpx.URL, allowed: Sequence[Network]) -> str:
    """The address of a host; Unreachable where one of its addresses may not be asked."""
    look_up = partial(socket.getaddrinfo, url.host, _port(url), type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, look_up)
    addresses = [clean_address(str(place[0])) for *_, place in found]
    for address in addresses:
        if not (_is_public(address) or is_in(address, allowed)):
            raise NotPublic("its address is none of the public internet")
    return addresses[0]


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


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
