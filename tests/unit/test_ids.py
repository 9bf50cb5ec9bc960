"""The snowflake clock: ids and versions never fall."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.kernel.errors import Invalid, Unavailable
from chatsite.kernel.events import iso
from chatsite.kernel.ids import (
    BUCKET_MS,
    EPOCH_MS,
    MAX_ID,
    MIN_ID,
    Clock,
    bucket_of,
    id_at,
    make_id,
    ms_of,
    read_id,
    unix_ms_of,
    version_of,
)

NOW = EPOCH_MS + 1_000_000_000
moments = st.integers(min_value=-(1 << 40), max_value=(1 << 41) - 1)


@given(moments, st.integers(0, 1023), st.integers(0, 4095))
def test_an_id_tells_its_moment_and_bucket_before_2024_too(ms: int, worker: int, sequence: int) -> None:
    message_id = make_id(ms, worker, sequence)
    assert MIN_ID <= message_id <= MAX_ID
    assert ms_of(message_id) == ms
    assert unix_ms_of(message_id) == ms + EPOCH_MS
    assert bucket_of(message_id) * BUCKET_MS <= ms < (bucket_of(message_id) + 1) * BUCKET_MS


@given(moments, moments)
def test_the_order_of_ids_is_the_order_of_moments(one: int, other: int) -> None:
    assert (make_id(one, 1023, 4095) < make_id(other, 0, 0)) == (one < other)


@given(st.lists(st.one_of(st.integers(-900, 50), st.tuples(st.integers(-8_000, 4_999))), max_size=200))
def test_ids_and_versions_rise_whatever_the_wall_clock_and_others_do(steps: list[int | tuple[int]]) -> None:
    clock, wall, highest, last, version = Clock(3), NOW, NOW, MIN_ID, 0
    for step in steps:
        if isinstance(step, tuple):
            foreign = make_id(wall + step[0] - EPOCH_MS, 9, 7)
            clock.see(foreign, now_ms=wall)
            last = max(last, foreign)
        else:
            wall = max(highest - 1_000, wall + step)
            highest = max(highest, wall)
        minted = clock.mint(now_ms=wall)
        assert minted > last
        assert clock.version(now_us=wall * 1_000) > max(version, version_of(minted))
        last, version = minted, clock.version(now_us=wall * 1_000)


def test_a_burst_of_one_millisecond_goes_on_in_the_next() -> None:
    clock = Clock(1)
    ids = [clock.mint(now_ms=NOW) for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert ms_of(ids[-1]) == NOW - EPOCH_MS + 2


def test_a_large_step_back_is_refused_until_it_is_made_up() -> None:
    clock = Clock(1)
    before = clock.mint(now_ms=NOW)
    with pytest.raises(Unavailable) as refused:
        clock.mint(now_ms=NOW - 1_001)
    assert refused.value.code == "clock_skew"
    assert clock.mint(now_ms=NOW - 1_000) > before


def test_an_id_far_ahead_is_not_adopted() -> None:
    clock = Clock(1)
    clock.see(make_id(NOW + 5_001 - EPOCH_MS, 9, 0), now_ms=NOW)
    assert unix_ms_of(clock.mint(now_ms=NOW)) == NOW


def test_a_new_holder_starts_above_what_was_minted() -> None:
    first = Clock(1)
    minted = [first.mint(now_ms=NOW + 3) for _ in range(5)]
    assert Clock(1, above=minted[-1]).mint(now_ms=NOW) > minted[-1]


def test_id_at_is_clamped_to_64_bits() -> None:
    assert (id_at(-(10**18)), id_at(10**18)) == (MIN_ID, MAX_ID)


@pytest.mark.parametrize(
    "text", ["", "x", "1.0", "1e3", "9" * 30, str(MAX_ID + 1), str(MIN_ID - 1), "--1", "٣", "+1", " 1"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_id(text, "before")


@given(st.integers(MIN_ID, MAX_ID))
def test_every_64_bit_decimal_is_an_id(number: int) -> None:
    assert read_id(str(number), "before") == number


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_moment_is_written_to_the_millisecond(unix_ms: int) -> None:
    written = iso(unix_ms)
    assert (len(written), written[-5], written[-1]) == (24, ".", "Z")
    assert datetime.fromisoformat(written) - datetime.fromisoformat("1970-01-01T00:00:00Z") == timedelta(
        milliseconds=unix_ms
    )
