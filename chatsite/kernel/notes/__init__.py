"""Notes: what is kept for some seconds, for whichever process asks next.

Nothing but time is lost with a note: a ticket is issued anew, and who waits for a
fact looks at its place later.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend

REMEMBERED = 100_000  # notes, about 30 MB; over it the oldest goes


class Notes(Protocol):
    """Notes by key; Unavailable where the server that keeps them is away."""

    async def keep(self, notes: Mapping[str, bytes], *, seconds: int) -> None:
        """Keep some for so long."""

    async def find(self, key: str) -> bytes | None:
        """What stands under a key."""

    async def take(self, key: str) -> bytes | None:
        """The same, and it is gone: of several that ask only one gets it."""


class _Note(NamedTuple):
    value: bytes
    until: float


class MemoryNotes:
    """Notes of one process, the newest 100,000."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[str, _Note] = OrderedDict()

    async def keep(self, notes: Mapping[str, bytes], *, seconds: int) -> None:
        now = self._now()
        for key, value in notes.items():
            self._kept[key] = _Note(value, now + seconds)
            self._kept.move_to_end(key)
        while self._kept and (len(self._kept) > REMEMBERED or next(iter(self._kept.values())).until <= now):
            self._kept.popitem(last=False)

    async def find(self, key: str) -> bytes | None:
        note = self._kept.get(key)
        return note.value if note is not None and note.until > self._now() else None

    async def take(self, key: str) -> bytes | None:
        found = await self.find(key)
        self._kept.pop(key, None)
        return found


def notes() -> Notes:
    """The notes, as NOTES names them."""
    return cast(Notes, backend("NOTES"))
