"""What was read of the database and is believed for some seconds: for what is asked far more often than it changes."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Believed(Generic[K, V]):
    """At most `most` answers of `read`, each for so many seconds; what `read` raises is believed for none."""

    def __init__(self, read: Callable[[K], Awaitable[V]], *, seconds: float, most: int) -> None:
        self._read, self._seconds, self._most = read, seconds, most
        self._known: OrderedDict[K, tuple[V, float]] = OrderedDict()  # and when it was asked for, monotonic

    async def get(self, key: K) -> V:
        """The answer for a key, as of some seconds ago."""
        now = time.monotonic()
        if (known := self._known.get(key)) is not None and now - known[1] <= self._seconds:
            return known[0]
        value = await self._read(key)
        self._known[key] = value, now
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Have a key read again: its answer is another one now."""
        self._known.pop(key, None)
