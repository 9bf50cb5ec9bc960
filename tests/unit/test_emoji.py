"""What is one emoji, and how it is spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.emoji import MAX_CODE_POINTS, spelled

COLOUR = "\ufe0f"


@pytest.mark.parametrize(
    "emoji",
    ["👍", "👍🏽", "❤️", "✊🏽", "☝🏽", "🏳️‍🌈", "🏴‍☠️", "👨‍👩‍👧‍👦", "🧑🏻‍❤️‍💋‍🧑🏼", "🕵🏽‍♀️", "🏃‍♂️", "🇩🇪", "1️⃣", "#️⃣",
     "🫨", "©️", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
)  # fmt: skip
def test_an_emoji_is_spelled_as_keyboards_do(emoji: str) -> None:
    assert spelled(emoji) == emoji


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("❤", "❤️"),
        ("👍" + COLOUR, "👍"),
        ("🏳\u200d🌈", "🏳️‍🌈"),
        ("🏃\u200d♂", "🏃‍♂️"),
        ("1\u20e3", "1️⃣"),
        ("🕵🏽\u200d♀", "🕵🏽‍♀️"),
    ],
)
def test_other_spellings_are_the_same_emoji(text: str, emoji: str) -> None:
    assert spelled(text) == emoji


@pytest.mark.parametrize(
    "text",
    ["", "a", "1", "👍👍", "🇩", "🇩🇪🇩🇪", "🇩🇪👍", "👍 ", "👍\u200d", "\u200d👍", "🏽", COLOUR, "\u200d", "👍\n", "<b>",
     "🏴\U000e0067", "❤\ufe0e", "\u200d".join("👨" * 20)],
)  # fmt: skip
def test_what_is_no_emoji(text: str) -> None:
    assert spelled(text) is None


@given(st.text(st.sampled_from("👍❤🏽🇩🇪1#\u200d\ufe0f\u20e3a☠🏴"), max_size=2 * MAX_CODE_POINTS))
def test_a_spelling_is_its_own(text: str) -> None:
    if (emoji := spelled(text)) is not None:
        assert spelled(emoji) == emoji
