"""Starring: a fact of the event log, under the person's own key."""

import uuid

from django.conf import settings

from chat.queries.messages import require_message
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import new_record
from chatsite.kernel.ids import ChatId, MessageId, UserId
from tests.star_app.events import MessageStarred


async def star(chat: ChatId, message: MessageId, *, by: UserId, starred: bool) -> int:
    """Star a message that one may read, or take the star away; answers the version. NotFound, Unavailable."""
    await require_message(chat, message, viewer=by)
    version = clock.version()
    await log().append(
        new_record(
            MessageStarred(user_id=str(by), room_id=str(chat), message_id=str(message), starred=starred),
            event_id=uuid.uuid4(),
            key=by,
            version=version,
            occurred_ms=version // 1_000,
            actor=by,
            region=settings.REGION,
        )
    )
    return version
