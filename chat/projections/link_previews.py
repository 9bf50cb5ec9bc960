"""The group `link-previews`: what is said in chats that want it has its links read, by a chore.

It is there only where CHAT_LINK_PREVIEWS is on: else nobody reads the log for it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction

from chat.commands.link_previews import MOST_WAITING, NEWS_MS, PREVIEW, preview_at
from chat.events import ChatUpdated, MessageEdited, MessageSent
from chat.link_previews import links_to_preview
from chat.queries.participants import chat_id, need, roster
from chatsite.kernel import chores, clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

link_previews = group("link-previews", may_lag=True)


@link_previews.project(ChatUpdated)
async def look_again(records: Sequence[Record]) -> None:
    """Know what a chat wants from here on."""
    for record in records:
        need(chat_id(record.key), record.fact.payload.members_version)


@link_previews.project(MessageSent, MessageEdited)
async def preview_later(records: Sequence[Record]) -> None:
    """Have the links of fresh texts of one chat read, where it wants that."""
    if not (await roster(chat_id(records[0].key))).link_previews:
        return
    oldest_ms = clock.now_ms() - NEWS_MS
    if linking := [one for one in records if one.appended_ms > oldest_ms and _links(one.fact.payload)]:
        await in_db_thread(_plan, linking)


def _links(event: MessageSent | MessageEdited) -> bool:
    """Whether there is something to preview; a copy of what was said elsewhere stays as it is."""
    is_copy = isinstance(event, MessageSent) and event.forwarded_from is not None
    return not is_copy and bool(links_to_preview(event.content))


@transaction.atomic
def _plan(records: Sequence[Record]) -> None:
    if chores.waiting(PREVIEW) >= MOST_WAITING:
        return  # Nobody would see the last of them while it is news.
    for record in records:
        message = record.fact.payload.message_id
        preview_at(datetime.now(UTC), chat=record.key, message=message, version=record.fact.version)
