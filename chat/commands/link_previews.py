"""What the links of a message lead to: a chore reads the pages, and tells all in the chat what they say.

What is older than an hour is previewed no more: a replay, or a group that lagged, asks no strangers for last week's
links.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from chat import policy
from chat.commands import locking
from chat.commands.link_pages import Busy, read
from chat.commands.messages import asks_of
from chat.events import LinkPreview, MessagePreviewed
from chat.fold import MessageState
from chat.link_previews import links_to_preview
from chat.models import Chat, LinkPreviews
from chat.policy import Action
from chat.queries.messages import is_caught_up, require_any, require_undeleted
from chat.queries.participants import chat_id, require_open_roster, roster
from chat.queries.rules import rules
from chat.rules import allowed
from chatsite.kernel import chores, clock, outbox
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import ContentRefused, NotFound, Unavailable
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.limits import require

PREVIEW = "preview_links"  # the chore that reads what a message links
AT_ONCE = 1  # message whose links one process reads at a time: what people wait for has places of its own
MOST_WAITING = 10_000  # messages; while so many wait no other gets previews
NEWS_MS = 3_600_000  # a text that is older gets none


def preview_at(moment: datetime, *, chat: str, message: str, version: int) -> None:
    """Have what a text of a message links read at a moment, with the caller's transaction."""
    payload = {"chat": chat, "message": message, "version": version}
    chores.add(PREVIEW, key=f"{chat}:{message}:{version}", payload=payload, due_at=moment)


@chores.handles(PREVIEW, at_once=AT_ONCE)
async def preview(payload: dict[str, Any]) -> None:
    """Show what a message links, unless it says something else by now; a second run finds the pages read."""
    chat, message, version = chat_id(payload["chat"]), MessageId(int(payload["message"])), payload["version"]
    if not settings.LINK_PREVIEWS or clock.now_ms() - version // 1_000 > NEWS_MS:
        return
    if (state := await _find(chat, message, version)) is None or await in_db_thread(_is_removed, chat, message):
        return
    try:
        previews = await _read_all(chat, links_to_preview(state.content))
    except Busy as busy:
        await in_db_thread(_come_again, payload, busy.until)
        return
    if previews:
        await in_db_thread(_show, chat, message, version, previews)
        # It may have been deleted meanwhile, and the group previews found nothing to drop.
        if await _find(chat, message, version) is None:
            await in_db_thread(_drop, chat, message, version)


async def remove(chat: ChatId, message: MessageId, *, by: UserId) -> None:
    """Take the previews of a message away, for all and for good: its sender, or whoever may delete it.

    Raises NotFound, Forbidden, Conflict where the message is deleted, Unavailable.
    """
    _, seat = await require_open_roster(chat, by)
    await require(*asks_of(chat, by))
    state = await require_undeleted(chat, message, viewer=by)
    if state.sender_id != str(by):
        policy.require(seat.role, Action.DELETE_ANY)
    if links_to_preview(state.content):
        with unavailable_when_away():
            await in_db_thread(_remove, state, by)


async def _find(chat: ChatId, message: MessageId, version: int) -> MessageState | None:
    """A message that still says what it said in a version, in a chat that wants previews."""
    if not await in_db_thread(_wants, chat):
        return None
    if not await is_caught_up(chat):
        raise Unavailable(code="store_unavailable", retry_after_ms=500)
    try:
        state = await require_any(chat, message)
    except NotFound:
        return None  # Its chat was deleted for good.
    return None if state.is_deleted or state.version != version else state


async def _read_all(chat: ChatId, links: Sequence[str]) -> list[LinkPreview]:
    """What some pages say, as the rules of staff let it be said here."""
    judging = (await rules()).for_chat(chat, (await roster(chat)).company)
    found = []
    for link in links:
        if (page := await read(link)) is None:
            continue
        try:
            title, description, site = [text and allowed(text, judging) for text in page]
        except ContentRefused:
            continue
        found.append(LinkPreview(url=link, title=title or link, description=description, site=site))
    return found


def _wants(chat: ChatId) -> bool:
    return Chat.objects.filter(id=chat, link_previews=True).exists()


@transaction.atomic
def _come_again(payload: dict[str, Any], due_at: datetime) -> None:
    preview_at(due_at, **payload)


@transaction.atomic
def _show(chat: ChatId, message: MessageId, version: int, previews: Sequence[LinkPreview]) -> None:
    # Locked: of one that is deleted for good nothing comes back.
    if not Chat.objects.select_for_update(no_key=True).filter(id=chat).exists():
        return
    row = _locked(chat, message)
    if not row.is_removed and row.text_version < version:
        row.text_version, row.previews = version, msgspec.to_builtins(previews)
        _tell(row, by=None)


@transaction.atomic
def _remove(state: MessageState, by: UserId) -> None:
    chat, message = ChatId(UUID(state.chat_id)), MessageId(state.message_id)
    locking.place(chat, by)
    row = _locked(chat, message)
    if not row.is_removed:
        # An edit may have come in between: what is shown of it goes too.
        row.text_version, row.previews, row.is_removed = max(row.text_version, state.version), [], True
        _tell(row, by=by)


def _is_removed(chat: ChatId, message: MessageId) -> bool:
    return LinkPreviews.objects.filter(chat=chat, message_id=message, is_removed=True).exists()


def _drop(chat: ChatId, message: MessageId, version: int) -> None:
    LinkPreviews.objects.filter(chat=chat, message_id=message, text_version=version, is_removed=False).delete()


def _locked(chat: ChatId, message: MessageId) -> LinkPreviews:
    return LinkPreviews.objects.select_for_update().get_or_create(chat_id=chat, message_id=message)[0]


def _tell(row: LinkPreviews, *, by: UserId | None) -> None:
    """Keep what is shown under a message now, and tell all of it."""
    row.version = clock.version(above=row.version)
    row.save()
    event = MessagePreviewed(
        message_id=str(row.message_id),
        room_id=str(row.chat_id),
        text_version=row.text_version,
        previews=msgspec.convert(row.previews, list[LinkPreview]),
    )
    outbox.append(fact(event, key=row.chat_id, actor=by, version=row.version))
