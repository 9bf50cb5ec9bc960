"""Who is connected where in Redis, for any number of processes, by the clock of Redis.

    session:{user}     `{server}/{session}` of each open session, at the Unix ms at which its lease ends

A server renews the leases of its sessions; those of one that was killed end by
themselves. What an emptied Redis has lost comes back when they are renewed.
"""

import os
import socket
from collections.abc import Sequence
from datetime import timedelta

from chatsite.gateway.sessions import LEASE, MemorySessionRegistry
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.redis import NOW_MS, Part, Redis, script

PEOPLE = 100  # renewed by one script, which keeps others waiting for 0.3 ms; with 10,000 here a beat costs 33 ms

_COMMON = (
    NOW_MS
    + """
local function forget_ended(key)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
end
local function hold(key, first, last)
  for i = first, last do redis.call('ZADD', key, now + LEASE, ARGV[i]) end
  redis.call('PEXPIRE', key, LEASE)
end
""".replace("LEASE", str(LEASE // timedelta(milliseconds=1)))
)

# KEYS: sessions of a person. ARGV: how many there may be, the session. Answers 1, or 0 where it is one too many.
_ENTER = script(
    _COMMON
    + """
forget_ended(KEYS[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) and not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
hold(KEYS[1], 2, 2)
return 1
"""
)

# KEYS: sessions of some people. ARGV: how many are open here of each, and those.
_RENEW = script(
    _COMMON
    + """
local at = 1
for _, key in ipairs(KEYS) do
  local last = at + ARGV[at]
  forget_ended(key)
  hold(key, at + 1, last)
  at = last + 1
end
"""
)


class RedisSessionRegistry:
    """Sessions of all processes that share a Redis; while it is away each counts its own."""

    def __init__(self, url: str) -> None:
        self._redis = Redis(url)
        self._own = MemorySessionRegistry()
        self._server = f"{socket.gethostname()}:{os.getpid()}"

    async def enter(self, user: str, session: str, *, most: int) -> bool:
        # First here: what leaves while Redis is being asked is taken back there, by a command behind this one.
        if not await self._own.enter(user, session, most=most):
            return False
        try:
            is_in = await self._redis.run(_ENTER, keys=[_key(user)], args=[most, self._name(session)])
        except Unavailable:
            return True
        if not is_in:
            self.leave(user, session)
        return bool(is_in)

    def leave(self, user: str, session: str) -> None:
        if session in self._own.open.get(user, ()):
            self._own.leave(user, session)
            self._redis.tell("ZREM", _key(user), self._name(session))  # Where that is lost, its lease ends.

    async def renew(self) -> None:
        people = list(self._own.open)
        for start in range(0, len(people), PEOPLE):
            await self._renew(people[start : start + PEOPLE])

    async def _renew(self, people: Sequence[str]) -> None:
        """Renew what is open now: some have left since the first ones were renewed."""
        still = [user for user in people if user in self._own.open]
        args: list[Part] = []
        for user in still:
            mine = self._own.open[user]
            args += [len(mine), *map(self._name, mine)]
        await self._redis.run(_RENEW, keys=[_key(user) for user in still], args=args)

    def _name(self, session: str) -> str:
        return f"{self._server}/{session}"


def _key(user: str) -> str:
    return f"session:{user}"
