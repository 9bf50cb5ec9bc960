"""The contract of Buckets: never more than the burst and what time brought."""

from typing import NamedTuple

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from chatsite.kernel import limits
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.limits import Ask, Buckets, MemoryBuckets, NoBuckets, Rule, take
from chatsite.kernel.limits.redis import CLOSED, RedisBuckets
from chatsite.settings.limits import LIMITS, limits_of, read_limits

# Slow enough that a busy machine may take its time between two takes.
SENDS = Rule("sends", rate=0.1, burst=30)
SLOW = Rule("slow", rate=0.1, burst=2)


class Clock:
    """A clock that stands still until it is told to move on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class RedisClock:
    """The clock of Redis, which goes by itself: what is full later is full sooner by as much."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, decode_responses=True)

    def move(self, seconds: float) -> None:
        """Let time pass for every bucket."""
        for key in self._client.scan_iter("bucket:*"):
            self._client.set(key, float(str(self._client.get(key))) - seconds * 1e6)


class Twin(NamedTuple):
    """Buckets and their time."""

    buckets: Buckets
    clock: Clock | RedisClock


@pytest.fixture(params=["memory", "redis"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Buckets that nothing was taken from, and their time."""
    if request.param == "memory":
        return Twin(MemoryBuckets(clock := Clock()), clock)
    url = request.getfixturevalue("redis_url")
    return Twin(RedisBuckets(url), RedisClock(url))


@pytest.fixture
def buckets(twin: Twin) -> Buckets:
    """Buckets that nothing was taken from."""
    return twin.buckets


async def test_a_burst_then_the_rate(twin: Twin) -> None:
    buckets, clock = twin
    assert [(await buckets.take(Ask(SENDS, "k"))).allowed for _ in range(31)] == [True] * 30 + [False]
    refused = await buckets.take(Ask(SENDS, "k"))
    assert (refused.allowed, refused.remaining, refused.limit) == (False, 0, 30)
    assert 0 < refused.retry_after_ms <= 10_000
    assert 280_000 < refused.reset_ms <= 300_000
    clock.move(10)
    assert (await buckets.take(Ask(SENDS, "k"))).allowed
    assert not (await buckets.take(Ask(SENDS, "k"))).allowed
    clock.move(3_600)
    assert (await buckets.take(Ask(SENDS, "k"))).remaining == 29


async def test_keys_and_rules_do_not_share(buckets: Buckets) -> None:
    assert (await buckets.take(Ask(SENDS, "k", 30))).allowed
    assert (await buckets.take(Ask(SENDS, "other"))).remaining == 29
    assert (await buckets.take(Ask(SLOW, "k"))).remaining == 1


async def test_all_or_none(buckets: Buckets) -> None:
    assert (await buckets.take(Ask(SLOW, "k", 2))).allowed
    refused = await buckets.take(Ask(SENDS, "k"), Ask(SLOW, "k"))
    assert (refused.allowed, refused.rule) == (False, SLOW)
    assert (await buckets.take(Ask(SENDS, "k"))).remaining == 29


async def test_the_tightest_answers(buckets: Buckets) -> None:
    decision = await buckets.take(Ask(SENDS, "k"), Ask(SLOW, "k"))
    assert (decision.rule, decision.remaining) == (SLOW, 1)


async def test_what_is_given_back_can_be_taken_again(buckets: Buckets) -> None:
    await buckets.take(Ask(SLOW, "k"))
    await buckets.take(Ask(SLOW, "k"))
    await buckets.give_back(Ask(SLOW, "k"))
    await buckets.give_back(Ask(SLOW, "nobody's"))
    assert [(await buckets.take(Ask(SLOW, "k"))).allowed for _ in range(2)] == [True, False]


async def test_what_costs_more_than_a_full_bucket_costs_a_full_one(buckets: Buckets) -> None:
    assert (await buckets.take(Ask(SENDS, "k", 1_000))).remaining == 0
    assert not (await buckets.take(Ask(SENDS, "k"))).allowed


async def test_memory_is_bounded_and_loses_the_longest_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = MemoryBuckets(Clock())
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    for key in ("a", "b", "c", "a", "d"):
        await buckets.take(Ask(SLOW, key))
    await buckets.take(Ask(SENDS, "of another rule"))
    left = {key: (await buckets.take(Ask(SLOW, key, 0))).remaining for key in ("a", "c", "d")}
    assert left == {"a": 0, "c": 1, "d": 1}
    assert (await buckets.take(Ask(SLOW, "b"))).remaining == 1


async def test_switched_off_grants_all() -> None:
    assert all([(await NoBuckets().take(Ask(SLOW, "k", 50))).allowed for _ in range(5)])


async def test_servers_share_their_buckets(redis_url: str) -> None:
    one, other = RedisBuckets(redis_url), RedisBuckets(redis_url)
    taken = [await buckets.take(Ask(SLOW, "k")) for buckets in (one, other, one)]
    assert [decision.allowed for decision in taken] == [True, True, False]
    await other.give_back(Ask(SLOW, "k"))
    assert (await one.take(Ask(SLOW, "k"))).allowed


async def test_a_bucket_that_is_full_takes_no_room(redis_url: str) -> None:
    buckets = RedisBuckets(redis_url)
    await buckets.take(Ask(SENDS, "k"))
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl("bucket:sends:k") <= 10_002
        await buckets.give_back(Ask(SENDS, "k"))
        assert not client.exists("bucket:sends:k")


async def test_without_redis_guesses_are_refused_and_talk_is_slower() -> None:
    buckets = RedisBuckets("redis://127.0.0.1:1")
    with pytest.raises(Unavailable):
        await buckets.take(Ask(SENDS, "k"), Ask(Rule("guesses", 1, 10), "k"))
    assert [(await buckets.take(Ask(SENDS, "k"))).allowed for _ in range(8)] == [True] * 7 + [False]
    await buckets.give_back(Ask(SENDS, "k"))
    assert (await buckets.take(Ask(SENDS, "k"))).allowed


rules = st.builds(Rule, st.just("r"), st.floats(0.01, 1_000), st.floats(1, 1_000))
calls = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 50)), max_size=60)


@given(rules, calls)
def test_never_more_than_the_burst_and_what_time_brought(rule: Rule, calls: list[tuple[float, float]]) -> None:
    now, full_at = 5_000.0, 0.0
    granted: list[tuple[float, float]] = []
    for pause, cost in calls:
        now += pause
        full_at, decision = take(full_at, rule, cost, now)
        assert 0 <= decision.remaining <= rule.burst
        if decision.allowed:
            granted.append((now, min(cost, rule.burst)))
            assert decision.retry_after_ms == 0
    for first, (start, _) in enumerate(granted):
        total = 0.0
        for end, cost in granted[first:]:
            total += cost
            assert total <= rule.burst + rule.rate * (end - start) + 1e-3


@given(rules, calls)
def test_who_waits_as_told_is_let_in(rule: Rule, calls: list[tuple[float, float]]) -> None:
    now, full_at = 5_000.0, 0.0
    for pause, cost in calls:
        now += pause
        full_at, decision = take(full_at, rule, cost, now)
        if not decision.allowed:
            _, again = take(full_at, rule, cost, now + decision.retry_after_ms / 1_000)
            assert again.allowed
            _, full = take(full_at, rule, rule.burst, now + decision.reset_ms / 1_000)
            assert full.allowed


@given(rules, st.floats(0, 100))
def test_a_clock_that_steps_back_grants_nothing_more(rule: Rule, back: float) -> None:
    full_at, _ = take(0.0, rule, rule.burst, 5_000.0)
    assert not take(full_at, rule, 1.0, 5_000.0 - back)[1].allowed


def test_what_fails_closed_is_in_the_table() -> None:
    assert set(LIMITS) >= CLOSED


def test_the_table_can_be_changed_by_name() -> None:
    table = limits_of(read_limits(" sends=5/20 , guesses=0.5/3"))
    assert (table["sends"], table["guesses"]) == ((5, 20), (0.5, 3))
    assert table["frames"] == LIMITS["frames"][:2]
    assert set(table) == set(LIMITS)


@pytest.mark.parametrize(
    "text", ["nothing=1/2", "sends", "sends=1", "sends=0/5", "sends=1/0", "sends=x/y", "sends=nan/5"]
)
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_limits(text)
