"""What happened to a message, as one function of its events. Pure.

Applied in any order, any number of times, the same events give the same state:
the highest version wins, and a delete is final.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from chat.events import (
    Forwarded,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageImported,
    MessagePinned,
    MessageSent,
    Origin,
    PinEvent,
    Poll,
    ReactionAdded,
    ReactionEvent,
)


class Stamped(NamedTuple):
    """An event with its version (microseconds) and its place in the log."""

    event: MessageEvent
    version: int
    pos: int


class Reacted(NamedTuple):
    """A change of a reaction with its version (microseconds)."""

    event: ReactionEvent
    version: int


class Tally(NamedTuple):
    """How many gave a message an emoji, and who: all of them, or some where they are many; ids in rising order."""

    given: int
    users: tuple[str, ...]


Tallies = Mapping[str, Tally]  # by emoji
NOBODY = Tally(0, ())


class Pin(NamedTuple):
    """That a message is pinned, or is no longer: by whom, and the version (microseconds) of that, which is its time."""

    message_id: int
    pinned: bool
    by: str
    version: int


Pins = Mapping[int, Pin]  # by message id


class Follow(NamedTuple):
    """Whether somebody follows a thread, and the pos up to which they have read it; the version of its last change."""

    following: bool
    read_pos: int
    version: int


class MessageState(msgspec.Struct, frozen=True, kw_only=True):
    """A message as its events leave it.

    `message_type` is None while only an edit or delete has come: such a message
    is hidden until it is sent. `pos` is None where no stream ever carried the
    message: it was imported. Times are ISO 8601.
    """

    chat_id: str
    message_id: int
    version: int
    content: str
    sender_id: str | None = None
    html: str | None = None
    message_type: str | None = None
    reply_to_id: int | None = None
    thread_id: int | None = None
    attachments: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()  # sorted: a store may keep them as a set
    origin: Origin | None = None
    forwarded_from: Forwarded | None = None
    important: bool = False
    poll: Poll | None = None
    expires_at: str | None = None
    nonce: str | None = None
    pos: int | None = None
    created_at: str | None = None
    edited_at: str | None = None
    deleted_by: str | None = None
    deleted_at: str | None = None
    delete_reason: str | None = None

    @property
    def is_edited(self) -> bool:
        """Whether its text was changed."""
        return self.edited_at is not None

    @property
    def is_deleted(self) -> bool:
        """Whether only its tombstone is left."""
        return self.deleted_at is not None

    @property
    def is_visible(self) -> bool:
        """Whether it was sent: an edit or delete can overtake its message."""
        return self.message_type is not None


def apply(state: MessageState | None, happened: Stamped) -> MessageState:
    """The state after one more event of the same message."""
    event, version, pos = happened
    match event:
        case MessageSent():
            return _sent(state, event, version, pos=pos, nonce=event.nonce)
        case MessageImported():
            return _sent(state, event, version, pos=None, nonce=None)
        case MessageEdited():
            return _edited(state, event, version)
        case MessageDeleted():
            return _deleted(state, event, version)


def react(tallies: Tallies, event: ReactionEvent) -> dict[str, Tally]:
    """The reactions of a message after one more change; changes come in the order of their versions.

    Where everybody who gave an emoji is known they are a set, and the set is counted. Where they are too many, the
    count that came with a stranger's change stands.
    """
    before, added = tallies.get(event.emoji, NOBODY), isinstance(event, ReactionAdded)
    users = set(before.users) | {event.user_id} if added else set(before.users) - {event.user_id}
    if before.given == len(before.users):
        count = len(users)
    elif event.user_id in before.users:
        count = before.given - (not added)
    else:
        count = max(event.count, len(users))
    return {**tallies, event.emoji: Tally(count, tuple(sorted(users)))}


def pin_of(event: PinEvent, version: int) -> Pin:
    """What a change of a pin makes of it."""
    return Pin(int(event.message_id), isinstance(event, MessagePinned), event.by, version)


def pin(pins: Pins, changed: Pin) -> dict[int, Pin]:
    """The pins of a chat after one more change: of each message the highest version stands."""
    before = pins.get(changed.message_id)
    return {**pins, changed.message_id: changed if before is None or changed.version > before.version else before}


def follow(before: Follow | None, reply: MessageSent, *, user: str, version: int, pos: int) -> Follow | None:
    """What one more reply in a thread makes of somebody's following it; None where it is nothing to them.

    Who replies follows it and has read what is there. Who began it, or is named in it, follows it from that reply
    on, unless they follow it already or have said that they do not.
    """
    if reply.sender_id == user:
        if before is not None and version <= before.version:
            return before
        return Follow(following=True, read_pos=max(pos, before.read_pos if before is not None else 0), version=version)
    if before is None and user in (reply.thread_starter_id, *reply.mentions):
        return Follow(following=True, read_pos=pos - 1, version=version)
    return before


def _sent(
    state: MessageState | None,
    event: MessageSent | MessageImported,
    version: int,
    *,
    pos: int | None,
    nonce: str | None,
) -> MessageState:
    new = MessageState(
        chat_id=event.room_id,
        message_id=int(event.message_id),
        version=version,
        content=event.content,
        sender_id=event.sender_id,
        html=event.html,
        message_type=event.message_type,
        reply_to_id=int(event.reply_to_id) if event.reply_to_id else None,
        thread_id=int(event.thread_id) if event.thread_id else None,
        attachments=tuple(event.attachments),
        mentions=tuple(sorted(event.mentions)),
        origin=event.origin,
        forwarded_from=event.forwarded_from if isinstance(event, MessageSent) else None,
        important=isinstance(event, MessageSent) and event.important,
        poll=event.poll if isinstance(event, MessageSent) else None,
        expires_at=event.expires_at if isinstance(event, MessageSent) else None,
        nonce=nonce,
        pos=pos,
        created_at=event.sent_at,
    )
    if state is None:
        return new
    if state.is_visible:  # A retry stands in the log twice: the first place is the message's.
        return msgspec.structs.replace(state, pos=min(pos, state.pos or pos) if pos is not None else state.pos)
    later = msgspec.structs.replace(
        new,
        version=max(version, state.version),
        content=state.content,
        html=state.html,
        mentions=state.mentions,
        edited_at=state.edited_at,
        deleted_by=state.deleted_by,
        deleted_at=state.deleted_at,
        delete_reason=state.delete_reason,
    )
    return msgspec.structs.replace(later, attachments=(), poll=None) if state.is_deleted else later


def _edited(state: MessageState | None, event: MessageEdited, version: int) -> MessageState:
    if state is None:
        state = MessageState(chat_id=event.room_id, message_id=int(event.message_id), version=0, content="")
    if state.is_deleted or version <= state.version:
        return msgspec.structs.replace(state, version=max(version, state.version))
    return msgspec.structs.replace(
        state,
        version=version,
        content=event.content,
        html=event.html,
        mentions=tuple(sorted(event.mentions)),
        edited_at=event.edited_at,
    )


def _deleted(state: MessageState | None, event: MessageDeleted, version: int) -> MessageState:
    if state is None:
        state = MessageState(chat_id=event.room_id, message_id=int(event.message_id), version=0, content="")
    deleted_at, deleted_by, reason = max(
        (event.deleted_at, event.by, event.reason or ""),
        (state.deleted_at or "", state.deleted_by or "", state.delete_reason or ""),
    )
    return msgspec.structs.replace(
        state,
        version=max(version, state.version),
        content="",
        html=None,
        attachments=(),
        mentions=(),
        poll=None,
        edited_at=None,
        deleted_at=deleted_at,
        deleted_by=deleted_by,
        delete_reason=reason or None,
    )
