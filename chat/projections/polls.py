"""When polls end, and the votes of deleted ones, which the group `previews` sees to with what it writes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from chat.commands import polls
from chat.events import MessageDeleted, MessageSent
from chat.models import Poll
from chatsite.kernel.events import Record


def write(asked: Sequence[Record], changed: Iterable[Record]) -> None:
    """Have polls closed at their time, and forget the votes of deleted ones; in a replay all stays as it is."""
    for record in asked:
        sent: MessageSent = record.fact.payload
        if sent.poll is not None and sent.poll.closes_at is not None:
            moment = datetime.fromisoformat(sent.poll.closes_at)
            polls.close_at(moment, chat=record.key, message=sent.message_id)
    for record in changed:
        if isinstance(record.fact.payload, MessageDeleted):
            Poll.objects.filter(chat=UUID(record.key), message_id=int(record.fact.payload.message_id)).delete()
