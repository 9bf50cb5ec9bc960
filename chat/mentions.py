"""Whom a message names: people, all, a user group, those who are here. Pure.

A list of mentions has first what its sender wrote, people before those words that
stand for several, and after the last of these whom they meant when it was said.
So everybody who is named is in it by id, whatever became of a group since.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from chatsite.kernel.errors import Invalid

ALL, HERE = "all", "here"
GROUP = "group:"  # begins the mention of a user group, before its id
MAX_MENTIONS = 50  # that a sender writes
MAX_MEANT = 500  # people whom these may stand for; 20 kB of a message


class Named(NamedTuple):
    """What a sender wrote, taken apart."""

    people: list[str]
    groups: list[UUID]
    here: bool
    all: bool


def ordered(written: Iterable[str]) -> list[str]:
    """Mentions as they are kept: each once, what stands for several people last."""
    once = list(dict.fromkeys(written))
    return sorted(once, key=_stands_for_several)


def written_of(mentions: Sequence[str]) -> list[str]:
    """What the sender wrote of a list of mentions, without whom it meant."""
    several = [place for place, one in enumerate(mentions) if _stands_for_several(one)]
    return list(mentions[: several[-1] + 1] if several else mentions)


def take_apart(written: Sequence[str]) -> Named:
    """What a sender's mentions are; Invalid for too many and for what is no mention."""
    if len(written) > MAX_MENTIONS:
        raise Invalid(f"at most {MAX_MENTIONS}; mention all instead.", field="mentions")
    groups = [_group_id(one) for one in written if one.startswith(GROUP)]
    people = [one for one in written if is_person(one)]
    return Named(people, groups, here=HERE in written, all=ALL in written)


def with_meant(written: Sequence[str], meant: Iterable[str]) -> list[str]:
    """A list of mentions of what was written and whom it meant; Invalid where those are too many."""
    added = [one for one in dict.fromkeys(meant) if one not in written]
    if len(added) > MAX_MEANT:
        raise Invalid(f"more than {MAX_MEANT} people are meant; mention all instead.", field="mentions")
    return [*written, *added]


def is_person(mention: str) -> bool:
    """Whether a mention is somebody's id, and does not stand for several people."""
    return mention != ALL and not _stands_for_several(mention)


def _stands_for_several(mention: str) -> bool:
    return mention == HERE or mention.startswith(GROUP)


def _group_id(mention: str) -> UUID:
    text = mention.removeprefix(GROUP)
    try:
        group = UUID(text)
    except ValueError:
        group = None
    if group is None or str(group) != text:
        raise Invalid("expected group: and the id of a user group.", field="mentions")
    return group
