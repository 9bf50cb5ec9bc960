"""What a line of words and filters asks for."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.fold import MessageState, apply
from chat.queries.search import MOST_PINNED, placed
from chat.search import LONGEST, MOST_TERMS, Asked, Query, parse
from chat.words import Phrase
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import MAX_ID, MIN_ID, ChatId, UserId, id_at
from tests.unit.events import OTHER, SENDER, deleted, edited, sent

DAY_MS = 1_767_225_600_000  # 2026-01-01


def message(content: str) -> MessageState:
    """A message that says something."""
    return apply(None, sent(content=content))


def test_words_prefixes_phrases_and_what_is_not_wanted() -> None:
    asked = parse('Tea* "green leaf" -milk -"with sugar" don\'t')
    assert asked.phrases == [Phrase(("tea",), prefix=True), Phrase(("green", "leaf")), Phrase(("don", "t"))]
    assert asked.not_phrases == [Phrase(("milk",)), Phrase(("with", "sugar"))]


def test_filters_by_name() -> None:
    asked = parse('from:ada from:"ben b" -from:cyd in:"Tea kitchen" -in:noise has:link -is:mine is:starred -is:pinned')
    assert (asked.senders, asked.not_senders) == (["ada", "ben b"], ["cyd"])
    assert (asked.chats, asked.not_chats) == (["Tea kitchen"], ["noise"])
    assert (asked.link, asked.mine, asked.phrases) == (True, False, [])
    assert (asked.starred, asked.pinned) == (True, False)


def test_days_and_times_are_ids() -> None:
    asked = parse("after:2026-01-01 before:2026-01-02T00:00:00+00:00 before:2030-01-01")
    assert (asked.low, asked.high) == (id_at(DAY_MS), id_at(DAY_MS + 86_400_000))
    assert (parse("").low, parse("").high) == (MIN_ID, MAX_ID)


def test_what_is_no_filter_is_a_word() -> None:
    assert parse("http://tea.example").phrases == [Phrase(("http", "tea", "example"))]
    assert parse('"unfinished bus').phrases == [Phrase(("unfinished", "bus"))]


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LONGEST + 1),
        "x" * 10_000,
        "x " * (MOST_TERMS + 1),
        "before:yesterday",
        "after:9999-12-31",
        "-before:2026-01-01",
        "has:image",
        "is:read",
        'from:""',
    ],
)
def test_what_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.field


@given(st.text(max_size=LONGEST))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text), Asked)
    except Invalid as refused:
        assert refused.field


def test_all_of_it_must_hold() -> None:
    tea = Phrase(("tea",))
    said = message("Green tea from https://tea.example")
    assert Query(phrases=(tea,), link=True, senders=frozenset([SENDER])).matches(said)
    for other in (
        Query(phrases=(tea, Phrase(("milk",)))),
        Query(not_phrases=(tea,)),
        Query(link=False),
        Query(senders=frozenset([OTHER])),
        Query(senders=frozenset()),
        Query(not_senders=frozenset([SENDER])),
        Query(low=said.message_id + 1),
        Query(high=said.message_id),
    ):
        assert not other.matches(said)


def test_a_message_is_what_it_says_now() -> None:
    tea = Query(phrases=(Phrase(("tea",)),))
    changed = apply(message("tea"), edited(1_000, "coffee"))
    assert not tea.matches(changed)
    assert not Query().matches(apply(changed, deleted(2_000)))
    assert not Query().matches(apply(None, edited(1_000, "tea")))


async def test_pins_are_looked_for_in_a_hundred_chats_at_most() -> None:
    chats = [ChatId(uuid4()) for _ in range(MOST_PINNED + 1)]
    with pytest.raises(Invalid, match="in:"):
        await placed(Query(), parse("is:pinned"), chats, UserId(uuid4()))
