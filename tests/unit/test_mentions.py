"""Whom a message names: what was written comes first, whom it meant after it."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.mentions import GROUP, MAX_MEANT, ordered, take_apart, with_meant, written_of
from chatsite.kernel.errors import Invalid

ids = st.uuids().map(str)
several = st.one_of(st.just("here"), st.uuids().map(lambda one: f"{GROUP}{one}"))
people = st.lists(st.one_of(ids, st.just("all")))


@given(people, st.lists(several, min_size=1), st.lists(ids))
def test_what_was_written_is_found_again(named: list[str], groups: list[str], meant: list[str]) -> None:
    kept = ordered([*groups, *named])
    assert written_of(with_meant(kept, meant)) == kept == written_of(kept)


@given(people)
def test_where_nobody_stands_for_several_all_was_written(named: list[str]) -> None:
    kept = ordered(named)
    assert kept == list(dict.fromkeys(named)) == written_of(kept)


def test_mentions_are_taken_apart() -> None:
    group, ada = uuid.uuid4(), str(uuid.uuid4())
    assert take_apart([ada, "all", f"{GROUP}{group}", "here"]) == ([ada], [group], True, True)
    assert take_apart([]) == ([], [], False, False)
    for wrong in ([GROUP], [f"{GROUP}x"], [f"{GROUP}{str(group).upper()}"], [f"{GROUP}urn:uuid:{group}"], ["a"] * 51):
        with pytest.raises(Invalid):
            take_apart(wrong)
    with pytest.raises(Invalid):
        with_meant(["here"], [str(uuid.uuid4()) for _ in range(MAX_MEANT + 1)])
