"""What is not to be said: rules over words, patterns and links, and what they make of a text. Pure.

Patterns are RE2's, which no text makes slow; words are looked up, however many there are.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from html import unescape
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import category, normalize
from urllib.parse import unquote
from uuid import UUID

import re2

from chat.markdown import html_of
from chat.words import Placed, words_with_places
from chatsite.kernel.errors import ContentRefused, Invalid

MAX_PATTERNS = 5_000  # lines of one rule
MAX_EXPRESSIONS = 100  # the same, of a rule of patterns
MAX_CHARACTERS = 100_000  # of one rule
MOST_MASKED = 200  # places of one text that a rule covers alone; with more all that follows is covered too
COVER = "*"

Span = tuple[int, int]
Finder = Callable[[str], Sequence[Span]]


class Kind(StrEnum):
    """What a rule looks for; each line of it is one."""

    WORD = "word"  # a word or words in a row, whole, in any case
    REGEX = "regex"  # a pattern of RE2
    LINK = "link"  # a link to a domain, or to one below it
    OTHER_LINK = "other_link"  # a link to any other domain


class Deed(StrEnum):
    """What becomes of a text in which a rule finds something."""

    FLAG = "flag"  # it is said, and staff are told
    REFUSE = "refuse"
    MASK = "mask"  # it is said with asterisks in those places


class Rule(NamedTuple):
    """A rule that is ready to judge; `since_ms` is when it became what it is, in Unix ms."""

    id: UUID
    name: str
    deed: Deed
    notice: str
    since_ms: int
    find: Finder


NO_RULES: Sequence[Rule] = ()


class Rules(NamedTuple):
    """All rules of an installation, by what they are for."""

    everywhere: Sequence[Rule] = NO_RULES
    of_company: Mapping[UUID, Sequence[Rule]] = MappingProxyType({})
    of_chat: Mapping[UUID, Sequence[Rule]] = MappingProxyType({})

    def for_chat(self, chat: UUID, company: UUID | None) -> Sequence[Rule]:
        """Those that judge what is said in a chat."""
        if not (self.everywhere or self.of_company or self.of_chat):
            return NO_RULES
        its_company = self.of_company.get(company, NO_RULES) if company else NO_RULES
        return [*self.everywhere, *its_company, *self.of_chat.get(chat, NO_RULES)]


def allowed(text: str, rules: Sequence[Rule]) -> str:
    """A text as it may be said: masked where a rule says so. Raises ContentRefused."""
    for rule in rules:
        if rule.deed is Deed.REFUSE and rule.find(text):
            raise ContentRefused(rule.notice)
    covered = [span for rule in rules if rule.deed is Deed.MASK for span in rule.find(text)]
    return _masked(text, covered) if covered else text


def flagging(text: str, rules: Sequence[Rule]) -> list[Rule]:
    """The rules by which staff are told of a text."""
    return [rule for rule in rules if rule.deed is Deed.FLAG and rule.find(text)]


def finder_of(kind: Kind, patterns: str) -> Finder:
    """What finds the places of a text that a rule is about; Invalid says which line is none."""
    lines = [line.strip() for line in patterns.splitlines() if line.strip()]
    if not lines:
        raise Invalid("say what it looks for, each on a line of its own.", field="patterns")
    if len(lines) > MAX_PATTERNS or len(patterns) > MAX_CHARACTERS:
        raise Invalid(f"at most {MAX_PATTERNS:,} lines and {MAX_CHARACTERS:,} characters.", field="patterns")
    match kind:
        case Kind.WORD:
            return _words(lines)
        case Kind.REGEX:
            return _expressions(lines)
        case Kind.LINK:
            return _links(lines, listed=True)
        case Kind.OTHER_LINK:
            return _links(lines, listed=False)


def _masked(text: str, spans: Iterable[Span]) -> str:
    letters = list(text)
    for start, end in spans:
        # White space stays, so that what is covered is as many words on as many lines as it was.
        letters[start:end] = [one if one.isspace() else COVER for one in letters[start:end]]
    return "".join(letters)


def _words(lines: Sequence[str]) -> Finder:
    phrases: set[tuple[str, ...]] = set()
    lengths = defaultdict[str, set[int]](set)  # of the phrases that begin with a word: hundreds may
    for line in lines:
        words = tuple(one.word for one in words_with_places(line))
        if not words:
            raise Invalid(f'"{line}" has no word.', field="patterns")
        phrases.add(words)
        lengths[words[0]].add(len(words))

    def spans(text: str) -> list[Span]:
        found, words = _said(text)
        if lengths.keys().isdisjoint(words):
            return []
        return [
            (one.start, found[place + length - 1].end)
            for place, one in enumerate(found)
            for length in lengths.get(one.word, ())
            if words[place : place + length] in phrases
        ]

    def find(text: str) -> list[Span]:
        if found := spans(text):
            return found
        # Marks within a word are gone where it is shown: there is no place to point at, so it is all of it.
        shown, _ = _rendered(text)
        return [(0, len(text))] if shown and spans(shown) else []

    return find


@lru_cache(maxsize=4)
def _said(text: str) -> tuple[Sequence[Placed], tuple[str, ...]]:
    """The words of a text, kept for the next of some rules."""
    found = words_with_places(text)
    return found, tuple(one.word for one in found)


def _expressions(lines: Sequence[str]) -> Finder:
    if len(lines) > MAX_EXPRESSIONS:
        raise Invalid(f"at most {MAX_EXPRESSIONS} patterns.", field="patterns")
    options = re2.Options()
    options.log_errors = False
    for line in lines:
        try:
            expression = re2.compile(line, options)
        except re2.error as error:
            (why,) = error.args
            said = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
            raise Invalid(f'"{line}" is no pattern: {said}.', field="patterns") from None
        if expression.search(""):
            raise Invalid(f'"{line}" finds something in every text.', field="patterns")
    try:
        whole = re2.compile("|".join(f"(?:{line})" for line in lines), options)
    except re2.error:
        raise Invalid("they are too large together; make two rules of them.", field="patterns") from None

    def find(text: str) -> list[Span]:
        spans: list[Span] = []
        for match in whole.finditer(text):
            if len(spans) == MOST_MASKED:  # Each costs a walk of what follows: a text of many would take long.
                return [*spans, (match.start(), len(text))]
            if match.end() > match.start():
                spans.append((match.start(), match.end()))
        return spans

    return find


# What is written as a link, and words that may be the name of a host: `evil.example` leads there in many a client.
_WRITTEN = re.compile(r"(?:\bhttps?:[/\\]*|[/\\]{2})[^\s<>\"]+|\bwww\.[^\s<>\"]+", re.IGNORECASE)
_LINKLIKE = re.compile(r"https?:|[/\\]{2}|www\.", re.IGNORECASE)
_HREF = re.compile(r'href="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
_BARE = re.compile(r"[^\s<>\"()\[\]{},;:!?/\\@'*_~|`]+")
_SCHEME = re.compile(r"https?:[/\\]*|[/\\]{2}", re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/\\?#]")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_LABEL = re.compile(r"\w[\w-]*")
MAX_HOST = 253  # characters


def _links(lines: Sequence[str], *, listed: bool) -> Finder:
    domains = {_domain(line) for line in lines}
    depths = {domain.count(".") + 1 for domain in domains}

    def is_listed(host: str) -> bool:
        labels = host[-MAX_HOST:].split(".")
        return any(".".join(labels[-depth:]) in domains for depth in depths)

    def find(text: str) -> list[Span]:
        spans = [span for host, span in _written(text) if is_listed(host) is listed]
        _, hosts = _rendered(text)
        written = {host for host, _ in _written(text)}
        if any(is_listed(host) is listed for host in hosts if host not in written):
            # A link may be written so that it is one only when it is shown: there is no place to point at.
            return [(0, len(text))]
        # A word with a dot in it is no link to somewhere else: only what is listed is looked for in those.
        return spans + [span for host, span in _bare(text) if is_listed(host)] if listed else spans

    return find


@lru_cache(maxsize=4)
def _rendered(text: str) -> tuple[str, Sequence[str]]:
    """What is shown of a text that has marks, and the hosts of its links, kept for the next of some rules."""
    if (shown := html_of(text)) is None:
        return "", ()
    hosts = tuple(_host(unescape(address)) for address in _HREF.findall(shown) if not address.startswith("mailto:"))
    return unescape(_TAG.sub("", shown)), hosts


@lru_cache(maxsize=4)
def _written(text: str) -> Sequence[tuple[str, Span]]:
    """The hosts of what is written as links in a text, kept for the next of some rules."""
    if _LINKLIKE.search(text) is None:
        return ()
    return tuple((_host(match.group()), match.span()) for match in _WRITTEN.finditer(text))


@lru_cache(maxsize=4)
def _bare(text: str) -> Sequence[tuple[str, Span]]:
    """The words of a text that may be names of hosts, kept for the next of some rules."""
    if "." not in (dotted := _DOTS.sub(".", text)):
        return ()
    return tuple((_host(match.group()), match.span()) for match in _BARE.finditer(dotted) if "." in match.group())


def _domain(line: str) -> str:
    domain = _host(line.removeprefix("*."))
    labels = domain.split(".")
    if len(labels) < 2 or len(domain) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(f'"{line}" is no domain.', field="patterns")
    return domain


def _host(address: str) -> str:
    """The name of the host that an address leads to, in the one form in which names are compared."""
    authority = _AUTHORITY_END.split(_SCHEME.sub("", address, count=1), maxsplit=1)[0]
    name = unquote(authority).rpartition("@")[2].partition(":")[0]
    # What is not seen is no part of a name: browsers drop it.
    name = "".join(letter for letter in name if category(letter) != "Cf")
    folded = _DOTS.sub(".", normalize("NFKC", name)).casefold().strip(".*_~|`'\")")
    return ".".join(map(_label, folded.split(".")))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
