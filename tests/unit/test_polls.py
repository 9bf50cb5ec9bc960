"""What a poll may ask, and what may be chosen in one."""

import pytest

from chat import polls
from chat.events import Poll
from chatsite.kernel.errors import Invalid

NOW = 1_790_000_000_000  # Unix ms, in 2026


def asked(*options: str, multiple: bool = False, closes_at: str | None = None) -> Poll:
    """A poll that nobody is named in."""
    return polls.poll_of(options, multiple=multiple, anonymous=True, closes_at=closes_at)


def test_options_are_short_lines_that_differ() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert asked(" tea ", family).options == ("tea", family)
    assert len(asked(*[f"{number}" for number in range(100)]).options) == 100
    assert asked("x" * 200, "y").options[0] == "x" * 200
    too_many = [f"{number}" for number in range(101)]
    for wrong in ([], ["one"], too_many, ["tea", "TEA "], ["", "tea"], ["  ", "tea"], ["x" * 201, "y"], ["a\nb", "c"]):
        with pytest.raises(Invalid):
            asked(*wrong)
    for line in ("a\x00b", "a\u2028b", "a\rb"):
        with pytest.raises(Invalid):
            asked(line, "c")


def test_it_closes_within_a_year() -> None:
    soon = asked("a", "b", closes_at="2026-12-01T13:00:00+01:00")
    assert soon.closes_at == "2026-12-01T12:00:00.000Z"
    polls.require_time(soon, now_ms=NOW)
    assert not polls.is_over(soon, now_ms=NOW)
    assert polls.is_over(soon, now_ms=polls.closes_ms(soon))
    assert not polls.is_over(asked("a", "b"), now_ms=NOW)
    for wrong in ("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"):
        with pytest.raises(Invalid):
            polls.require_time(asked("a", "b", closes_at=wrong), now_ms=NOW)
    for wrong in ("soon", "", "0000-00-00"):
        with pytest.raises(Invalid):
            asked("a", "b", closes_at=wrong)


def test_one_option_is_chosen_or_several_where_that_is_asked() -> None:
    one, several = asked("a", "b", "c"), asked("a", "b", "c", multiple=True)
    assert polls.require_choices(one, [2, 2]) == (2,)
    assert polls.require_choices(one, []) == ()
    assert polls.require_choices(several, [2, 0]) == (0, 2)
    for poll, wrong in ((one, [0, 1]), (one, [3]), (several, [-1]), (several, [0, 10**30])):
        with pytest.raises(Invalid):
            polls.require_choices(poll, wrong)
