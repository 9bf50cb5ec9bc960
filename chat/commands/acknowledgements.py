"""Taking note of an important message: a fact of Django's database that all in the chat are told.

The message is looked for before the transaction: it is in another store.
"""

from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.events import MessageAcknowledged
from chat.fold import MessageState
from chat.models import Acknowledgement, ImportantMessage
from chat.queries.messages import require_undeleted
from chat.queries.participants import require_open_roster
from chatsite.kernel import clock, outbox
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict, Forbidden
from chatsite.kernel.events import iso
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId


async def acknowledge(chat: ChatId, message: MessageId, *, by: UserId) -> int:
    """Take note of an important message; answers the version of that. Once is for good: again answers the first.

    Raises NotFound, Forbidden for one's own message, Conflict for one that is deleted or not important, Unavailable.
    """
    await require_open_roster(chat, by)
    state = await require_undeleted(chat, message, viewer=by)
    if not state.important:
        raise Conflict("This message asks for no acknowledgement.")
    if state.sender_id == str(by):
        raise Forbidden("One's own message is for the others to acknowledge.")
    with unavailable_when_away():
        return await in_db_thread(_keep, chat, state, by)


@transaction.atomic
def _keep(chat: ChatId, state: MessageState, by: UserId) -> int:
    """Keep that somebody has taken note, and tell of it where it is new."""
    locking.place(chat, by)  # Who was removed a moment ago takes note of nothing.
    row, _ = ImportantMessage.objects.select_for_update().get_or_create(
        chat_id=chat, message_id=state.message_id, defaults={"sender": UUID(state.sender_id)}
    )
    given = Acknowledgement.objects.filter(message=row)
    if (there := given.filter(user=by).first()) is not None:
        return there.version
    # In turn, by the lock of the row: so each tells the exact number.
    row.version = version = clock.version(above=row.version)
    row.save(update_fields=["version"])
    Acknowledgement.objects.create(message=row, user_id=by, version=version)
    event = MessageAcknowledged(
        message_id=str(state.message_id),
        room_id=str(chat),
        user_id=str(by),
        acknowledged_at=iso(version // 1_000),
        count=given.count(),
    )
    outbox.append(fact(event, key=chat, actor=by, version=version))
    return version
