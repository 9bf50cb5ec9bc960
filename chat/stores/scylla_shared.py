"""Equal reads of a store at the same time, done once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

R = TypeVar("R")


class SharedReads:
    """Equal reads at the same time share one: who asks while it runs shares the next, which sees all before it."""

    def __init__(self) -> None:
        self._running: dict[Any, asyncio.Task[Any]] = {}
        self._next: dict[Any, asyncio.Task[Any]] = {}

    async def of(self, read: Any, work: Callable[[], Awaitable[R]]) -> R:
        """What a read answers that starts from here on."""
        key = (asyncio.get_running_loop(), read)
        if (task := self._next.get(key)) is None:
            task = self._next[key] = asyncio.ensure_future(self._run(key, work))
        return await asyncio.shield(task)  # One who goes away leaves it to the others.

    async def _run(self, key: Any, work: Callable[[], Awaitable[R]]) -> R:
        if running := self._running.get(key):
            await asyncio.wait([running])
        task = self._running[key] = self._next.pop(key)
        try:
            return await work()
        finally:
            if self._running[key] is task:
                del self._running[key]
