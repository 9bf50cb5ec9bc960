"""How many connections an address has open."""

import asyncio
from collections import defaultdict

from django.conf import settings

from chatsite.kernel.addresses import clean_address, is_in, networks

_trusted = networks(settings.TRUSTED_PROXIES)
_open: defaultdict[str, set[asyncio.BaseTransport]] = defaultdict(set)  # by address; bounded by open files


def came(transport: asyncio.BaseTransport) -> bool:
    """Count a connection; False when its address has too many. A trusted proxy's are its clients'."""
    if is_in(address := _address(transport), _trusted):
        return True
    _open[address].add(transport)
    allowed: int = settings.GATEWAY["ADDRESS_CONNECTIONS"]
    return len(_open[address]) <= allowed


def went(transport: asyncio.BaseTransport) -> None:
    """Count it no more."""
    address = _address(transport)
    _open[address].discard(transport)
    if not _open[address]:
        del _open[address]


def ends(transport: asyncio.BaseTransport) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """The addresses and ports of a connection, ours and the client's; None of one that is gone already."""
    ours, theirs = map(transport.get_extra_info, ("sockname", "peername"))
    return ours and ours[:2], theirs and theirs[:2]


def _address(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return clean_address(peer[0] if peer else None)
