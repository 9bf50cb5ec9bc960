"""Rows of important messages, which the group `previews` writes with its others."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from chat.events import MessageDeleted, MessageSent
from chat.models import Chat, ImportantMessage
from chatsite.kernel.events import Record


def write(said: Sequence[Record], changed: Iterable[Record]) -> None:
    """Keep what asks to be acknowledged, until it is deleted; replays find it as it is."""
    # Locked, so that no chat is deleted for good before what refers to it is written.
    chats = Chat.objects.select_for_update(no_key=True).filter(id__in={record.key for record in said}).order_by("id")
    there = {str(chat) for chat in chats.values_list("id", flat=True)} if said else set()
    rows = [_row(record) for record in said if record.key in there]
    ImportantMessage.objects.bulk_create(rows, ignore_conflicts=True)
    for record in changed:
        if isinstance(record.fact.payload, MessageDeleted):
            gone = ImportantMessage.objects.filter(
                chat=UUID(record.key), message_id=int(record.fact.payload.message_id)
            )
            gone.update(is_deleted=True)


def _row(record: Record) -> ImportantMessage:
    sent: MessageSent = record.fact.payload
    return ImportantMessage(chat_id=UUID(record.key), message_id=int(sent.message_id), sender=UUID(sent.sender_id))
