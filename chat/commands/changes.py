"""Changing what was said: edits and deletes are facts of the event log."""

from typing import NamedTuple

from django.conf import settings

from chat import policy
from chat.commands.locking import MAX_REASON
from chat.commands.messages import asks_of, require_content
from chat.events import MessageDeleted, MessageEdited
from chat.fold import MessageState
from chat.markdown import html_of
from chat.policy import Action, Seat
from chat.queries.messages import require_message
from chat.queries.participants import Roster, require_open_roster
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, Forbidden, Invalid
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Payload, iso
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId, unix_ms_of
from chatsite.kernel.limits import require


class Changed(NamedTuple):
    """A change that is durable."""

    message_id: MessageId
    chat_id: ChatId
    version: int
    pos: int
    epoch: str


async def edit(chat: ChatId, message: MessageId, *, editor: UserId, content: str) -> Changed:
    """Change the text of one's own message and wait until that is durable.

    Raises Invalid, NotFound, Forbidden for another's message or where one may not post,
    Conflict for a deleted or forwarded one or after the edit window, Unavailable.
    """
    require_content(content)
    members, seat, state = await _require(chat, message, by=editor)
    if state.sender_id != str(editor):
        raise Forbidden("Only its author may edit a message.")
    if state.forwarded_from is not None:  # It says whose words these are.
        raise Conflict("What was forwarded stays as it was said.")
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())
    window_ms = settings.EDIT_WINDOW_SECONDS * 1_000
    if window_ms and clock.now_ms() - unix_ms_of(message) > window_ms:
        raise Conflict(code="edit_window")
    version = clock.version()
    event = MessageEdited(
        message_id=str(message),
        room_id=str(chat),
        content=content,
        html=html_of(content),
        edited_at=iso(version // 1_000),
        mentions=list(state.mentions),
    )
    return await record_change(chat, message, event, by=editor, version=version)


async def delete(chat: ChatId, message: MessageId, *, by: UserId, reason: str | None = None) -> Changed:
    """Leave only a tombstone of one's own message, or of anybody's where the role allows it.

    Raises Invalid, NotFound, Forbidden, Conflict for one that is deleted already,
    Unavailable.
    """
    if reason is not None and len(reason) > MAX_REASON:
        raise Invalid(f"at most {MAX_REASON} characters.", field="reason")
    _, seat, state = await _require(chat, message, by=by)
    if state.sender_id != str(by):
        policy.require(seat.role, Action.DELETE_ANY)
    version = clock.version()
    event = MessageDeleted(
        message_id=str(message), room_id=str(chat), by=str(by), deleted_at=iso(version // 1_000), reason=reason
    )
    return await record_change(chat, message, event, by=by, version=version)


async def _require(chat: ChatId, message: MessageId, *, by: UserId) -> tuple[Roster, Seat, MessageState]:
    """Who is in the chat, who changes a message, and the message; refused where nobody may change it."""
    members, seat = await require_open_roster(chat, by)
    await require(*asks_of(chat, by))
    state = await require_message(chat, message, viewer=by)
    if state.is_deleted:
        raise Conflict("The message is deleted.")
    return members, seat, state


async def record_change(chat: ChatId, message: MessageId, event: Payload, *, by: UserId, version: int) -> Changed:
    """Write down what happened to a message, and wait until that is durable."""
    appended = await log().append(fact(event, key=chat, actor=by, version=version))
    return Changed(message, chat, version, appended.pos, await stream().epoch())
