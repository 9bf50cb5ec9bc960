"""Addresses of clients: who asks from where, and lists of networks. Pure.

Behind a trusted proxy the server has put the client's own address into the
scope before anything of ours reads it; from anybody else a header changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN = "unknown"  # no peer, or a header that names none: they all share one bucket
SITE_BITS = 64  # the part of an IPv6 address that one customer cannot choose freely
_MAPPED = int(IPv6Address("::ffff:0:0"))


def client_address(scope: Mapping[str, Any]) -> str:
    """The client's address of an ASGI scope; `unknown` for what is none."""
    host, _ = scope.get("client") or ("", 0)
    return clean_address(host)


@lru_cache(maxsize=4_096)
def clean_address(text: str | None) -> str:
    """One spelling for each address: IPv4 where it is mapped, without zone; `unknown` for what is none."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def site_of(address: str) -> str:
    """What an address is counted by: itself, or the /64 of an IPv6 one."""
    if ":" not in address:
        return address
    return str(ip_network((address, SITE_BITS), strict=False))


def networks(texts: Iterable[str]) -> list[Network]:
    """The networks of addresses and CIDRs; ValueError names a text that is none."""
    return [ip_network(text) for text in texts]


def is_in(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an address lies in one of some networks; `unknown` lies in none."""
    if not allowed or address == UNKNOWN:
        return False
    parsed = ip_address(address)
    return any(parsed in network for network in allowed)


def with_mapped(allowed: Iterable[Network]) -> list[str]:
    """Networks as text, and for each of IPv4 how a dual-stack socket spells it."""
    spelt = []
    for network in allowed:
        spelt.append(str(network))
        if isinstance(network, IPv4Network):
            mapped = IPv6Address(_MAPPED + int(network.network_address))
            spelt.append(f"{mapped}/{96 + network.prefixlen}")
    return spelt
