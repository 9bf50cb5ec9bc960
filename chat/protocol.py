"""The chat's part of the WebSocket contract: frames in, frame bodies out. Pure.

Here a chat is `roomId`. Bodies carry no place in the stream: the gateway stamps
epoch, pos and prev on them, and everybody gets the same bytes.
"""

from typing import Any

import msgspec

from chat.events import (
    MembershipChanged,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageSent,
    Origin,
    ParticipantAdded,
    ParticipantLeft,
    ParticipantRemoved,
)
from chat.fold import Stamped
from chatsite.gateway.bodies import Body, encodes
from chatsite.gateway.protocol import ClientFrame
from chatsite.kernel.events import Record


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


class _Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    room_id: str
    version: int


class MessageFrame(_Frame, frozen=True, kw_only=True, tag="MESSAGE"):
    """Somebody said something."""

    message_id: str
    sender_id: str
    content: str
    ts: str
    message_type: str
    attachments: list[str]
    mentions: list[str]
    nonce: str | None = None
    html: str | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    origin: Origin | None = None


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


class MemberFrame(_Frame, frozen=True, kw_only=True, tag="MEMBER"):
    """Who is in the room has changed."""

    user_id: str
    change: str
    role: str
    by: str
    count: int


_encode = msgspec.json.Encoder().encode
_message_frames = msgspec.json.Decoder(MessageFrame | MessageEditedFrame | MessageDeletedFrame)
_CHANGES: dict[type[MembershipChanged], str] = {
    ParticipantAdded: "added",
    ParticipantRemoved: "removed",
    ParticipantLeft: "left",
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
                        origin=sent.origin,
                    )
                )
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


@encodes(*(event.event_type for event in _CHANGES))
def member_body(record: Record) -> Body:
    """The body of a change of membership; who goes hears it as the last of the room."""
    fact, changed = record.fact, record.fact.payload
    change = _CHANGES[type(changed)]
    body = MemberFrame(
        room_id=fact.aggregate_id,
        version=fact.version,
        user_id=changed.user_id,
        change=change,
        role=changed.role,
        by=changed.by,
        count=changed.count,
    )
    return Body(
        _encode(body),
        members_version=changed.members_version,
        farewell=None if change == "added" else changed.user_id,
    )


def message_event(body: bytes, *, pos: int) -> Stamped | None:
    """The message event that a body tells of, for folding it over a page; None for other bodies."""
    if not body.startswith(b'{"type":"MESSAGE'):
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
                message_type="notice" if frame.message_type == "notice" else "text",
                reply_to_id=frame.reply_to_id,
                thread_id=frame.thread_id,
                mentions=frame.mentions,
                origin=frame.origin,
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
