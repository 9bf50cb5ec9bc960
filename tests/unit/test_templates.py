"""Texts with places: what stands in them comes out, and nothing else happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.templates import filled, places
from chatsite.kernel.errors import Invalid


def test_places_are_words_in_braces() -> None:
    assert places("Dear {name}, {day}! {name} {{not}} {Имя}") == ["name", "day", "Имя"]
    assert filled("Dear {name}: {{x}} {day}", {"name": "{day}", "day": "now", "more": "1"}) == "Dear {day}: {x} now"


@pytest.mark.parametrize("content", ["{", "}", "{}", "{a b}", "{1a}", "{a{b}}", "{a}}", "{" + "x" * 41 + "}", "{a.b}"])
def test_a_brace_alone_is_no_place(content: str) -> None:
    with pytest.raises(Invalid, match="content: a place is a word"):
        places(content)


@pytest.mark.parametrize(
    ("values", "why"),
    [({}, "no value for name, day"), ({"name": "a"}, "no value for day"), ({"name": 5, "day": "a"}, "name is to be"),
     ({"name": "x" * 1_001, "day": "a"}, "name is to be")],
)  # fmt: skip
def test_each_place_needs_a_value(values: dict[str, object], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        filled("{name} {day}", values)


def test_there_are_twenty_places() -> None:
    with pytest.raises(Invalid, match="at most 20"):
        places("".join(f"{{a{number}}}" for number in range(21)))


@given(st.text(), st.text(max_size=1_000))
def test_whatever_is_said_comes_out(text: str, value: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert filled(escaped + "{it}", {"it": value}) == text + value
