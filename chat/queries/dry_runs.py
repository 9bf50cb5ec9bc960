"""What rules would have found in what was said: counts alone, without a text."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chat.events import whole_text
from chat.messages import Message
from chat.models import Chat, ModerationRule
from chat.queries.rules import ready
from chat.rules import Rule
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, MessageId, id_at

PAGE = 200  # chats, or messages, in memory at once


class Looked(NamedTuple):
    """One chat that was looked through: how many messages, and in how many of them each rule finds something."""

    chat: UUID
    name: str
    messages: int
    found: dict[str, int]


async def dry_run(*, since: datetime, rule: UUID | None = None) -> AsyncIterator[Looked]:
    """Look through each chat in which something was said since a moment, by all rules or by one, on or off."""
    judges = await in_db_thread(_judges, rule)
    after = UUID(int=0)
    while chats := await in_db_thread(_chats, since, after):
        for chat in chats:
            if its := [one for row, one in judges if _is_for(row, chat)]:
                yield await _look(chat, its, since=since)
        after = chats[-1].id


def _judges(rule: UUID | None) -> list[tuple[ModerationRule, Rule]]:
    rows = ModerationRule.objects.order_by("name")
    return [(row, ready(row)) for row in (rows if rule is None else rows.filter(id=rule))]


def _chats(since: datetime, after: UUID) -> list[Chat]:
    return list(Chat.objects.filter(last_message_at__gte=since, id__gt=after).order_by("id")[:PAGE])


def _is_for(row: ModerationRule, chat: Chat) -> bool:
    return row.chat_id == chat.id if row.chat_id else row.company_id in (None, chat.company_id)


async def _look(chat: Chat, rules: Sequence[Rule], *, since: datetime) -> Looked:
    found, messages = Counter[str](), 0
    after = MessageId(id_at(int(since.timestamp() * 1_000)) - 1)
    while True:
        page = await Message.objects.page(ChatId(chat.id), after=after, limit=PAGE)
        said = [whole_text(state.content, state.poll) for state in page.messages if not state.is_deleted]
        messages += len(said)
        found.update(rule.name for text in said for rule in rules if rule.find(text))
        if not page.more:
            return Looked(chat.id, chat.name, messages, dict(found))
        after = page.cursor if page.cursor is not None else MessageId(page.messages[-1].message_id)
