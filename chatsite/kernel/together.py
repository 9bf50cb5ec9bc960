"""Reads that many ask for at once, done together: hundreds come back to a server in the same second."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Batch(Generic[K, V]):
    def __init__(self) -> None:
        self.keys: dict[K, None] = {}
        self.begun = False
        self.found: asyncio.Task[Mapping[K, V]]

    def is_here(self) -> bool:
        """Whether it is of this loop: that of a command may have ended over it."""
        return self.found.get_loop() is asyncio.get_running_loop()


class Together(Generic[K, V]):
    """One read is under way at a time; whatever is asked for meanwhile is in the next one, up to `most` keys.

    So an answer was read after it was asked for, as if everybody had read alone.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int) -> None:
        self._read, self._most = read, most
        self._batch: _Batch[K, V] | None = None  # the last one that was begun, or is to be

    async def ask(self, keys: Sequence[K]) -> dict[K, V]:
        """What is found of some keys; who asks is answered what the read raises."""
        found: dict[K, V] = {}
        for start in range(0, len(keys), self._most):
            chunk = keys[start : start + self._most]
            read = await asyncio.shield(self._joined(chunk).found)
            found.update((key, read[key]) for key in chunk if key in read)
        return found

    def _joined(self, keys: Sequence[K]) -> _Batch[K, V]:
        """The batch that some keys are read with."""
        batch = self._batch
        if batch is None or batch.begun or not batch.is_here() or len(batch.keys) + len(keys) > self._most:
            before = batch if batch is not None and batch.is_here() else None
            batch = self._batch = _Batch()
            batch.found = asyncio.create_task(self._run(batch, before))
        batch.keys.update(dict.fromkeys(keys))
        return batch

    async def _run(self, batch: _Batch[K, V], before: _Batch[K, V] | None) -> Mapping[K, V]:
        try:
            if before is not None:
                await asyncio.wait([before.found])
            batch.begun = True
            return await self._read(list(batch.keys))
        finally:
            if self._batch is batch:
                self._batch = None
