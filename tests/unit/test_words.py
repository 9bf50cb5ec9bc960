"""What of a text can be looked for, in the scripts that people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.words import LONGEST_WORD, holds, pairs_of, phrase_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Green TEA, please!", ["green", "tea", "please"]),
        ("don't", ["don", "t"]),
        ("ﬁne ＴＥＡ Straße", ["fine", "tea", "strasse"]),
        ("Добрый ДЕНЬ", ["добрый", "день"]),
        ("مُحَمَّد كـــتاب", ["محمد", "كتاب"]),
        ("हिन्दी", ["हिन्दी"]),
        ("日本語 and ｶﾅ", ["日", "本", "語", "and", "カ", "ナ"]),
        ("한국어를", ["한", "국", "어", "를"]),
        ("2026年", ["2026", "年"]),
        ("🙂 !?\0", []),
    ],
)
def test_a_text_is_words_and_characters(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_characters_beside_each_other_are_pairs() -> None:
    assert pairs_of(words_of("東京 to 大阪市")) == [(0, "東京"), (3, "大阪"), (4, "阪市")]


@pytest.mark.parametrize(
    ("asked", "prefix", "text"),
    [
        ("tea", False, "Green Tea"),
        ("green tea", False, "the GREEN tea."),
        ("соба", True, "Собака лает"),
        ("كتا", True, "هذا كتاب"),
        ("日", False, "毎日"),
        ("日本", False, "在日本語"),
        ("국어", False, "한국어를"),
        ("a 日", True, "a 日本"),
    ],
)
def test_a_phrase_is_found(asked: str, prefix: bool, text: str) -> None:
    phrase = phrase_of(asked, prefix=prefix)
    assert phrase is not None
    assert holds(words_of(text), phrase)


@pytest.mark.parametrize(
    ("asked", "text"), [("tea", "steam teak"), ("green tea", "tea green"), ("日本", "本日"), ("tea", "")]
)
def test_what_is_not_there_is_not_found(asked: str, text: str) -> None:
    phrase = phrase_of(asked)
    assert phrase is not None
    assert not holds(words_of(text), phrase)


def test_what_has_no_word_asks_for_nothing() -> None:
    assert phrase_of("?! 🙂") is None


def test_of_a_long_word_the_beginning_counts() -> None:
    assert words_of("x" * 8_000) == ["x" * LONGEST_WORD]
    assert words_of("я" * 8_000) == ["я" * LONGEST_WORD]


@given(st.text(max_size=200))
def test_any_text_finds_itself(text: str) -> None:
    words = words_of(text)
    assert not words or holds(words, phrase_of(text))  # type: ignore[arg-type]
    assert all(word and not set(word) & set("'\"\\: \0") for word in words)
