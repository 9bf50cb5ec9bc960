"""Answers that are good for a moment, however many ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """One question's answer, asked for again once it is older than some seconds; who waits shares the asking."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._asking: asyncio.Task[T] | None = None
        self._asked_at = 0.0

    async def get(self) -> T:
        """The answer; what asking raises, each time it does."""
        asking, now = self._asking, time.monotonic()
        if asking is None or asking.get_loop() is not asyncio.get_running_loop() or self._is_old(asking, now):
            asking = self._asking = asyncio.create_task(self._answer())
            self._asked_at = now
        # Shielded: the one who asked first may be cancelled, the others still wait.
        return await asyncio.shield(asking)

    async def _answer(self) -> T:
        return await self._ask()

    def _is_old(self, asking: asyncio.Task[T], now: float) -> bool:
        if not asking.done():
            return False
        return asking.cancelled() or asking.exception() is not None or now - self._asked_at >= self._seconds
