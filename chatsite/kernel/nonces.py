"""Nonces: the same send twice is one message.

In memory for what this process accepted lately; the log's unique index, in the
commit of the message itself, holds the truth for as long as the log keeps it.
"""

import asyncio
from collections import OrderedDict
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from chatsite.kernel.backends import backend
from chatsite.kernel.errors import KeyReused

T = TypeVar("T")
REMEMBERED = 100_000  # results, about 40 MB; an older nonce is found by the log's unique index


class Reservation(NamedTuple, Generic[T]):
    """A send in flight or done: what its body was and what it answered."""

    digest: bytes
    result: "asyncio.Future[T]"


class Nonces(Protocol[T]):
    """What a sender's nonce answered, looked up before anything else of a send."""

    def find(self, key: str, digest: bytes) -> "asyncio.Future[T] | None":
        """The first send's result, done or under way; KeyReused when its body was another."""

    def reserve(self, key: str, digest: bytes, result: "asyncio.Future[T]") -> None:
        """Keep a send under its key; one that fails counts as never made."""


def nonce_key(chat: UUID, sender: UUID, nonce: str) -> str:
    """The unique key of a message in the log: one per sender, chat and nonce."""
    return "nonce:" + blake2b(f"{chat}:{sender}:{nonce}".encode(), digest_size=24).hexdigest()


class MemoryNonces(Generic[T]):
    """Nonces of one process, the newest 100,000."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Reservation[T]] = OrderedDict()

    def find(self, key: str, digest: bytes) -> "asyncio.Future[T] | None":
        known = self._known.get(key)
        if known is None or _failed(known.result):
            return None
        if known.digest != digest:
            raise KeyReused(code="nonce_reused")
        return known.result

    def reserve(self, key: str, digest: bytes, result: "asyncio.Future[T]") -> None:
        self._known[key] = Reservation(digest, result)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _failed(result: "asyncio.Future[T]") -> bool:
    return result.done() and (result.cancelled() or result.exception() is not None)


def nonces() -> "MemoryNonces[Any]":
    """The nonces of this process, as NONCES names them."""
    return cast("MemoryNonces[Any]", backend("NONCES"))
