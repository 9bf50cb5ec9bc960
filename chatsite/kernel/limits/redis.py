"""Buckets in Redis, for any number of processes, by the clock of Redis.

bucket:{rule}:{key}     the moment at which it will be full, in microseconds; gone once it is
"""

import math

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.limits import Ask, Decision, MemoryBuckets, Rule, decide
from chatsite.kernel.redis import Redis, script

# Who guesses passwords must not gain by Redis being away; everybody else talks on, more slowly.
CLOSED = frozenset({"sign_ins", "guesses", "name_guesses", "resets", "mail_tests"})
TIGHTER = 4  # a process that counts alone grants a quarter: there may be that many of them

_CLOCK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function keep(key, full_at)
  redis.call('SET', key, string.format('%.17g', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
end
"""

# KEYS: buckets. ARGV: of each the microseconds that the wanted tokens and a full bucket take.
# Answers which refused, or 0, then microseconds: by how much, or until each is full.
_TAKE = script(
    _CLOCK
    + """
local left = {0}
for i, key in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', key) or now)
  local wanted = math.max(full_at, now) + ARGV[2 * i - 1] - now
  if wanted - ARGV[2 * i] > 1 then
    return {i, string.format('%.17g', wanted - ARGV[2 * i]), string.format('%.17g', full_at - now)}
  end
  left[i + 1] = string.format('%.17g', wanted)
end
for i, key in ipairs(KEYS) do keep(key, now + left[i + 1]) end
return left
"""
)

# KEYS: buckets. ARGV: of each the microseconds that the tokens to be put back take.
_GIVE_BACK = script(
    _CLOCK
    + """
for i, key in ipairs(KEYS) do
  local full_at = redis.call('GET', key)
  if full_at and full_at - ARGV[i] > now then keep(key, full_at - ARGV[i]) else redis.call('DEL', key) end
end
"""
)


class RedisBuckets:
    """Buckets of all processes that share a Redis; without it each has tighter ones of its own."""

    def __init__(self, url: str) -> None:
        self._redis = Redis(url)
        self._own = MemoryBuckets()

    async def take(self, *asks: Ask) -> Decision:
        if not asks:
            raise ValueError("Nothing was asked for.")
        wanted = [part for ask in asks for part in (_micros(ask, ask.cost), _micros(ask, ask.rule.burst))]
        try:
            refused, *numbers = await self._redis.run(_TAKE, keys=[_key(ask) for ask in asks], args=wanted)
        except Unavailable:
            if CLOSED & {ask.rule.name for ask in asks}:
                raise
            return await self._own.take(*map(_tighter, asks))
        seconds = [float(number) / 1e6 for number in numbers]
        if refused:
            return decide(asks[refused - 1].rule, left=seconds[1], over=seconds[0])
        decisions = [decide(ask.rule, left=left, over=0) for ask, left in zip(asks, seconds, strict=True)]
        return min(decisions, key=lambda decision: decision.remaining)

    async def give_back(self, *asks: Ask) -> None:
        try:
            spent = [_micros(ask, ask.cost) for ask in asks]
            await self._redis.run(_GIVE_BACK, keys=[_key(ask) for ask in asks], args=spent)
        except Unavailable:
            await self._own.give_back(*map(_tighter, asks))


def _key(ask: Ask) -> str:
    return f"bucket:{ask.rule.name}:{ask.key}"


def _micros(ask: Ask, tokens: float) -> float:
    """How long a bucket takes to fill by so many tokens, at most all of it."""
    return min(tokens, ask.rule.burst) / ask.rule.rate * 1e6


def _tighter(ask: Ask) -> Ask:
    name, rate, burst = ask.rule
    return ask._replace(rule=Rule(name, rate / TIGHTER, max(1.0, math.floor(burst / TIGHTER))))
