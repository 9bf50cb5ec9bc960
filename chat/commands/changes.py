"""Changing what was said: edits and deletes are facts of the event log."""

from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from chat import policy
from chat.commands.locking import MAX_REASON, Staff, note
from chat.commands.messages import asks_of, require_content
from chat.events import MessageDeleted, MessageEdited
from chat.fold import MessageState
from chat.markdown import html_of
from chat.policy import Action, Seat
from chat.queries.messages import require_any, require_undeleted
from chat.queries.participants import Roster, require_open_roster
from chat.queries.rules import rules
from chat.rules import allowed
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread, unavailable_when_away
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

    Raises Invalid, ContentRefused, NotFound, Forbidden for another's message or where one may not post,
    Conflict for a deleted or forwarded one, a poll, or after the edit window, Unavailable.
    """
    require_content(content)
    members, seat, state = await _require(chat, message, by=editor)
    if state.sender_id != str(editor):
        raise Forbidden("Only its author may edit a message.")
    if state.forwarded_from is not None:  # It says whose words these are.
        raise Conflict("What was forwarded stays as it was said.")
    if state.poll is not None:  # Others have answered this question, and no other.
        raise Conflict("The question of a poll stays as it was asked.")
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())
    window_ms = settings.EDIT_WINDOW_SECONDS * 1_000
    if window_ms and clock.now_ms() - unix_ms_of(message) > window_ms:
        raise Conflict(code="edit_window")
    content = allowed(content, (await rules()).for_chat(chat, members.company))
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
    return await leave_tombstone(chat, message, by=by, reason=reason)


async def remove(chat: ChatId, message: MessageId, *, by: Staff) -> None:
    """Leave only a tombstone of a message, as staff; of one that is deleted nothing changes.

    The audit log has it before it is done: the log of events is no part of that transaction.
    Raises NotFound, Unavailable.
    """
    if (await require_any(chat, message)).is_deleted:
        return
    with unavailable_when_away():
        await in_db_thread(_note_removal, chat, message, by)
    await leave_tombstone(chat, message, by=UserId(by.user.id), reason=None)


@transaction.atomic
def _note_removal(chat: ChatId, message: MessageId, by: Staff) -> None:
    note("chat.message.deleted", chat, by.user, {"message": str(message)}, is_staff=True)


async def _require(chat: ChatId, message: MessageId, *, by: UserId) -> tuple[Roster, Seat, MessageState]:
    """Who is in the chat, who changes a message, and the message; refused where nobody may change it."""
    members, seat = await require_open_roster(chat, by)
    await require(*asks_of(chat, by))
    state = await require_undeleted(chat, message, viewer=by)
    return members, seat, state


async def leave_tombstone(chat: ChatId, message: MessageId, *, by: UserId, reason: str | None) -> Changed:
    """Leave only a tombstone of a message, whoever asks: who may was asked before. Unavailable."""
    version = clock.version()
    event = MessageDeleted(
        message_id=str(message), room_id=str(chat), by=str(by), deleted_at=iso(version // 1_000), reason=reason
    )
    return await record_change(chat, message, event, by=by, version=version)


async def record_change(chat: ChatId, message: MessageId, event: Payload, *, by: UserId, version: int) -> Changed:
    """Write down what happened to a message, and wait until that is durable."""
    appended = await log().append(fact(event, key=chat, actor=by, version=version))
    return Changed(message, chat, version, appended.pos, await stream().epoch())
