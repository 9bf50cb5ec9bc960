"""The systems that may ask who is there, or say that somebody is, by the tokens of a setting. Pure.

An entry is NAME:SCOPES:TOKEN, with `read`, `beat` or `read+beat`. An error never says what stands in an entry.
"""

import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

SHORTEST_TOKEN = 32  # characters; `openssl rand -hex 32` makes 64
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TOKEN = re.compile(r"[!-~]+")


class Scope(StrEnum):
    """What a caller may do."""

    READ = "read"
    BEAT = "beat"


class Caller(NamedTuple):
    """Another system."""

    name: str
    scopes: frozenset[Scope]


class Callers:
    """Those who have a token."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._known = [_read(entry, number) for number, entry in enumerate(entries, 1)]
        if len({caller.name for _, caller in self._known}) < len(self._known):
            raise ValueError("two entries have the same name")

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, token: str) -> Caller | None:
        """Whose token it is. Each is looked at, so that the time tells nothing."""
        given, found = sha256(token.encode()).digest(), None
        for digest, caller in self._known:
            if hmac.compare_digest(digest, given):
                found = caller
        return found


def device_of(caller: str, device: str) -> str:
    """The name of a caller's device in the store: no other's, and none that a socket has."""
    return sha256(f"{caller}\n{device}".encode()).hexdigest()[:24]


def _read(entry: str, number: int) -> tuple[bytes, Caller]:
    name, _, rest = entry.partition(":")
    scopes, _, token = rest.partition(":")
    known = {scope.value: scope for scope in Scope}
    if not _NAME.fullmatch(name) or not set(scopes.split("+")) <= known.keys() or not _TOKEN.fullmatch(token):
        raise ValueError(f"entry {number}: expected NAME:SCOPES:TOKEN, with the scopes read, beat or read+beat")
    if len(token) < SHORTEST_TOKEN:
        raise ValueError(f"entry {number}: a token has at least {SHORTEST_TOKEN} characters")
    return sha256(token.encode()).digest(), Caller(name, frozenset(known[one] for one in scopes.split("+")))
