"""Mails of what was missed: when one is due, and what it counts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chat.digests import Frequency, next_look, period_of, told_of
from chat.policy import Level

HOURLY, DAILY = Frequency.HOURLY, Frequency.DAILY


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of some month."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency", "now", "begin"),
    [
        (HOURLY, at(5, 10, 59), at(5, 10)),
        (HOURLY, at(5, 11), at(5, 11)),
        (DAILY, at(5, 6, 59), at(4, 7)),
        (DAILY, at(5, 7), at(5, 7)),
    ],
)
def test_a_period_is_a_full_hour_or_a_day_from_seven_on(frequency: Frequency, now: datetime, begin: datetime) -> None:
    assert period_of(frequency, now) == begin


def test_the_next_look_is_in_the_next_period_and_not_the_same_moment_for_all() -> None:
    looks = {next_look(HOURLY, uuid4(), now=at(5, 10, 30)) for _ in range(50)}
    assert all(at(5, 11) <= look < at(5, 11) + timedelta(minutes=10) for look in looks)
    assert len(looks) > 10
    assert next_look(DAILY, UUID(int=0), now=at(5, 10)) == at(6, 7)


def test_direct_chats_count_all_of_it_and_others_what_names_one() -> None:
    unread = [(1, False), (2, True), (3, False)]
    assert told_of(unread, Level.ALL, is_direct=True) == [1, 2, 3]
    assert told_of(unread, Level.ALL, is_direct=False) == [2]
    assert told_of(unread, Level.MENTIONS, is_direct=True) == [2]
    assert told_of(unread, Level.NOTHING, is_direct=True) == []
