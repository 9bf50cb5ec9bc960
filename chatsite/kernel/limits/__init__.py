"""Limits: token buckets, one engine for REST and sockets.

A bucket is one number, the moment at which it will be full (GCRA): tokens come
back as time passes, and nothing has to run for that. `take` is pure; `Buckets`
keeps the numbers; commands and edges call `require`.
"""

import contextvars
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol, cast

from django.conf import settings

from chatsite.kernel.backends import backend
from chatsite.kernel.errors import RateLimited

REMEMBERED = 50_000  # buckets of one rule, about 8 MB; over it the one that was idle longest is full again
_ROUNDING = 1e-6  # seconds; what floats may be off
_TOKEN_ROUNDING = 1e-3  # tokens; a thousand of them a second are off by more


class Rule(NamedTuple):
    """How fast a bucket of some purpose fills, in tokens a second, and how many it holds."""

    name: str
    rate: float
    burst: float


class Ask(NamedTuple):
    """Tokens wanted from one bucket."""

    rule: Rule
    key: str
    cost: float = 1.0


class Decision(NamedTuple):
    """Whether tokens were taken, and what is left; times in ms from now."""

    rule: Rule
    allowed: bool
    remaining: int
    retry_after_ms: int  # 0 where it was allowed
    reset_ms: int  # until the bucket is full

    @property
    def limit(self) -> float:
        """How many tokens a full bucket holds."""
        return self.rule.burst


# What a request was granted or refused, for the headers of its answer; None outside of requests.
decisions: contextvars.ContextVar[list[Decision] | None] = contextvars.ContextVar("decisions", default=None)


def take(full_at: float, rule: Rule, cost: float, now: float) -> tuple[float, Decision]:
    """What a bucket becomes when tokens are taken at `now` (seconds), and whether it gave them.

    A cost above the burst counts as the burst, or it could never be paid.
    """
    _, rate, burst = rule
    wanted = max(full_at, now) + min(cost, burst) / rate
    over = wanted - now - burst / rate
    kept = wanted if over <= _ROUNDING else full_at
    return kept, decide(rule, left=kept - now, over=over)


def decide(rule: Rule, *, left: float, over: float) -> Decision:
    """What a bucket answers that will be full in `left` seconds; `over` says how much too early it was asked."""
    allowed = over <= _ROUNDING
    remaining = int(min(rule.burst, max(0.0, rule.burst - left * rule.rate) + _TOKEN_ROUNDING))
    return Decision(rule, allowed, remaining, 0 if allowed else _ms(over), _ms(left))


def _ms(seconds: float) -> int:
    return math.ceil((seconds - _ROUNDING) * 1_000)


class Buckets(Protocol):
    """The buckets of every rule and key."""

    async def take(self, *asks: Ask) -> Decision:
        """Take from all of some buckets or from none; answers for the one that has least left."""

    async def give_back(self, *asks: Ask) -> None:
        """Put tokens back that were taken for nothing."""


class MemoryBuckets:
    """Buckets of one process, 50,000 a rule; a new process starts with full ones."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full_at: dict[str, OrderedDict[str, float]] = {}  # of each rule, the longest idle first

    async def take(self, *asks: Ask) -> Decision:
        now = self._now()
        taken: list[tuple[Ask, float]] = []
        tightest: Decision | None = None
        for ask in asks:
            full_at = self._of(ask.rule).get(ask.key, now)
            wanted, decision = take(full_at, ask.rule, ask.cost, now)
            if not decision.allowed:
                return decision
            taken.append((ask, wanted))
            if tightest is None or decision.remaining < tightest.remaining:
                tightest = decision
        for ask, wanted in taken:
            self._keep(ask, wanted)
        if tightest is None:
            raise ValueError("Nothing was asked for.")
        return tightest

    async def give_back(self, *asks: Ask) -> None:
        for ask in asks:
            if (full_at := self._of(ask.rule).get(ask.key)) is not None:
                self._keep(ask, full_at - min(ask.cost, ask.rule.burst) / ask.rule.rate)

    def _of(self, rule: Rule) -> OrderedDict[str, float]:
        return self._full_at.setdefault(rule.name, OrderedDict())

    def _keep(self, ask: Ask, full_at: float) -> None:
        kept = self._of(ask.rule)
        kept[ask.key] = full_at
        kept.move_to_end(ask.key)
        if len(kept) > REMEMBERED:
            kept.popitem(last=False)


class NoBuckets:
    """Grants everything: CHAT_LIMITS is off."""

    async def take(self, *asks: Ask) -> Decision:
        rule = asks[0].rule
        return Decision(rule, True, int(rule.burst), 0, 0)

    async def give_back(self, *asks: Ask) -> None:
        pass


@cache
def rule(name: str) -> Rule:
    """The rule of a purpose, as LIMIT_RULES has it."""
    rate, burst = settings.LIMIT_RULES[name]
    return Rule(name, rate, burst)


def buckets() -> Buckets:
    """The buckets of this process, as LIMITS names them."""
    return cast(Buckets, backend("LIMITS"))


async def require(*asks: Ask) -> Decision:
    """Take from all of some buckets; RateLimited, with when to come again, where one of them is empty."""
    decision = await buckets().take(*asks)
    if (made := decisions.get()) is not None:
        made.append(decision)
    if not decision.allowed:
        raise RateLimited(retry_after_ms=max(1, decision.retry_after_ms))
    return decision
