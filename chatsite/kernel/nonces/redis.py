"""Nonces in Redis, for a log that keeps no unique keys and any number of processes.

    nonce:{chat}:{user}:{nonce}     id and digest, for a minute; with pos, once it is in the log, for an hour
    nonces                          the era of Redis, and since when it has lost nothing

After that hour, and for what a Redis lost that was restarted, failed over or
emptied, the message store answers. A first try that no reservation was made for
may be on its way for 15 s: until then its retry is told to come again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic

from chatsite.kernel.errors import KeyReused, Unavailable
from chatsite.kernel.nonces import Elsewhere, Known, MemoryNonces, T
from chatsite.kernel.redis import ERA, NOW_MS, Redis, script

RESERVED_SECONDS = 60  # longer than the log's producer tries, several times
CONFIRMED_SECONDS = 3_600
YOUNG_MS = 15_000  # 5 s in the buffer, 5 s of delivery, as much to spare: later a first try is in the log or nowhere
SURE_MS = 50_000  # a retry within it finds the reservation of its first try
SETTLED_MS = 60_000  # what Redis lost so long ago the store has by now
SKEW_MS = 1_000  # between clients' and our measures of time
TRIES = 10_000  # retries remembered while their age must be measured here

# KEYS: nonce, state. ARGV: digest, message id or nothing to look only, seconds.
# Answers id, digest and pos as known before, and for how many ms nothing was lost.
_RESERVE = script(
    ERA
    + NOW_MS
    + """
local now_era = era()
local state = redis.call('HMGET', KEYS[2], 'era', 'since')
if state[1] ~= now_era then
  state[2] = now
  redis.call('HSET', KEYS[2], 'era', now_era, 'since', now)
end
local known = redis.call('HMGET', KEYS[1], 'id', 'digest', 'pos')
if not known[1] and ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'id', ARGV[2], 'digest', ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return {known[1], known[2], known[3], now - state[2]}
"""
)

# KEYS: nonce. ARGV: pos, seconds.
_CONFIRM = script("""
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSETNX', KEYS[1], 'pos', ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
""")


class RedisNonces(Generic[T]):
    """Nonces of all processes that share a Redis; those under way here are known here."""

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        self._redis = Redis(url)
        self._own: MemoryNonces[T] = MemoryNonces()
        self._now = now
        self._tried: OrderedDict[str, float] = OrderedDict()  # retries -> when they were first seen here
        self._confirming: set[asyncio.Task[None]] = set()  # as many as sends are done at once

    async def find(
        self, key: str, digest: bytes, *, retry: bool, tried_ms: int
    ) -> "asyncio.Future[T] | Known | Elsewhere | None":
        own = await self._own.find(key, digest, retry=False, tried_ms=0)
        if own is not None or not retry:
            return own
        age_ms = max(tried_ms, self._seen_ms(key))
        try:
            known, intact_ms = await self._ask(key, digest, message_id="")
        except Unavailable:
            return whereabouts(age_ms, is_told=True, intact_ms=0)
        return known or whereabouts(age_ms, is_told=tried_ms > 0, intact_ms=intact_ms)

    async def reserve(
        self, key: str, digest: bytes, message_id: int, result: "asyncio.Future[T]"
    ) -> "asyncio.Future[T] | Known | None":
        if (own := await self._own.reserve(key, digest, message_id, result)) is not None:
            return own
        try:
            known, _ = await self._ask(key, digest, message_id=message_id)
        except Unavailable:
            return None  # Unreserved: its retry is told to come again until it is in the log or nowhere.
        result.add_done_callback(lambda done: self._confirm_soon(key, done))
        return known

    async def confirm(self, key: str, pos: int) -> None:
        await self._redis.run(_CONFIRM, keys=[key], args=[pos, CONFIRMED_SECONDS])

    async def _ask(self, key: str, digest: bytes, *, message_id: int | str) -> tuple[Known | None, int]:
        """What a nonce is known by, and for how many ms Redis has lost nothing."""
        args = [digest, message_id, RESERVED_SECONDS]
        found, first, pos, intact_ms = await self._redis.run(_RESERVE, keys=[key, "nonces"], args=args)
        if found is None:
            return None, intact_ms
        if first != digest:
            raise KeyReused(code="nonce_reused")
        return Known(int(found), int(pos) if pos is not None else None), intact_ms

    def _confirm_soon(self, key: str, done: "asyncio.Future[T]") -> None:
        if not done.cancelled() and done.exception() is None:
            task = asyncio.get_running_loop().create_task(self._try_to_confirm(key, done.result().pos))
            self._confirming.add(task)
            task.add_done_callback(self._confirming.discard)

    async def _try_to_confirm(self, key: str, pos: int) -> None:
        try:
            await self.confirm(key, pos)
        except Unavailable:
            pass  # The delivery worker confirms it too.

    def _seen_ms(self, key: str) -> int:
        """How long ago a retry was first seen here."""
        first = self._tried.setdefault(key, self._now())
        if len(self._tried) > TRIES:
            self._tried.popitem(last=False)
        return int((self._now() - first) * 1_000)


def whereabouts(age_ms: int, *, is_told: bool, intact_ms: int) -> Elsewhere | None:
    """Where a retry is looked up that Redis does not know; None where its first try was never appended.

    `intact_ms` is how long Redis has lost nothing, 0 while it is away. Of a retry
    that does not tell its age, the age is only the least that it can have.
    """
    if is_told and age_ms + SKEW_MS < intact_ms:
        return None if age_ms < SURE_MS else Elsewhere.CAUGHT_UP_STORE
    unseen_ms = age_ms if is_told else intact_ms
    if unseen_ms < YOUNG_MS:
        raise Unavailable(code="lagging", retry_after_ms=YOUNG_MS - unseen_ms)
    return Elsewhere.CAUGHT_UP_STORE if is_told or intact_ms < SETTLED_MS else Elsewhere.STORE
