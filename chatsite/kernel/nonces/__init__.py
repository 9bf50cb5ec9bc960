"""Nonces: the same send twice is one message.

A send is reserved under its nonce before it is appended and confirmed once it is
in the log. `MemoryNonces` is for logs that keep unique keys: it remembers what
this process accepted lately, and the log's index, in the commit of the message
itself, holds the truth for as long as the log keeps it.
"""

import asyncio
from collections import OrderedDict
from enum import Enum
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from chatsite.kernel.backends import backend
from chatsite.kernel.errors import KeyReused

REMEMBERED = 100_000  # results, about 50 MB; an older nonce is found elsewhere


class Placed(Protocol):
    """What a send answers: at least where its message is."""

    @property
    def pos(self) -> int:
        """Its pos in the log."""


T = TypeVar("T", bound=Placed)


class Reservation(NamedTuple, Generic[T]):
    """A send in flight or done: what its body was and what it answered."""

    digest: bytes
    result: "asyncio.Future[T]"


class Known(NamedTuple):
    """A send of another process; `pos` is None while nobody can say whether it is in the log.

    Such a one is appended again under its id: two records, one message.
    """

    message_id: int
    pos: int | None


class Elsewhere(Enum):
    """Where else a retry is looked up."""

    LOG = "log"  # by its unique key
    STORE = "store"
    CAUGHT_UP_STORE = "caught-up store"  # once that has applied what the log holds now


class Nonces(Protocol[T]):
    """What a sender's nonce answered, looked up before anything else of a send."""

    async def find(
        self, key: str, digest: bytes, *, retry: bool, tried_ms: int
    ) -> "asyncio.Future[T] | Known | Elsewhere | None":
        """The first send's result, done or under way, or where a retry is looked up; None where it is new.

        `tried_ms` is how long ago the first try was, 0 where nobody says. KeyReused
        when its body was another; Unavailable while a first try may be on its way unseen.
        """

    async def reserve(
        self, key: str, digest: bytes, message_id: int, result: "asyncio.Future[T]"
    ) -> "asyncio.Future[T] | Known | None":
        """Keep a send under its key; one that fails counts as never made here. Answers who was faster."""

    async def confirm(self, key: str, pos: int) -> None:
        """Say that a send is in the log."""


def nonce_name(chat: UUID | str, sender: UUID | str, nonce: str) -> str:
    """The key of a send: one per sender, chat and nonce."""
    return f"nonce:{chat}:{sender}:{nonce}"


def nonce_key(chat: UUID, sender: UUID, nonce: str) -> str:
    """The unique key of a message in the log, of a fixed length."""
    return "nonce:" + blake2b(f"{chat}:{sender}:{nonce}".encode(), digest_size=24).hexdigest()


class MemoryNonces(Generic[T]):
    """Nonces of one process, the newest 100,000."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Reservation[T]] = OrderedDict()

    async def find(
        self, key: str, digest: bytes, *, retry: bool, tried_ms: int
    ) -> "asyncio.Future[T] | Known | Elsewhere | None":
        known = self._known.get(key)
        if known is None or _failed(known.result):
            return Elsewhere.LOG if retry else None  # The log's unique key catches a first try that is none.
        if known.digest != digest:
            raise KeyReused(code="nonce_reused")
        return known.result

    async def reserve(
        self, key: str, digest: bytes, message_id: int, result: "asyncio.Future[T]"
    ) -> "asyncio.Future[T] | Known | None":
        faster = await self.find(key, digest, retry=False, tried_ms=0)
        if faster is None:
            self._known[key] = Reservation(digest, result)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return faster if isinstance(faster, asyncio.Future) else None

    async def confirm(self, key: str, pos: int) -> None:
        pass


def _failed(result: "asyncio.Future[T]") -> bool:
    return result.done() and (result.cancelled() or result.exception() is not None)


def nonces() -> "Nonces[Any]":
    """The nonces, as NONCES names them."""
    return cast("Nonces[Any]", backend("NONCES"))
