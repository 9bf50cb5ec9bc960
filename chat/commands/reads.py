"""Saying how far one has read: a fact of the event log, under the person's own key."""

from typing import NamedTuple

from chat.events import ReadAdvanced
from chat.queries import unread
from chat.queries.messages import require_message
from chat.queries.unread import Counts, Position
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import iso
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import MIN_ID, ChatId, MessageId, UserId


class Reading(NamedTuple):
    """How far somebody has read now, and what is left."""

    chat_id: ChatId
    counts: Counts
    version: int | None  # None: they had read that far already


async def read(chat: ChatId, message: MessageId, *, reader: UserId, pos: int | None = None) -> Reading:
    """Say that everything up to a message was read; the highest pos wins.

    `pos` is how far the reader's client had heard, at least the message's own.
    Raises NotFound, Unavailable.
    """
    state = await require_message(chat, message, viewer=reader)
    head = (await stream().heads([str(chat)]))[str(chat)]
    heard = min(pos or 0, head.pos)  # Nobody has read what is not said yet.
    return await _advance(chat, Position(message, max(state.pos or 0, heard)), reader=reader)


async def unread_from(chat: ChatId, message: MessageId, *, reader: UserId) -> Reading:
    """Take the position back to just before a message; raises NotFound, Unavailable."""
    state = await require_message(chat, message, viewer=reader)
    # An imported message has no pos: whatever was said here since is unread.
    before = Position(max(MIN_ID, message - 1), (state.pos or 1) - 1)
    return await _advance(chat, before, reader=reader, back=True)


async def _advance(chat: ChatId, wanted: Position, *, reader: UserId, back: bool = False) -> Reading:
    now = await unread.of_one(chat, reader)
    version = clock.version()
    message_id = wanted.message_id or 0
    position = now.position.after(message_id, wanted.pos, version, back=back)
    if position == now.position:
        return Reading(chat, now, None)
    left = await unread.of_position(chat, reader, position)
    event = ReadAdvanced(
        user_id=str(reader),
        room_id=str(chat),
        message_id=str(message_id),
        pos=wanted.pos,
        read_at=iso(version // 1_000),
        unread=left.unread,
        mentions=left.mentions,
        up_to=left.up_to,
        back=back,
    )
    await log().append(fact(event, key=reader, actor=reader, version=version))
    return Reading(chat, left, version)
