"""What of a text can be looked for. Pure.

A text is a sequence of words, and of single characters where its script puts no spaces
between words (Chinese, Japanese) or glues what follows to them (Korean). Two such
characters beside each other are a pair too: a word of two is found at once, a longer one as
pairs that follow each other.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LONGEST_WORD = 64  # code points; what lies beyond tells no word from another
_GRAMS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u3105-\u312f\u31f0-\u31ff"  # Japanese syllables, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7a3"  # Korean syllables
)
_GRAM = re.compile(f"[{_GRAMS}]")
# Arabic's vowel points and the line that stretches a word: people type them or do not.
_UNSEEN = re.compile("[\u0640\u064b-\u0652\u0670]")
_ASCII_WORD = re.compile("[a-z0-9]+")
_LINK = re.compile(r"https?://\w", re.IGNORECASE)


class Phrase(NamedTuple):
    """Words that follow each other; of the last one the beginning is enough where it is a `prefix`."""

    words: tuple[str, ...]
    prefix: bool = False


def words_of(text: str) -> list[str]:
    """The words and single characters of a text, in order, in the one form in which they are compared."""
    if text.isascii():  # Most of what is said in English and in code, at a tenth of the cost.
        return [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(text.lower())]
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found: list[str] = []
    word: list[str] = []
    for character in _UNSEEN.sub("", folded):
        if _GRAM.match(character):
            _finish(word, found)
            if unicodedata.category(character)[0] in "LMN":
                found.append(character)
        elif unicodedata.category(character)[0] in "LMN":
            word.append(character)
        else:
            _finish(word, found)
    _finish(word, found)
    return found


class Placed(NamedTuple):
    """A word of a text in its one form, and where it stands there."""

    word: str
    start: int
    end: int


def words_with_places(text: str) -> Sequence[Placed]:
    """The words and single characters of a text, as `words_of` knows them, each with its place."""
    if text.isascii():
        return [Placed(match.group(), *match.span()) for match in _ASCII_WORD.finditer(text.lower())]
    found: list[Placed] = []
    start: int | None = None
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        if _GRAM.match(character) and kind[0] in "LMN":
            if start is not None:
                found.append(_placed(text, start, place))
            start = None
            found.append(_placed(text, place, place + 1))
        elif kind[0] in "LMN" or (kind == "Cf" and start is not None):  # A soft hyphen does not part a word.
            start = place if start is None else start
        elif start is not None:
            found.append(_placed(text, start, place))
            start = None
    if start is not None:
        found.append(_placed(text, start, len(text)))
    return found


def _placed(text: str, start: int, end: int) -> Placed:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[start:end]).casefold())
    seen = (one for one in _UNSEEN.sub("", folded) if unicodedata.category(one) != "Cf")
    return Placed("".join(seen), start, end)


def _finish(word: list[str], found: list[str]) -> None:
    if word:
        found.append("".join(word[:LONGEST_WORD]))
        word.clear()


def is_character(word: str) -> bool:
    """Whether a word is a single character of a script that is looked for by its characters."""
    return _GRAM.match(word) is not None


def pairs_of(words: Sequence[str]) -> list[tuple[int, str]]:
    """Every two single characters beside each other, with the place of the first."""
    return [
        (place, first + second)
        for place, (first, second) in enumerate(pairwise(words))
        if is_character(first) and is_character(second)
    ]


def phrase_of(text: str, *, prefix: bool = False) -> Phrase | None:
    """What a text looks for; None where it has no word."""
    words = tuple(words_of(text))
    return Phrase(words, prefix and not is_character(words[-1])) if words else None


def holds(words: Sequence[str], phrase: Phrase) -> bool:
    """Whether words hold a phrase."""
    *begin, last = phrase.words
    size = len(phrase.words)
    for place in range(len(words) - size + 1):
        found = words[place + size - 1]
        if (found == last or (phrase.prefix and found.startswith(last))) and [
            *words[place : place + size - 1]
        ] == begin:
            return True
    return False


def has_link(text: str) -> bool:
    """Whether a text holds an address of the web."""
    return _LINK.search(text) is not None
