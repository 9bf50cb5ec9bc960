"""What a person wants to be reminded of, of what they may still read."""

from typing import NamedTuple

from chat.fold import MessageState
from chat.models import Reminder
from chat.queries import places
from chat.queries.reactions import Reactions
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, MessageId, UserId


class Reminders(NamedTuple):
    """Reminders with their messages, the next first."""

    reminders: list[tuple[Reminder, MessageState]]
    reactions: Reactions


async def of(user: UserId) -> Reminders:
    """All of a person, 200 at most; those of messages that were deleted are left out."""
    rows = await in_db_thread(_rows, user)
    asked = [(ChatId(row.chat_id), MessageId(row.message_id)) for row in rows]
    states = await places.read(asked, viewer=user)
    found = [(row, states[place]) for row, place in zip(rows, asked, strict=True) if place in states]
    return Reminders(found, await places.reactions_to([state for _, state in found], viewer=user))


def _rows(user: UserId) -> list[Reminder]:
    mine = Reminder.objects.filter(user=user, chat__participants__user=user, chat__participants__is_active=True)
    return list(mine.order_by("remind_at", "id"))
