"""The chat's part of the WebSocket contract: frames in, frame bodies out. Pure.

Here a chat is `roomId`. Bodies carry no place in the stream: the gateway stamps
epoch, pos and prev on them, and everybody gets the same bytes.
"""

from typing import Any

import msgspec

from chat.events import (
    ChatArchived,
    ChatHardDeleted,
    ChatRestored,
    ChatUpdated,
    Forwarded,
    LinkPreview,
    MembershipChanged,
    MessageAcknowledged,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessagePinned,
    MessagePreviewed,
    MessageSent,
    MessageType,
    MessageUnpinned,
    Origin,
    ParticipantAdded,
    ParticipantBanned,
    ParticipantLeft,
    ParticipantMuted,
    ParticipantRemoved,
    ParticipantRoleChanged,
    PersonChatAdded,
    PersonChatRemoved,
    PinChanged,
    Poll,
    PollChanged,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
    ReadAdvanced,
    RoomChanged,
)
from chat.fold import Pin, Reacted, Stamped
from chatsite.gateway.bodies import EVERYBODY, Body, encodes
from chatsite.gateway.protocol import ClientFrame
from chatsite.kernel.events import Record


class AskedPoll(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A poll as somebody asks it, before it is checked."""

    options: list[str]
    multiple: bool = False
    anonymous: bool = False
    closes_at: str | None = None


class SendMessage(ClientFrame, frozen=True, kw_only=True, tag="SEND_MESSAGE"):
    """Say something in a room."""

    room_id: str
    content: str
    nonce: str | None = None
    retry: bool = False
    first_tried_ms: int = 0
    reply_to_id: str | None = None
    thread_id: str | None = None
    attachments: list[str] = []
    mentions: list[str] = []
    important: bool = False
    poll: AskedPoll | None = None

    def cost(self) -> float:
        """Nothing here: sends have buckets of their own."""
        return 0.0


class ForwardMessage(ClientFrame, frozen=True, kw_only=True, tag="FORWARD"):
    """Say again in other rooms what somebody said in one."""

    room_id: str
    message_id: str
    to: list[str]
    nonce: str | None = None
    retry: bool = False
    first_tried_ms: int = 0


class EditMessage(ClientFrame, frozen=True, kw_only=True, tag="EDIT_MESSAGE"):
    """Change the text of one's own message."""

    room_id: str
    message_id: str
    content: str


class DeleteMessage(ClientFrame, frozen=True, kw_only=True, tag="DELETE_MESSAGE"):
    """Take a message back."""

    room_id: str
    message_id: str
    reason: str | None = None


class React(ClientFrame, frozen=True, kw_only=True, tag="REACT"):
    """Give a message an emoji."""

    room_id: str
    message_id: str
    emoji: str


class Unreact(ClientFrame, frozen=True, kw_only=True, tag="UNREACT"):
    """Take one's emoji back."""

    room_id: str
    message_id: str
    emoji: str


class Acknowledge(ClientFrame, frozen=True, kw_only=True, tag="ACKNOWLEDGE"):
    """Say that one has taken note of an important message."""

    room_id: str
    message_id: str


class Vote(ClientFrame, frozen=True, kw_only=True, tag="VOTE"):
    """Choose options of a poll by their numbers from 0, in place of those before; none takes the vote back."""

    room_id: str
    message_id: str
    choices: list[int]


class ClosePoll(ClientFrame, frozen=True, kw_only=True, tag="CLOSE_POLL"):
    """Let nobody vote in a poll any more."""

    room_id: str
    message_id: str


class Invoke(ClientFrame, frozen=True, kw_only=True, tag="INVOKE"):
    """Ask a bot of the room to do something; only the bot hears of it."""

    room_id: str
    command: str
    text: str = ""
    bot_id: str | None = None


class PinMessage(ClientFrame, frozen=True, kw_only=True, tag="PIN"):
    """Pin a message in its room."""

    room_id: str
    message_id: str


class UnpinMessage(ClientFrame, frozen=True, kw_only=True, tag="UNPIN"):
    """Take a message's pin away."""

    room_id: str
    message_id: str


class StarMessage(ClientFrame, frozen=True, kw_only=True, tag="STAR"):
    """Star a message, for oneself alone."""

    room_id: str
    message_id: str


class UnstarMessage(ClientFrame, frozen=True, kw_only=True, tag="UNSTAR"):
    """Take one's star away."""

    room_id: str
    message_id: str


class FlagMessage(ClientFrame, frozen=True, kw_only=True, tag="FLAG_MESSAGE"):
    """Report a message to staff; nobody in the room hears of it."""

    room_id: str
    message_id: str
    reason: str
    text: str = ""


class FollowThread(ClientFrame, frozen=True, kw_only=True, tag="FOLLOW_THREAD"):
    """Follow the thread under a message, for oneself alone."""

    room_id: str
    thread_id: str


class UnfollowThread(ClientFrame, frozen=True, kw_only=True, tag="UNFOLLOW_THREAD"):
    """Follow a thread no longer."""

    room_id: str
    thread_id: str


class Read(ClientFrame, frozen=True, kw_only=True, tag="READ"):
    """Say how far one has read a room, or one thread; with `unread` the message and all after it are unread again."""

    room_id: str
    message_id: str
    pos: int | None = None
    thread_id: str | None = None
    unread: bool = False


class Typing(ClientFrame, frozen=True, kw_only=True, tag="TYPING"):
    """Say that one is writing, or has stopped."""

    room_id: str
    active: bool = True


class _Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    room_id: str
    version: int


class MessageFrame(_Frame, frozen=True, kw_only=True, tag="MESSAGE"):
    """Somebody said something."""

    message_id: str
    sender_id: str
    content: str
    ts: str
    message_type: MessageType
    attachments: list[str]
    mentions: list[str]
    nonce: str | None = None
    html: str | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    thread_starter_id: str | None = None
    origin: Origin | None = None
    forwarded_from: Forwarded | None = None
    important: bool = False
    poll: Poll | None = None
    expires_at: str | None = None


class MessageEditedFrame(_Frame, frozen=True, kw_only=True, tag="MESSAGE_EDITED"):
    """A message's text became another."""

    message_id: str
    content: str
    mentions: list[str]
    edited_at: str
    html: str | None = None


class MessageDeletedFrame(_Frame, frozen=True, kw_only=True, tag="MESSAGE_DELETED"):
    """A message was taken back."""

    message_id: str
    by: str
    ts: str
    reason: str | None = None


class ReactionFrame(_Frame, frozen=True, kw_only=True, tag="REACTION"):
    """Somebody gave a message an emoji, or took it back."""

    message_id: str
    user_id: str
    emoji: str
    active: bool
    count: int


class AcknowledgedFrame(_Frame, frozen=True, kw_only=True, tag="ACKNOWLEDGED"):
    """Somebody has taken note of an important message; so many have by now."""

    message_id: str
    user_id: str
    ts: str
    count: int


class PreviewsFrame(_Frame, frozen=True, kw_only=True, tag="PREVIEWS"):
    """What the links of a message lead to, all of it, while `textVersion` is the version of the message."""

    message_id: str
    text_version: int
    previews: list[LinkPreview]


class PollFrame(_Frame, frozen=True, kw_only=True, tag="POLL"):
    """How a poll stands now; where it is not anonymous, also who has voted, and what they choose."""

    message_id: str
    counts: list[int]
    voters: int
    closed: bool
    user_id: str | None = None
    choices: list[int] = []


class PinFrame(_Frame, frozen=True, kw_only=True, tag="PIN"):
    """A message was pinned, or is no longer."""

    message_id: str
    user_id: str
    pinned: bool


class MemberFrame(_Frame, frozen=True, kw_only=True, tag="MEMBER"):
    """Who is in the room, or what they may, has changed."""

    user_id: str
    change: str
    role: str
    by: str
    count: int
    muted_until: str | None = None


class RoomFrame(_Frame, frozen=True, kw_only=True, tag="ROOM"):
    """The room itself has changed; `chat` holds the changed fields as REST names them."""

    change: str
    by: str
    chat: dict[str, Any]


class ReadMeFrame(_Frame, frozen=True, kw_only=True, tag="ME"):
    """How far one has read a room, and what was left of it as of the room's pos `upTo`."""

    kind: str
    message_id: str
    read_pos: int
    unread: int
    mentions: int
    up_to: int
    back: bool = False


class PlaceMeFrame(_Frame, frozen=True, kw_only=True, tag="ME"):
    """One is in one more room, or in one less."""

    kind: str
    role: str | None = None


_encode = msgspec.json.Encoder().encode
_message_frames = msgspec.json.Decoder(MessageFrame | MessageEditedFrame | MessageDeletedFrame)
_MESSAGE_STARTS = (b'{"type":"MESSAGE",', b'{"type":"MESSAGE_EDITED",', b'{"type":"MESSAGE_DELETED",')
_reaction_frame = msgspec.json.Decoder(ReactionFrame)
_pin_frame = msgspec.json.Decoder(PinFrame)
_read_frame = msgspec.json.Decoder(ReadMeFrame)
_member_frame = msgspec.json.Decoder(MemberFrame)
_CHANGES: dict[type[MembershipChanged], str] = {
    ParticipantAdded: "added",
    ParticipantRemoved: "removed",
    ParticipantLeft: "left",
    ParticipantBanned: "banned",
    ParticipantRoleChanged: "role",
    ParticipantMuted: "muted",
}
_FAREWELLS = (ParticipantRemoved, ParticipantLeft, ParticipantBanned)
_ROOM_CHANGES: dict[type[RoomChanged], str] = {
    ChatUpdated: "updated",
    ChatArchived: "archived",
    ChatRestored: "restored",
    ChatHardDeleted: "deleted",
}


@encodes(MessageSent.event_type, MessageEdited.event_type, MessageDeleted.event_type)
def message_body(record: Record) -> Body | None:
    """The body of what happened to a message."""
    fact = record.fact
    common: dict[str, Any] = {"room_id": fact.aggregate_id, "version": fact.version}
    match fact.payload:
        case MessageSent() as sent:
            return Body(
                _encode(
                    MessageFrame(
                        **common,
                        message_id=sent.message_id,
                        sender_id=sent.sender_id,
                        content=sent.content,
                        ts=sent.sent_at,
                        message_type=sent.message_type,
                        attachments=sent.attachments,
                        mentions=sent.mentions,
                        nonce=sent.nonce,
                        html=sent.html,
                        reply_to_id=sent.reply_to_id,
                        thread_id=sent.thread_id,
                        thread_starter_id=sent.thread_starter_id,
                        origin=sent.origin,
                        forwarded_from=sent.forwarded_from and sent.forwarded_from.for_all,
                        important=sent.important,
                        poll=sent.poll,
                        expires_at=sent.expires_at,
                    )
                ),
                minted=int(sent.message_id),
            )
        case MessageEdited() as edited:
            return Body(
                _encode(
                    MessageEditedFrame(
                        **common,
                        message_id=edited.message_id,
                        content=edited.content,
                        mentions=edited.mentions,
                        edited_at=edited.edited_at,
                        html=edited.html,
                    )
                )
            )
        case MessageDeleted() as deleted:
            return Body(
                _encode(
                    MessageDeletedFrame(
                        **common,
                        message_id=deleted.message_id,
                        by=deleted.by,
                        ts=deleted.deleted_at,
                        reason=deleted.reason,
                    )
                )
            )
    return None


@encodes(ReactionAdded.event_type, ReactionRemoved.event_type)
def reaction_body(record: Record) -> Body:
    """The body of a change of a reaction."""
    fact = record.fact
    changed: Reaction = fact.payload
    frame = ReactionFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        message_id=changed.message_id,
        user_id=changed.user_id,
        emoji=changed.emoji,
        active=isinstance(changed, ReactionAdded),
        count=changed.count,
    )
    return Body(_encode(frame))


@encodes(MessageAcknowledged.event_type)
def acknowledged_body(record: Record) -> Body:
    """The body of an acknowledgement."""
    fact = record.fact
    said: MessageAcknowledged = fact.payload
    frame = AcknowledgedFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        message_id=said.message_id,
        user_id=said.user_id,
        ts=said.acknowledged_at,
        count=said.count,
    )
    return Body(_encode(frame))


@encodes(MessagePreviewed.event_type)
def previews_body(record: Record) -> Body:
    """The body of what the links of a message lead to."""
    fact = record.fact
    made: MessagePreviewed = fact.payload
    frame = PreviewsFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        message_id=made.message_id,
        text_version=made.text_version,
        previews=made.previews,
    )
    return Body(_encode(frame))


@encodes(PollChanged.event_type)
def poll_body(record: Record) -> Body:
    """The body of how a poll stands."""
    fact = record.fact
    now: PollChanged = fact.payload
    frame = PollFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        message_id=now.message_id,
        counts=now.counts,
        voters=now.voters,
        closed=now.is_closed,
        user_id=now.user_id,
        choices=now.choices,
    )
    return Body(_encode(frame))


@encodes(MessagePinned.event_type, MessageUnpinned.event_type)
def pin_body(record: Record) -> Body:
    """The body of a change of a pin."""
    fact = record.fact
    changed: PinChanged = fact.payload
    frame = PinFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        message_id=changed.message_id,
        user_id=changed.by,
        pinned=isinstance(changed, MessagePinned),
    )
    return Body(_encode(frame))


@encodes(*(event.event_type for event in _CHANGES))
def member_body(record: Record) -> Body:
    """The body of a change of membership; who goes hears it as the last of the room."""
    fact, changed = record.fact, record.fact.payload
    body = MemberFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        user_id=changed.user_id,
        change=_CHANGES[type(changed)],
        role=changed.role,
        by=changed.by,
        count=changed.count,
        muted_until=changed.muted_until if isinstance(changed, ParticipantMuted) else None,
    )
    return Body(
        _encode(body),
        members_version=changed.members_version,
        farewell=changed.user_id if isinstance(changed, _FAREWELLS) else None,
    )


@encodes(*(event.event_type for event in _ROOM_CHANGES))
def room_body(record: Record) -> Body:
    """The body of a change of the room itself; of a deleted one everybody hears it as the last."""
    fact, changed = record.fact, record.fact.payload
    match changed:
        case ChatUpdated():
            fields: dict[str, Any] = {
                "name": changed.name,
                "description": changed.description,
                "permissions": changed.permissions,
                "slow_mode_seconds": changed.slow_mode_seconds,
                "expire_seconds": changed.expire_seconds,
                "link_previews": changed.link_previews,
            }
        case ChatArchived() | ChatRestored():
            fields = {"is_archived": isinstance(changed, ChatArchived)}
        case _:
            fields = {}
    body = RoomFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        change=_ROOM_CHANGES[type(changed)],
        by=changed.by,
        chat=fields,
    )
    return Body(
        _encode(body),
        members_version=changed.members_version,
        farewell=EVERYBODY if isinstance(changed, ChatHardDeleted) else None,
    )


@encodes(ReadAdvanced.event_type, PersonChatAdded.event_type, PersonChatRemoved.event_type)
def me_body(record: Record) -> Body | None:
    """The body of what concerns one person; `joins` is the room they hear from now on."""
    fact = record.fact
    match fact.payload:
        case ReadAdvanced() as read:
            return Body(
                _encode(
                    ReadMeFrame(
                        kind="read",
                        room_id=read.room_id,
                        version=fact.version,
                        message_id=read.message_id,
                        read_pos=read.pos,
                        unread=read.unread,
                        mentions=read.mentions,
                        up_to=read.up_to,
                        back=read.back,
                    )
                )
            )
        case PersonChatAdded() as added:
            frame = PlaceMeFrame(kind="chat_added", room_id=added.room_id, version=fact.version, role=added.role)
            return Body(_encode(frame), joins=added.room_id, joins_version=added.members_version)
        case PersonChatRemoved() as removed:
            return Body(_encode(PlaceMeFrame(kind="chat_removed", room_id=removed.room_id, version=fact.version)))
    return None


def read_of(body: bytes) -> ReadMeFrame | None:
    """The read position that a body of a person's own stream tells of; None for other bodies."""
    if not body.startswith(b'{"type":"ME","roomId":') or b'"kind":"read"' not in body:
        return None
    try:
        return _read_frame.decode(body)
    except msgspec.ValidationError:
        return None  # Another app's frame that looks alike.


def added_of(body: bytes) -> MemberFrame | None:
    """The coming in of somebody that a body tells of; None for other bodies."""
    if not body.startswith(b'{"type":"MEMBER"'):
        return None
    frame = _member_frame.decode(body)
    return frame if frame.change == "added" else None


def reaction_event(body: bytes) -> Reacted | None:
    """The change of a reaction that a body tells of, for folding it over a page; None for other bodies."""
    if not body.startswith(b'{"type":"REACTION",'):
        return None
    frame = _reaction_frame.decode(body)
    event = (ReactionAdded if frame.active else ReactionRemoved)(
        message_id=frame.message_id,
        room_id=frame.room_id,
        user_id=frame.user_id,
        emoji=frame.emoji,
        count=frame.count,
    )
    return Reacted(event, frame.version)


def pin_change(body: bytes) -> Pin | None:
    """The change of a pin that a body tells of, for folding it over a chat's pins; None for other bodies."""
    if not body.startswith(b'{"type":"PIN",'):
        return None
    frame = _pin_frame.decode(body)
    return Pin(int(frame.message_id), frame.pinned, frame.user_id, frame.version)


def message_event(body: bytes, *, pos: int) -> Stamped | None:
    """The message event that a body tells of, for folding it over a page; None for other bodies."""
    if not body.startswith(_MESSAGE_STARTS):
        return None
    frame = _message_frames.decode(body)
    event: MessageEvent
    match frame:
        case MessageFrame():
            event = MessageSent(
                message_id=frame.message_id,
                room_id=frame.room_id,
                sender_id=frame.sender_id,
                content=frame.content,
                sent_at=frame.ts,
                attachments=frame.attachments,
                nonce=frame.nonce,
                html=frame.html,
                message_type=frame.message_type,
                reply_to_id=frame.reply_to_id,
                thread_id=frame.thread_id,
                thread_starter_id=frame.thread_starter_id,
                mentions=frame.mentions,
                origin=frame.origin,
                forwarded_from=frame.forwarded_from,
                important=frame.important,
                poll=frame.poll,
                expires_at=frame.expires_at,
            )
        case MessageEditedFrame():
            event = MessageEdited(
                message_id=frame.message_id,
                room_id=frame.room_id,
                content=frame.content,
                edited_at=frame.edited_at,
                html=frame.html,
                mentions=frame.mentions,
            )
        case MessageDeletedFrame():
            event = MessageDeleted(
                message_id=frame.message_id,
                room_id=frame.room_id,
                by=frame.by,
                deleted_at=frame.ts,
                reason=frame.reason,
            )
    return Stamped(event, frame.version, pos)
