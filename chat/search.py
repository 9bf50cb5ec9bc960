"""What somebody looks for, and whether a message is that. Pure.

    tea* "green tea" -milk from:ada in:"Tea kitchen" after:2026-01-01 has:link

All of it must hold. Of several `from:` or `in:` one is enough; a minus turns any of them
round. `before:` and `after:` take a day or a time in UTC, ISO 8601; a day is its midnight.
Other apps add filters that name messages in ways of their own (`place_filters`).
"""

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from chat.events import whole_text
from chat.fold import MessageState
from chat.words import Phrase, has_link, holds, phrase_of, words_of
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import EPOCH_MS, MAX_ID, MIN_ID, ChatId, MessageId, UserId, id_at

LONGEST = 500  # code points of a search
MOST_TERMS = 20
KINDS = ("link",)
MINE, STARRED, PINNED = STATES = ("mine", "starred", "pinned")
_SPAN_MS = 1 << 41  # what an id's 41 bits of time reach, before and after 2024
_TERM = re.compile(r'(?P<minus>-?)(?:(?P<key>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))', re.IGNORECASE)
_KEYS = ("from", "in", "before", "after", "has", "is")

Places = frozenset[tuple[str, int]]  # a chat's and a message's id


class ReadName(Protocol):
    """Reads what a filter was given; Invalid says what it may be."""

    def __call__(self, text: str, /) -> Any: ...


class FindPlaces(Protocol):
    """Where the messages are that some names mean, at least of those in the viewer's chats; Invalid blames `field`."""

    def __call__(
        self, named: Sequence[Any], *, chats: Sequence[ChatId], viewer: UserId, field: str
    ) -> Awaitable[Places]: ...


class PlaceFilter(NamedTuple):
    """A filter of another app, which knows messages by names of its own; of several names one is enough."""

    read: ReadName
    find: FindPlaces
    help: str
    example: str


place_filters: dict[str, PlaceFilter] = {}  # by their keys


@dataclass
class Asked:
    """A search as it was typed: people and chats by the names that were given."""

    phrases: list[Phrase] = field(default_factory=list)
    not_phrases: list[Phrase] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    not_senders: list[str] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)
    not_chats: list[str] = field(default_factory=list)
    link: bool | None = None
    mine: bool | None = None
    starred: bool | None = None
    pinned: bool | None = None
    named: dict[str, list[Any]] = field(default_factory=dict)  # by the key of a place filter
    low: int = MIN_ID
    high: int = MAX_ID
    # The parameter of a name that `q` has not, and by the key of a place filter the last that gave one.
    given_as: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return self == Asked()


@dataclass(frozen=True)
class Query:
    """What messages are looked for: people are ids, times are ids (`low` <= id < `high`).

    Places are a chat's and a message's id; no index knows of them.
    """

    phrases: tuple[Phrase, ...] = ()
    not_phrases: tuple[Phrase, ...] = ()
    senders: frozenset[str] | None = None  # None: whoever
    not_senders: frozenset[str] = frozenset()
    link: bool | None = None
    low: int = MIN_ID
    high: int = MAX_ID
    only: Places | None = None  # None: wherever
    never: Places = frozenset()

    def matches(self, state: MessageState) -> bool:
        """Whether a message, as it is now, is what is looked for."""
        if not state.is_visible or state.is_deleted or not self.low <= state.message_id < self.high:
            return False
        place = state.chat_id, state.message_id
        if (self.only is not None and place not in self.only) or place in self.never:
            return False
        if (self.senders is not None and state.sender_id not in self.senders) or state.sender_id in self.not_senders:
            return False
        text = whole_text(state.content, state.poll)
        if self.link is not None and has_link(text) is not self.link:
            return False
        words = words_of(text)
        return all(holds(words, one) for one in self.phrases) and not any(holds(words, one) for one in self.not_phrases)


def parse(text: str) -> Asked:
    """What a line of words and filters asks for; Invalid names what nobody can read."""
    if len(text) > LONGEST:
        raise Invalid(f"at most {LONGEST} characters, these are {len(text)}.", field="q")
    asked = Asked()
    terms = list(_TERM.finditer(text))
    if len(terms) > MOST_TERMS:
        raise Invalid(f"at most {MOST_TERMS} words and filters, these are {len(terms)}.", field="q")
    for term in terms:
        key, value = (term["key"] or "").lower(), term["plain"] if term["quoted"] is None else term["quoted"]
        wanted = not term["minus"]
        if key in _KEYS or key in place_filters:
            restrict(asked, key, value, wanted=wanted)
        else:
            _look_for(asked, f"{key}:{value}" if key else value, wanted=wanted, exact=term["quoted"] is not None)
    return asked


def restrict(asked: Asked, key: str, value: str, *, wanted: bool = True, field: str = "q") -> None:
    """Add a filter, such as `from` and a name; Invalid blames the `field` that it came in."""
    if not value:
        raise Invalid(f"{key}: names nothing.", field=field)
    if field != "q":
        asked.given_as[f"{key}:{value}"] = field
    match key:
        case "from":
            (asked.senders if wanted else asked.not_senders).append(value)
        case "in":
            (asked.chats if wanted else asked.not_chats).append(value)
        case "has" if value.lower() in KINDS:
            asked.link = wanted
        case "is" if value.lower() == MINE:
            asked.mine = wanted
        case "is" if value.lower() == STARRED:
            asked.starred = wanted
        case "is" if value.lower() == PINNED:
            asked.pinned = wanted
        case _ if key in place_filters and wanted:
            _name(asked, key, value, field)
        case _ if not wanted and key in ("before", "after", *place_filters):
            raise Invalid(f"{key}: takes no minus.", field=field)
        case "before":
            asked.high = min(asked.high, _moment(key, value, field))
        case "after":
            asked.low = max(asked.low, _moment(key, value, field))
        case _:
            known = ", ".join(STATES if key == "is" else KINDS)
            raise Invalid(f"{key}: knows {known}, and not {value!r}.", field=field)


def _name(asked: Asked, key: str, text: str, field: str) -> None:
    names = asked.named.setdefault(key, [])
    if len(names) == MOST_TERMS:
        raise Invalid(f"{key}: names at most {MOST_TERMS} messages.", field=field)
    try:
        names.append(place_filters[key].read(text))
        asked.given_as[key] = field
    except Invalid as error:
        raise Invalid(f"{key}: {error.detail}", field=field) from None


def _moment(key: str, text: str, field: str) -> MessageId:
    """The lowest id of a day or time; UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(text)
        unix_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise Invalid(f"{key}: takes a day (2026-01-31) or a time as ISO 8601.", field=field) from None
    if not -_SPAN_MS <= unix_ms - EPOCH_MS < _SPAN_MS:
        raise Invalid(f"{key}: takes a time between 1954 and 2093.", field=field)
    return id_at(unix_ms)


def _look_for(asked: Asked, text: str, *, wanted: bool, exact: bool) -> None:
    phrase = phrase_of(text, prefix=not exact and text.endswith("*"))
    if phrase is not None:
        (asked.phrases if wanted else asked.not_phrases).append(phrase)
