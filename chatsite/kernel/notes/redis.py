"""Notes in Redis, for any number of processes: a key each, which goes with its time."""

import asyncio
from collections.abc import Mapping
from typing import cast

from chatsite.kernel.redis import Redis


class RedisNotes:
    """Notes of all processes that share a Redis."""

    def __init__(self, url: str) -> None:
        self._redis = Redis(url)

    async def keep(self, notes: Mapping[str, bytes], *, seconds: int) -> None:
        await asyncio.gather(*[self._redis.ask("SET", key, value, "EX", seconds) for key, value in notes.items()])

    async def find(self, key: str) -> bytes | None:
        return cast(bytes | None, await self._redis.ask("GET", key))

    async def take(self, key: str) -> bytes | None:
        return cast(bytes | None, await self._redis.ask("GETDEL", key))
