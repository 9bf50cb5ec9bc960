"""Messages that go by themselves: a chat says how long what is said in it stays, and a chore takes each away."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.commands.changes import leave_tombstone
from chat.events import MessageSent
from chat.queries.messages import require_any
from chatsite.kernel import chores
from chatsite.kernel.errors import NotFound
from chatsite.kernel.events import Record
from chatsite.kernel.ids import ChatId, MessageId, UserId

EXPIRE = "expire_message"  # the chore that takes one away
AT_ONCE = 4  # after a stop thousands may be due: what people wait for has places of its own
EXPIRED = "expired"  # the reason that its tombstone gives


def plan(said: Iterable[Record]) -> None:
    """Leave it to chores to take messages away in time, within the caller's transaction; replays plan it again."""
    for record in said:
        sent: MessageSent = record.fact.payload
        if sent.expires_at is not None:
            payload = {"chat": record.key, "message": sent.message_id}
            due_at = datetime.fromisoformat(sent.expires_at)
            chores.add(EXPIRE, key=f"{record.key}:{sent.message_id}", payload=payload, due_at=due_at)


@chores.handles(EXPIRE, at_once=AT_ONCE)
async def expire(payload: dict[str, Any]) -> None:
    """Leave a tombstone of a message whose time has come; of one that is gone already nothing changes."""
    chat, message = ChatId(UUID(payload["chat"])), MessageId(int(payload["message"]))
    try:
        state = await require_any(chat, message)
    except NotFound:
        return  # Its chat was deleted for good.
    if state.is_deleted or state.sender_id is None:
        return
    await leave_tombstone(chat, message, by=UserId(UUID(state.sender_id)), reason=EXPIRED)
