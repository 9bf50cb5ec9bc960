"""Search: what the index finds, held against the messages as they are now, and what it has yet to learn.

An answer is right whatever the index is behind: each message that it names is read again,
and what a chat's stream tells of and the index has not applied is looked through here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from chat.fold import MessageState, apply
from chat.indexes import GROUP, index
from chat.models import Participant
from chat.protocol import message_event
from chat.queries import stars
from chat.queries.pins import pinned_ids
from chat.queries.places import Place, reactions_to, read
from chat.queries.reactions import Reactions
from chat.search import Asked, Places, Query, place_filters
from chatsite.accounts.models import User
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Invalid
from chatsite.kernel.eventlog import log
from chatsite.kernel.groups import held_from
from chatsite.kernel.ids import MAX_ID, MIN_ID, ChatId, MessageId, UserId

ME = "me"
LATEST = 500  # chats that are asked for what is new: where the index is behind somebody talked lately
TAILS = 100  # of those, how many are looked through; more are not behind for long
LOOKS = 3  # into the index, where much of what it found is not so any more
MOST_PINNED = 100  # chats whose pins one search reads, each by a query or two
AT_ONCE = 100  # of the messages that are starred or pinned


class Found(NamedTuple):
    """Messages that were looked for, newest first, and how far the index is.

    `next` is where to go on, None at the end. The index has everything up to `indexed_up_to`
    (Unix ms); what came later was looked through, but in the chats `not_indexed`.
    """

    messages: list[MessageState]
    reactions: Reactions
    next: int | None
    indexed_up_to: int
    lag_seconds: float
    not_indexed: list[ChatId]


class _Tail(NamedTuple):
    """What has happened in one chat since the index: `since_ms` is when the first of it did."""

    chat: ChatId
    states: list[MessageState]
    since_ms: int | None
    is_whole: bool


async def find(asked: Asked, *, viewer: UserId, now_ms: int, below: int = MAX_ID, limit: int) -> Found:
    """The newest messages below a place that the viewer may read and that are what they asked for."""
    chats, query = await in_db_thread(_resolve, asked, viewer)
    query = await placed(query, asked, chats, viewer)
    if query.only is not None:
        query = replace(query, high=min(below, query.high))
        return await _among(query, chats, viewer=viewer, now_ms=now_ms, limit=limit)
    tails = await _tails(chats[:LATEST])
    late, unsure = _late(tails, query, below)
    found: dict[Place, tuple[int, MessageState]] = {}
    floor, more = below, True
    for _ in range(LOOKS):
        top, hits = floor, await index().find(query, chats, below=floor, limit=limit + 1) if chats else []
        more = len(hits) > limit
        floor = hits[limit - 1].place if more else MIN_ID
        places = {(hit.chat, MessageId(hit.message_id)): hit.place for hit in hits[:limit]}
        places = {place: number for place, number in places.items() if place not in late}
        places |= {place: place[1] for place in unsure if floor <= place[1] < top}
        states = await read(places, viewer=viewer)
        found |= {place: (places[place], state) for place, state in states.items() if query.matches(state)}
        found |= {
            place: (place[1], state) for place, state in late.items() if floor <= place[1] and query.matches(state)
        }
        if not more or len(found) >= limit:
            break
    shown = sorted(found.values(), key=lambda one: one[0], reverse=True)
    since = [tail.since_ms for tail in tails if tail.since_ms is not None]
    up_to = min(since, default=now_ms)
    messages = [state for _, state in shown[:limit]]
    return Found(
        messages,
        await reactions_to(messages, viewer=viewer),
        shown[limit - 1][0] if len(shown) > limit else floor if more else None,
        up_to,
        max(0, now_ms - up_to) / 1_000,
        [tail.chat for tail in tails if not tail.is_whole],
    )


async def placed(query: Query, asked: Asked, chats: Sequence[ChatId], viewer: UserId) -> Query:
    """A search with the messages that are named, starred, pinned or not; Invalid where that takes too many chats."""
    wanted: list[Places] = [
        await place_filters[key].find(names, chats=chats, viewer=viewer, field=asked.given_as[key])
        for key, names in asked.named.items()
    ]
    unwanted: Places = frozenset()
    if asked.starred is not None:
        mine = await in_db_thread(stars.all_places, viewer=viewer)
        starred = frozenset((str(chat), int(message)) for chat, message in mine)
        wanted, unwanted = ([*wanted, starred], unwanted) if asked.starred else (wanted, starred)
    if asked.pinned is not None:
        if len(chats) > MOST_PINNED:
            raise Invalid(f"is:pinned looks through at most {MOST_PINNED} chats: name some with in:.", field="q")
        pinned = frozenset([(str(chat), int(message)) for chat in chats for message in await pinned_ids(chat)])
        wanted, unwanted = ([*wanted, pinned], unwanted) if asked.pinned else (wanted, unwanted | pinned)
    only = frozenset.intersection(*wanted) if wanted else None
    return replace(query, only=only, never=unwanted)


async def _among(query: Query, chats: Sequence[ChatId], *, viewer: UserId, now_ms: int, limit: int) -> Found:
    """Search among messages that are known by their places: no index is asked, so none is behind."""
    mine = {str(chat): chat for chat in chats}
    known = [(mine[chat], MessageId(message)) for chat, message in query.only or () if chat in mine]
    left = sorted((place for place in known if query.low <= place[1] < query.high), key=itemgetter(1), reverse=True)
    found: list[MessageState] = []
    following: int | None = None
    for _ in range(LOOKS):
        now, left = left[:AT_ONCE], left[AT_ONCE:]
        states = await read(now, viewer=viewer)
        found += [states[place] for place in now if place in states and query.matches(states[place])]
        following = now[-1][1] if left else None
        if following is None or len(found) > limit:
            break
    if len(found) > limit:
        found = found[:limit]
        following = found[-1].message_id
    return Found(found, await reactions_to(found, viewer=viewer), following, now_ms, 0.0, [])


def _resolve(asked: Asked, viewer: UserId) -> tuple[list[ChatId], Query]:
    """The chats to look in, the latest first, and people by their ids."""
    mine = list(
        Participant.objects.filter(user=viewer, is_active=True)
        .order_by("-chat__version", "-chat_id")
        .values_list("chat_id", "chat__name")
    )
    wanted = (
        {chat for name in asked.chats for chat in _named(name, mine, asked)}
        if asked.chats
        else {chat for chat, _ in mine}
    )
    wanted -= {chat for name in asked.not_chats for chat in _named(name, mine, asked)}
    senders = (
        frozenset(one for name in asked.senders for one in _people(name, viewer, asked)) if asked.senders else None
    )
    not_senders = frozenset(one for name in asked.not_senders for one in _people(name, viewer, asked))
    if asked.mine:
        senders = frozenset([str(viewer)]) if senders is None else senders & {str(viewer)}
    elif asked.mine is False:
        not_senders |= {str(viewer)}
    query = Query(
        tuple(asked.phrases), tuple(asked.not_phrases), senders, not_senders, asked.link, asked.low, asked.high
    )
    return [ChatId(chat) for chat, _ in mine if chat in wanted], query


def _named(name: str, mine: Iterable[tuple[UUID, str]], asked: Asked) -> list[UUID]:
    """The viewer's chats of a name or id."""
    found = [chat for chat, called in mine if name.casefold() in (called.casefold(), str(chat))]
    if not found:
        raise Invalid(f"in: names no chat of yours: {name!r}.", field=asked.given_as.get(f"in:{name}", "q"))
    return found


def _people(name: str, viewer: UserId, asked: Asked) -> list[str]:
    """Those who are or were in the viewer's chats and have a name or id."""
    if name.lower() == ME:
        return [str(viewer)]
    try:
        is_named = Q(id=UUID(name))
    except ValueError:
        is_named = Q(username__iexact=name) | Q(name__iexact=name)
    chats = Participant.objects.filter(user=viewer, is_active=True).values("chat")
    beside = Participant.objects.filter(chat__in=chats).values("user")
    if not (found := list(User.objects.filter(is_named, id__in=beside).values_list("id", flat=True))):
        raise Invalid(f"from: names nobody of your chats: {name!r}.", field=asked.given_as.get(f"from:{name}", "q"))
    return [str(one) for one in found]


async def _tails(chats: list[ChatId]) -> list[_Tail]:
    """What the index has yet to learn of some chats."""
    progress = await log().progress(GROUP)
    heads = await stream().heads([str(chat) for chat in chats]) if chats else {}
    behind: list[tuple[ChatId, Head, int]] = []
    for chat in chats:
        head, applied = heads[str(chat)], progress.get(log().partition_of(str(chat)), 0)
        if (held := await held_from(GROUP, str(chat))) is not None:
            applied = min(applied, held - 1)
        if applied < head.pos:
            behind.append((chat, head, applied))
    # Together: what memory lacks of them is one read.
    looked_through = await asyncio.gather(*[_tail(*one) for one in behind[:TAILS]])
    return looked_through + [_Tail(chat, [], None, False) for chat, _, _ in behind[TAILS:]]


async def _tail(chat: ChatId, head: Head, applied: int) -> _Tail:
    entries: Iterable[Entry] | None = await stream().since(str(chat), max(applied, head.floor))
    states: dict[str, MessageState] = {}
    since_ms = None
    for entry in entries or ():
        if happened := message_event(entry.body.bytes, pos=entry.pos):
            since_ms = since_ms or happened.version // 1_000
            message = happened.event.message_id
            states[message] = apply(states.get(message), happened)
    return _Tail(chat, list(states.values()), since_ms, entries is not None and applied >= head.floor)


def _late(tails: Iterable[_Tail], query: Query, below: int) -> tuple[dict[Place, MessageState], set[Place]]:
    """Messages below a place that were said since the index, as they are; and those that only changed since."""
    states = {(tail.chat, MessageId(state.message_id)): state for tail in tails for state in tail.states}
    said = {place: state for place, state in states.items() if state.is_visible and place[1] < below}
    changed = {place for place, state in states.items() if not state.is_visible and not state.is_deleted}
    return said, {place for place in changed if query.low <= place[1] < min(query.high, below)}
