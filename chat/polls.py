"""What a poll may ask, and what somebody may choose in one. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chat.events import Poll
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso

FEWEST, MOST = 2, 100  # options
LONGEST_OPTION = 200  # code points
LATEST = timedelta(days=366)  # from when it is asked until it closes


def poll_of(options: Sequence[str], *, multiple: bool, anonymous: bool, closes_at: str | None) -> Poll:
    """A poll as somebody asks it; Invalid where it has no such options or no such time."""
    texts = tuple(option.strip() for option in options)
    if not FEWEST <= len(texts) <= MOST:
        raise Invalid(f"{FEWEST} to {MOST} options.", field="poll")
    for text in texts:
        if not 1 <= len(text) <= LONGEST_OPTION:
            raise Invalid(f"1 to {LONGEST_OPTION} code points an option.", field="poll")
        if len(text.splitlines()) != 1 or "\x00" in text:
            raise Invalid("an option is one line of text.", field="poll")
    if len({text.casefold() for text in texts}) < len(texts):
        raise Invalid("no two options may be alike.", field="poll")
    moment = None if closes_at is None else _moment(closes_at)
    return Poll(options=texts, multiple=multiple, anonymous=anonymous, closes_at=moment)


def require_time(poll: Poll, *, now_ms: int) -> None:
    """Refuse a poll that would close in the past, or in more than a year."""
    if poll.closes_at is not None and not now_ms < closes_ms(poll) <= now_ms + int(LATEST.total_seconds() * 1_000):
        raise Invalid("a poll closes within the next year.", field="poll")


def closes_ms(poll: Poll) -> int:
    """When a poll closes by itself (Unix ms); it has to have such a time."""
    return _unix_ms(str(poll.closes_at))


def is_over(poll: Poll, *, now_ms: int) -> bool:
    """Whether a poll's time has come, be it marked as closed yet or not."""
    return poll.closes_at is not None and closes_ms(poll) <= now_ms


def require_choices(poll: Poll, choices: Sequence[int]) -> tuple[int, ...]:
    """What somebody chooses, in rising order; Invalid for an unknown option, or several where one is to be chosen."""
    chosen = tuple(sorted(set(choices)))
    if chosen and not 0 <= chosen[0] <= chosen[-1] < len(poll.options):
        raise Invalid(f"the options are 0 to {len(poll.options) - 1}.", field="choices")
    if len(chosen) > 1 and not poll.multiple:
        raise Invalid("one option is to be chosen.", field="choices")
    return chosen


def _moment(text: str) -> str:
    """A time as events say it; Invalid where it is none, or in no year that there is in UTC."""
    try:
        return iso(_unix_ms(text))
    except (ValueError, OverflowError):
        raise Invalid("expected a time as ISO 8601.", field="poll") from None


def _unix_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
