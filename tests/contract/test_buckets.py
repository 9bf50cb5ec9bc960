"""The contract of Buckets: never more than the burst and what time brought."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.kernel import limits
from chatsite.kernel.limits import Ask, MemoryBuckets, NoBuckets, Rule, take
from chatsite.settings.limits import LIMITS, limits_of, read_limits

SENDS = Rule("sends", rate=10, burst=30)
SLOW = Rule("slow", rate=0.1, burst=2)


class Clock:
    """A clock that stands still until it is told to move on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of the buckets."""
    return Clock()


@pytest.fixture
def buckets(clock: Clock) -> MemoryBuckets:
    """Buckets that nothing was taken from."""
    return MemoryBuckets(clock)


async def test_a_burst_then_the_rate(buckets: MemoryBuckets, clock: Clock) -> None:
    assert [(await buckets.take(Ask(SENDS, "k"))).allowed for _ in range(31)] == [True] * 30 + [False]
    refused = await buckets.take(Ask(SENDS, "k"))
    assert (refused.remaining, refused.retry_after_ms, refused.reset_ms, refused.limit) == (0, 100, 3_000, 30)
    clock.now += 0.1
    assert (await buckets.take(Ask(SENDS, "k"))).allowed
    assert not (await buckets.take(Ask(SENDS, "k"))).allowed
    clock.now += 3_600
    assert (await buckets.take(Ask(SENDS, "k"))).remaining == 29


async def test_keys_and_rules_do_not_share(buckets: MemoryBuckets) -> None:
    assert (await buckets.take(Ask(SENDS, "k", 30))).allowed
    assert (await buckets.take(Ask(SENDS, "other"))).remaining == 29
    assert (await buckets.take(Ask(SLOW, "k"))).remaining == 1


async def test_all_or_none(buckets: MemoryBuckets) -> None:
    assert (await buckets.take(Ask(SLOW, "k", 2))).allowed
    refused = await buckets.take(Ask(SENDS, "k"), Ask(SLOW, "k"))
    assert (refused.allowed, refused.rule) == (False, SLOW)
    assert (await buckets.take(Ask(SENDS, "k"))).remaining == 29


async def test_the_tightest_answers(buckets: MemoryBuckets) -> None:
    decision = await buckets.take(Ask(SENDS, "k"), Ask(SLOW, "k"))
    assert (decision.rule, decision.remaining) == (SLOW, 1)


async def test_what_is_given_back_can_be_taken_again(buckets: MemoryBuckets) -> None:
    await buckets.take(Ask(SLOW, "k"))
    await buckets.take(Ask(SLOW, "k"))
    await buckets.give_back(Ask(SLOW, "k"))
    await buckets.give_back(Ask(SLOW, "nobody's"))
    assert [(await buckets.take(Ask(SLOW, "k"))).allowed for _ in range(2)] == [True, False]


async def test_what_costs_more_than_a_full_bucket_costs_a_full_one(buckets: MemoryBuckets) -> None:
    assert (await buckets.take(Ask(SENDS, "k", 1_000))).remaining == 0
    assert not (await buckets.take(Ask(SENDS, "k"))).allowed


async def test_memory_is_bounded_and_loses_the_longest_idle(
    buckets: MemoryBuckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    for key in ("a", "b", "c", "a", "d"):
        await buckets.take(Ask(SLOW, key))
    await buckets.take(Ask(SENDS, "of another rule"))
    left = {key: (await buckets.take(Ask(SLOW, key, 0))).remaining for key in ("a", "c", "d")}
    assert left == {"a": 0, "c": 1, "d": 1}
    assert (await buckets.take(Ask(SLOW, "b"))).remaining == 1


async def test_switched_off_grants_all() -> None:
    assert all([(await NoBuckets().take(Ask(SLOW, "k", 50))).allowed for _ in range(5)])


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
