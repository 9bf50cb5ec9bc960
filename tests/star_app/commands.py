"""Starring: a fact of the event log, under the person's own key."""

from chat.queries.messages import require_message
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId
from tests.star_app.events import MessageStarred


async def star(chat: ChatId, message: MessageId, *, by: UserId, starred: bool) -> int:
    """Star a message that one may read, or take the star away; answers the version. NotFound, Unavailable."""
    await require_message(chat, message, viewer=by)
    version = clock.version()
    event = MessageStarred(user_id=str(by), room_id=str(chat), message_id=str(message), starred=starred)
    await log().append(fact(event, key=by, actor=by, version=version))
    return version
