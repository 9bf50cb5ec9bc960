"""Starring a message to find it again: a fact of Django's database, for oneself alone.

The message is looked for before the transaction: it is in another store.
"""

from django.db import transaction

from chat.commands import locking
from chat.models import Star
from chat.queries.messages import require_message, require_undeleted
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict
from chatsite.kernel.ids import ChatId, MessageId, UserId

MAX_STARS = 10_000  # of a person, in all chats: one statement reads them for a search


async def star(chat: ChatId, message: MessageId, *, by: UserId) -> int:
    """Star a message that one may read; answers the version. One that is starred stays as it is.

    Raises NotFound, Conflict for a deleted message or where one has 10,000 stars, Unavailable.
    """
    await require_undeleted(chat, message, viewer=by)
    with unavailable_when_away():
        return await in_db_thread(add, chat, message, by)


async def unstar(chat: ChatId, message: MessageId, *, by: UserId) -> int:
    """Take one's star away, if there is one; answers the version. NotFound, Unavailable."""
    await require_message(chat, message, viewer=by)
    with unavailable_when_away():
        return await in_db_thread(take_away, chat, message, by)


@transaction.atomic
def add(chat: ChatId, message: MessageId, by: UserId) -> int:
    """Keep a star of a message that was found, and tell of it where it is new."""
    locking.place(chat, by)  # One's devices take turns.
    mine = Star.objects.filter(user=by)
    if (there := mine.filter(chat=chat, message_id=message).first()) is not None:
        return there.version
    if mine.count() >= MAX_STARS:
        raise Conflict(f"At most {MAX_STARS:,} messages are starred; take another's star away first.")
    version = clock.version()
    Star.objects.create(user_id=by, chat_id=chat, message_id=message, version=version)
    _tell(chat, message, by, version=version, starred=True)
    return version


@transaction.atomic
def take_away(chat: ChatId, message: MessageId, by: UserId) -> int:
    """Drop a star, and tell of it where there was one."""
    locking.place(chat, by)  # One's devices take turns.
    there = Star.objects.filter(user=by, chat=chat, message_id=message).first()
    if there is None:
        return clock.version()
    version = clock.version(above=there.version)
    there.delete()
    _tell(chat, message, by, version=version, starred=False)
    return version


def _tell(chat: ChatId, message: MessageId, by: UserId, *, version: int, starred: bool) -> None:
    state = {"roomId": str(chat), "messageId": str(message), "starred": starred}
    person_changed(by, kind="star", state=state, version=version)
