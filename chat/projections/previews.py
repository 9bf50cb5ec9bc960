"""The group `previews`: the newest message of each chat, in Django's database.

Written at most once a second for all chats that changed, in one transaction.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from chat.events import MessageSent
from chat.models import Chat
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

FLUSH_SECONDS = 1.0
PREVIEW_CODE_POINTS = 200

previews = group("previews")


class _Flush:
    """What the next write holds, and who waits for it."""

    def __init__(self) -> None:
        self.newest: dict[str, Record] = {}
        self.done = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        _next.clear()
        await in_db_thread(_write_previews, self.newest)


_next: list[_Flush] = []  # the one flush that still takes records, if there is one


@previews.project(MessageSent)
async def note_newest(records: Sequence[Record]) -> None:
    """Put the newest message of a chat into the next write and wait for it."""
    if not _next:
        _next.append(_Flush())
    flush = _next[0]
    flush.newest[records[-1].key] = records[-1]
    await asyncio.shield(flush.done)


@transaction.atomic
def _write_previews(newest: dict[str, Record]) -> None:
    for chat_id, record in newest.items():
        sent = record.fact.payload
        sent_at = datetime.fromisoformat(sent.sent_at)
        preview = {
            "id": sent.message_id,
            "sender_id": sent.sender_id,
            "content": sent.content[:PREVIEW_CODE_POINTS],
            "created_at": sent.sent_at,
        }
        # An older message than the one shown arrives only in a replay, which must not turn the list back.
        Chat.objects.filter(id=chat_id).exclude(last_message_at__gt=sent_at).update(
            last_message_at=sent_at, last_message=preview, version=Greatest(F("version"), record.fact.version)
        )
