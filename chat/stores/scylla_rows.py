"""Messages as rows of ScyllaDB or Cassandra, and rows as messages."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from chat.events import Forwarded, MessageImported, MessageSent, Origin, Poll, digest_of
from chat.fold import MessageState, Stamped
from chat.stores import scylla_statements as cql
from chat.stores.scylla_session import UNSET, Bound, Row, iso_of
from chatsite.kernel.ids import ChatId, MessageId, bucket_of, unix_ms_of
from chatsite.kernel.ids import version_of as moment_of  # of an id, in microseconds since 1970

NONCE_MS = 24 * 3_600_000

# What is left of the text of a deleted message: values, for a null would be a tombstone.
NOTHING: tuple[Any, ...] = ("", "", [], set(), "")
_encode = msgspec.json.encode
_origin = msgspec.json.Decoder(Origin).decode
_forwarded = msgspec.json.Decoder(Forwarded).decode
_poll = msgspec.json.Decoder(Poll).decode


def rows_of(chat: ChatId, said: Stamped) -> Iterator[Bound]:
    """The writes of one message: it binds nothing that only a change sets, and no null."""
    event, version, pos = said
    assert isinstance(event, MessageSent | MessageImported)
    message = MessageId(int(event.message_id))
    where = (chat, bucket_of(message), message)
    yield (
        cql.SENT,
        (
            *where,
            version,
            event.content,
            UUID(event.sender_id),
            event.html or UNSET,
            event.message_type,
            int(event.reply_to_id) if event.reply_to_id else UNSET,
            int(event.thread_id) if event.thread_id else UNSET,
            [UUID(one) for one in event.attachments] or UNSET,
            set(event.mentions) or UNSET,
            _encode(event.origin).decode() if event.origin else UNSET,
            _forwarded_from(event),
            (isinstance(event, MessageSent) and event.important) or UNSET,
            _poll_of(event),
            (isinstance(event, MessageSent) and event.expires_at) or UNSET,
            (isinstance(event, MessageSent) and event.nonce) or UNSET,
            time_of(event.sent_at),
            moment_of(message),
        ),
    )
    if isinstance(event, MessageSent):
        # A retry stands in the log twice and the first place is the message's: the lower pos has the later date.
        yield cql.PLACE, (moment_of(message) - pos, pos, *where)


def place_of(chat: ChatId, said: Stamped) -> tuple[Any, ...] | None:
    """The row of a message's place in its thread, None where it is in none."""
    event = said.event
    assert isinstance(event, MessageSent | MessageImported)
    if event.thread_id is None:
        return None
    message = MessageId(int(event.message_id))
    return chat, int(event.thread_id), message, moment_of(message)


def nonce_of(chat: ChatId, said: Stamped, *, now_ms: int) -> tuple[Any, ...] | None:
    """The row of a message's nonce, None where no client may retry any more."""
    event = said.event
    if not isinstance(event, MessageSent) or event.nonce is None:
        return None
    message = MessageId(int(event.message_id))
    if unix_ms_of(message) < now_ms - NONCE_MS:
        return None
    return chat, UUID(event.sender_id), event.nonce, message, digest_of(event), moment_of(message)


def _forwarded_from(event: MessageSent | MessageImported) -> Any:
    taken = event.forwarded_from if isinstance(event, MessageSent) else None
    return _encode(taken).decode() if taken is not None else UNSET


def _poll_of(event: MessageSent | MessageImported) -> Any:
    poll = event.poll if isinstance(event, MessageSent) else None
    return _encode(poll).decode() if poll is not None else UNSET


def state_of(row: Row) -> MessageState:
    """The message that a row says."""
    (
        chat_id, message_id, version, content, sender_id, html, message_type, reply_to_id, thread_id, attachments,
        mentions, origin, forwarded_from, important, poll, expires_at, nonce, pos, created_at, edited_at, deleted_by,
        deleted_at, delete_reason,
    ) = row  # fmt: skip
    gone = deleted_at is not None
    return MessageState(
        chat_id=str(chat_id),
        message_id=message_id,
        version=version,
        content="" if gone else content,
        sender_id=str(sender_id) if sender_id else None,
        html=None if gone else html or None,
        message_type=message_type,
        reply_to_id=reply_to_id,
        thread_id=thread_id,
        attachments=() if gone else tuple(str(one) for one in attachments or ()),
        mentions=() if gone else tuple(sorted(mentions or ())),
        origin=_origin(origin) if origin else None,
        forwarded_from=_forwarded(forwarded_from) if forwarded_from else None,
        important=bool(important),
        poll=_poll(poll) if poll and not gone else None,
        expires_at=expires_at,
        nonce=nonce,
        pos=pos,
        created_at=iso_of(created_at) if created_at else None,
        edited_at=iso_of(edited_at) if edited_at and not gone else None,
        deleted_by=str(deleted_by) if deleted_by else None,
        deleted_at=iso_of(deleted_at) if gone else None,
        delete_reason=delete_reason or None,
    )


def time_of(text: str) -> datetime:
    """A time of ours as the driver takes it."""
    return datetime.fromisoformat(text)
