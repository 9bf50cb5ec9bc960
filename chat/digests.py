"""When a mail of what was missed is due, and what it counts. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chat.policy import Level


class Frequency(StrEnum):
    """How often somebody wants a mail at most."""

    NEVER = "never"
    HOURLY = "hourly"
    DAILY = "daily"


_LENGTHS = {Frequency.HOURLY: timedelta(hours=1), Frequency.DAILY: timedelta(days=1)}
_BEGIN = datetime(2024, 1, 1, 7, tzinfo=UTC)  # a day's mail comes from seven o'clock (UTC) on
_SPREAD_SECONDS = 600  # not everybody's mail is made in the same moment


def period_of(frequency: Frequency, now: datetime) -> datetime:
    """The begin of the period that a moment is in: each has one mail at most."""
    length = _LENGTHS[frequency]
    return _BEGIN + (now - _BEGIN) // length * length


def next_look(frequency: Frequency, user: UUID, *, now: datetime) -> datetime:
    """When it is looked at next whether a mail is due: after the period that a moment is in."""
    return period_of(frequency, now) + _LENGTHS[frequency] + timedelta(seconds=user.int % _SPREAD_SECONDS)


def told_of(unread: Iterable[tuple[int, bool]], level: Level, *, is_direct: bool) -> list[int]:
    """The unread messages of a chat that a mail counts; given are their ids, and whether each names the person.

    Of a chat of many it is what names one, however much of it is told in windows.
    """
    if level is Level.NOTHING:
        return []
    return [message for message, is_named in unread if is_named or (is_direct and level is Level.ALL)]
