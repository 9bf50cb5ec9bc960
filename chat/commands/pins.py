"""Pinning a message in its chat and taking the pin away: facts of the event log."""

from chat import policy
from chat.commands.changes import Changed, record_change
from chat.commands.messages import asks_of
from chat.commands.turns import shown, turn
from chat.events import MessagePinned, MessageUnpinned
from chat.policy import Action
from chat.queries.messages import require_message, require_undeleted
from chat.queries.participants import require_open_roster
from chat.queries.pins import pinned
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.limits import require

MAX_PINS = 50  # of a chat


async def pin(chat: ChatId, message: MessageId, *, by: UserId) -> Changed:
    """Pin a message and wait until that is durable; one that is pinned becomes the latest.

    Raises NotFound, Forbidden where the role may not pin, Conflict for a deleted message or where 50 others are
    pinned, Unavailable.
    """
    await _require_may_pin(chat, by)
    async with turn("pins", chat):
        await require_undeleted(chat, message, viewer=by)
        others = [one for one in await pinned(chat, viewer=by) if one.pin.message_id != message]
        if len(others) >= MAX_PINS:
            raise Conflict(f"At most {MAX_PINS} messages of a chat are pinned; take another's pin away first.")
        event = MessagePinned(message_id=str(message), room_id=str(chat), by=str(by))
        changed = await record_change(chat, message, event, by=by, version=clock.version())
        await shown(chat, changed.pos)  # So that the next pin is counted with this one.
    return changed


async def unpin(chat: ChatId, message: MessageId, *, by: UserId) -> Changed:
    """Take a message's pin away, if it has one; raises NotFound, Forbidden, Conflict, Unavailable."""
    await _require_may_pin(chat, by)
    await require_message(chat, message, viewer=by)
    event = MessageUnpinned(message_id=str(message), room_id=str(chat), by=str(by))
    return await record_change(chat, message, event, by=by, version=clock.version())


async def _require_may_pin(chat: ChatId, by: UserId) -> None:
    members, seat = await require_open_roster(chat, by)
    policy.require(seat.role, Action.PIN, members.overrides)
    await require(*asks_of(chat, by))
