"""History: a page of the store with the stream's recent events folded over it."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chat.events import MessageSent
from chat.fold import MessageState, Stamped, Tally, apply
from chat.messages import Message
from chat.protocol import message_event
from chat.queries.participants import require_seat
from chat.queries.reactions import Reactions, folded, reactions_of
from chat.stores import Edit, StorePage, reaction_store
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.kernel.errors import Conflict, NotFound, Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.ids import MAX_ID, MIN_ID, ChatId, MessageId, UserId

NEWEST_RECORDS = 4_096  # an id is at most 5 s ahead of its record, so older records cannot hold a later one
LOOK_SECONDS = 0.01
LOOKS = 3  # at a chat in which somebody talks without pause
CATCH_UP_SECONDS = 0.5  # how long a read waits for what it was told of with at_least


class Page(NamedTuple):
    """Messages in rising id, and how the chat goes on around them.

    `complete` is False where events may be missing: recent ones, or, while the store
    is away, all that the stream does not keep. Frames above `pos` continue what the
    page shows.
    """

    messages: list[MessageState]
    reactions: Reactions
    has_before: bool
    has_after: bool
    next_before: MessageId | None
    epoch: str
    pos: int
    complete: bool


class _Recent(NamedTuple):
    """The events that the store may not have yet."""

    entries: Sequence[Entry]
    head: Head
    complete: bool


async def page(
    chat: ChatId,
    *,
    viewer: UserId,
    thread: MessageId | None = None,
    before: MessageId | None = None,
    after: MessageId | None = None,
    around: MessageId | None = None,
    limit: int,
    at_least: int = 0,
) -> Page:
    """Messages of a chat, or of one thread, before, after or around an id, or the newest ones."""
    await require_seat(chat, viewer)
    recent = await _recent(chat, at_least=at_least)
    if around is not None:
        half = limit // 2
        older, newer = await asyncio.gather(
            _window(chat, recent, thread, before=around, after=None, limit=max(1, half)),
            _window(chat, recent, thread, before=None, after=_just_below(around), limit=limit - half),
        )
        before_it = older.messages if half else []
        messages, has_after, next_before = before_it + newer.messages, newer.more, older.cursor
        has_before = older.more or len(before_it) < len(older.messages)
    elif after is not None:
        newer = await _window(chat, recent, thread, before=None, after=after, limit=limit)
        messages, has_after, next_before = newer.messages, newer.more, None
        has_before = bool(
            (
                await _window(chat, recent, thread, before=MessageId(min(after + 1, MAX_ID)), after=None, limit=1)
            ).messages
        )
    elif before is None:
        recent, older = await _newest(chat, recent, thread, limit=limit)
        messages, has_before, next_before, has_after = older.messages, older.more, older.cursor, False
    else:
        older = await _window(chat, recent, thread, before=before, after=None, limit=limit)
        messages, has_before, next_before = older.messages, older.more, older.cursor
        has_after = bool(
            (await _window(chat, recent, thread, before=None, after=_just_below(before), limit=1)).messages
        )
    reactions = await _reactions(chat, recent, messages, viewer=viewer)
    head = recent.head
    return Page(messages, reactions, has_before, has_after, next_before, head.epoch, head.pos, recent.complete)


async def require_message(chat: ChatId, message: MessageId, *, viewer: UserId) -> MessageState:
    """A message that the viewer may read, tombstones too; NotFound, or Unavailable while history lags."""
    await require_seat(chat, viewer)
    return await require_any(chat, message)


async def require_undeleted(chat: ChatId, message: MessageId, *, viewer: UserId) -> MessageState:
    """A message that the viewer may read and that is still there; NotFound, Conflict, Unavailable."""
    state = await require_message(chat, message, viewer=viewer)
    if state.is_deleted:
        raise Conflict("The message is deleted.")
    return state


async def require_any(chat: ChatId, message: MessageId) -> MessageState:
    """A message, whoever asks: for staff, and behind `require_seat`. NotFound, Unavailable."""
    if (state := await _find(chat, message)) is not None:
        return state
    # It may be in the log and on its way: what was appended before this read is waited for.
    end = await _end(chat)
    for _ in range(int(CATCH_UP_SECONDS / LOOK_SECONDS)):
        is_stored = await Message.objects.applied(chat) >= end
        if (state := await _find(chat, message)) is not None:
            return state
        if is_stored:
            raise NotFound()
        await asyncio.sleep(LOOK_SECONDS)
    raise Unavailable(code="store_unavailable", retry_after_ms=500)


async def reactions(chat: ChatId, messages: Sequence[MessageState], *, viewer: UserId) -> Reactions:
    """The reactions of messages that the viewer may read, by message id."""
    return await _reactions(chat, await _recent(chat), messages, viewer=viewer)


async def who_reacted(
    chat: ChatId, message: MessageId, *, viewer: UserId, limit: int
) -> dict[str, tuple[Tally, list[UserId]]]:
    """Of each emoji that a message was given: how many gave it, and up to so many of them."""
    state = await require_message(chat, message, viewer=viewer)
    await _require_stored(chat)
    tallies = (await reactions(chat, [state], viewer=viewer)).get(message, {})
    people = await asyncio.gather(*[reaction_store().who(chat, message, emoji, limit=limit) for emoji in tallies])
    return {emoji: (tallies[emoji], who) for emoji, who in zip(tallies, people, strict=True)}


async def edits(chat: ChatId, message: MessageId, *, viewer: UserId) -> list[Edit]:
    """The earlier texts of a message that the viewer may read, oldest first; none of a deleted one."""
    await require_message(chat, message, viewer=viewer)
    await _require_stored(chat)
    return await Message.objects.edits(chat, message)


async def find_all(chat: ChatId, ids: Sequence[MessageId], *, viewer: UserId) -> list[MessageState]:
    """Those of some messages that are there and not deleted, in the order asked for."""
    await require_seat(chat, viewer)
    recent = await _recent(chat)
    states = await asyncio.gather(*[Message.objects.find(chat, message) for message in ids])
    found = dict(zip(ids, states, strict=True))
    for happened in _events(recent.entries, set(ids)):
        message = MessageId(int(happened.event.message_id))
        found[message] = apply(found[message], happened)
    return [state for state in found.values() if state is not None and state.is_visible and not state.is_deleted]


async def _find(chat: ChatId, message: MessageId) -> MessageState | None:
    recent = await _recent(chat)
    state = await Message.objects.find(chat, message)
    for happened in _events(recent.entries, {message}):
        state = apply(state, happened)
    if state is None and not recent.complete:
        raise Unavailable(code="store_unavailable", retry_after_ms=500)
    return state if state is not None and state.is_visible else None


async def recent_entries(chat: ChatId) -> Sequence[Entry]:
    """The room events that the stores may not have yet."""
    return (await _recent(chat)).entries


async def _reactions(chat: ChatId, recent: _Recent, messages: Sequence[MessageState], *, viewer: UserId) -> Reactions:
    """The reactions of messages that are not deleted; while the store is away, those that the stream keeps."""
    ids = [MessageId(state.message_id) for state in messages if not state.is_deleted]
    try:
        return await reactions_of(chat, ids, recent.entries, viewer=viewer)
    except Unavailable:
        if recent.complete:
            raise
        return folded({}, ids, recent.entries)


async def _require_stored(chat: ChatId) -> None:
    """Wait until the store has what the stream shows; Unavailable where it takes too long."""
    if not await _stored_up_to((await stream().heads([str(chat)]))[str(chat)].pos, chat):
        raise Unavailable(code="store_unavailable", retry_after_ms=500)


async def is_caught_up(chat: ChatId) -> bool:
    """Whether the store has applied, within half a second, everything that the log holds now."""
    return await _stored_up_to(await _end(chat), chat)


async def _end(chat: ChatId) -> int:
    """The pos of the newest record of the chat's partition."""
    return (await log().ends())[log().partition_of(str(chat))]


async def _stored_up_to(pos: int, chat: ChatId) -> bool:
    """Whether the store has applied everything up to a pos within half a second."""
    for _ in range(int(CATCH_UP_SECONDS / LOOK_SECONDS)):
        if await Message.objects.applied(chat) >= pos:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


def _just_below(message: MessageId) -> MessageId:
    """The cursor after which a message itself comes."""
    return MessageId(max(message - 1, MIN_ID))


async def highest_id() -> MessageId:
    """An id that none in the log exceeds: those of the last seconds are among the newest records."""
    sent = [record.fact.payload for record in await log().newest(limit=NEWEST_RECORDS)]
    return MessageId(max((int(one.message_id) for one in sent if isinstance(one, MessageSent)), default=MIN_ID))


class _Window(NamedTuple):
    messages: list[MessageState]
    more: bool
    cursor: MessageId | None


async def _newest(chat: ChatId, recent: _Recent, thread: MessageId | None, *, limit: int) -> tuple[_Recent, _Window]:
    """The newest messages; while the store is away what the stream keeps of them, or Unavailable."""
    try:
        return recent, await _window(chat, recent, thread, before=None, after=None, limit=limit)
    except Unavailable:
        kept = await _kept(chat)
        newest = _folded(kept, thread, StorePage([], more=False, cursor=None), before=None, after=None, limit=limit)
        if not newest.messages:
            raise
        return kept, newest._replace(more=True)


async def _kept(chat: ChatId) -> _Recent:
    """What the stream keeps of a chat, which goes on meanwhile: its floor may rise between two looks."""
    for _ in range(LOOKS):
        head = (await stream().heads([str(chat)]))[str(chat)]
        if entries := await stream().since(str(chat), head.floor):
            return _Recent(entries, head, complete=False)
    return _Recent((), head, complete=False)


async def _window(
    chat: ChatId,
    recent: _Recent,
    thread: MessageId | None,
    *,
    before: MessageId | None,
    after: MessageId | None,
    limit: int,
) -> _Window:
    """One direction of a page, oldest first."""
    if thread is None:
        stored = await Message.objects.page(chat, before=before, after=after, limit=limit)
    else:
        stored = await Message.objects.thread(chat, thread, before=before, after=after, limit=limit)
    return _folded(recent, thread, stored, before=before, after=after, limit=limit)


def _folded(
    recent: _Recent,
    thread: MessageId | None,
    stored: StorePage,
    *,
    before: MessageId | None,
    after: MessageId | None,
    limit: int,
) -> _Window:
    """What the store has, with what has happened since."""
    states: dict[int, MessageState] = {state.message_id: state for state in stored.messages}
    # Where the store has more of its own, what lies beyond its last row belongs to a later page.
    low = high = None
    if stored.more and after is None:
        low = stored.cursor if stored.cursor is not None else stored.messages[0].message_id
    elif stored.more:
        high = stored.cursor if stored.cursor is not None else stored.messages[-1].message_id
    for happened in _events(recent.entries):
        message = int(happened.event.message_id)
        if (before is not None and message >= before) or (after is not None and message <= after):
            continue
        if (low is not None and message < low) or (high is not None and message > high):
            continue
        states[message] = apply(states.get(message), happened)
    shown = (one for one in states.values() if one.is_visible and (thread is None or one.thread_id == thread))
    messages = sorted(shown, key=lambda state: state.message_id)
    cut = messages[:limit] if after is not None else messages[-limit:]
    cut_off = len(messages) > len(cut)
    return _Window(cut, stored.more or cut_off, None if cut_off else stored.cursor)


async def _recent(chat: ChatId, *, at_least: int = 0) -> _Recent:
    subject = str(chat)
    reached = not at_least or await stream().wait_for(subject, at_least, seconds=CATCH_UP_SECONDS)
    # Before the store is read: what is applied meanwhile is folded once more, which changes nothing.
    applied = await Message.objects.applied(chat)
    head = (await stream().heads([subject]))[subject]
    entries = () if applied >= head.pos else await stream().since(subject, max(applied, head.floor))
    return _Recent(entries or (), head, complete=reached and entries is not None)


def _events(entries: Iterable[Entry], messages: set[MessageId] | None = None) -> Iterator[Stamped]:
    for entry in entries:
        happened = message_event(entry.body.bytes, pos=entry.pos)
        if happened and (messages is None or int(happened.event.message_id) in messages):
            yield happened
