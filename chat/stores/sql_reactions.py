"""Reactions in an SQL database, written beside the event log's commits."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from chat.fold import Tallies, Tally
from chat.stores import NAMED, Reaction
from chatsite.kernel.database import Writer, in_read_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.ids import ChatId, MessageId, UserId

_IS_NEW = "excluded.version > message_reactions.version"
_SET = f"""INSERT INTO message_reactions (channel_id, message_id, emoji, user_id, active, version)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (channel_id, message_id, emoji, user_id) DO UPDATE SET
 active = CASE WHEN {_IS_NEW} THEN excluded.active ELSE message_reactions.active END,
 version = CASE WHEN {_IS_NEW} THEN excluded.version ELSE message_reactions.version END"""  # noqa: S608
_COUNTS = """SELECT message_id, emoji, user_id, given FROM (
 SELECT message_id, emoji, user_id, COUNT(*) OVER of_one AS given,
  ROW_NUMBER() OVER (PARTITION BY message_id, emoji ORDER BY user_id) AS place
 FROM message_reactions WHERE channel_id = %s AND message_id IN ({messages}) AND active
 WINDOW of_one AS (PARTITION BY message_id, emoji)
) AS named WHERE place <= %s OR user_id = %s"""

_KEY = "channel_id, message_id, emoji, user_id"
_ERASE = (
    f"DELETE FROM message_reactions WHERE ({_KEY}) IN"  # noqa: S608
    f" (SELECT {_KEY} FROM message_reactions WHERE channel_id = %s LIMIT %s)"
)
ERASE_CHUNK = 2_000  # rows deleted in one commit, some 20 ms


class SqlReactionStore:
    """ReactionStore over the table of `chat.models.history`."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._writer = Writer.of(alias)

    async def set(self, chat: ChatId, reactions: Sequence[Reaction]) -> None:
        rows = [(str(chat), one.message_id, one.emoji, str(one.user), one.active, one.version) for one in reactions]
        with unavailable_when_away():
            await self._writer.submit(self._set_many, rows)

    async def counts(
        self, chat: ChatId, messages: Sequence[MessageId], *, viewer: UserId | None = None
    ) -> dict[MessageId, Tallies]:
        with unavailable_when_away():
            return await in_read_thread(self._counts, chat, messages, str(viewer)) if messages else {}

    async def who(self, chat: ChatId, message: MessageId, emoji: str, *, limit: int) -> list[UserId]:
        with unavailable_when_away():
            return await in_read_thread(self._who, chat, message, emoji, limit)

    async def erase(self, chat: ChatId) -> int:
        gone = 0
        with unavailable_when_away():
            while more := await self._writer.submit(self._erase_many, str(chat)):
                gone += more
        return gone

    def _set_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[tuple[Any, ...]]]) -> list[None]:
        cursor.executemany(_SET, [row for batch in batches for row in batch])
        return [None] * len(batches)

    def _erase_many(self, cursor: CursorWrapper, chats: Sequence[str]) -> list[int]:
        gone = []
        for chat in chats:
            cursor.execute(_ERASE, [chat, ERASE_CHUNK])
            gone.append(cursor.rowcount)
        return gone

    def _counts(self, chat: ChatId, messages: Sequence[MessageId], viewer: str) -> dict[MessageId, Tallies]:
        found: dict[MessageId, dict[str, Tally]] = {}
        with plain_cursor(self.alias) as cursor:
            marks = ", ".join(["%s"] * len(messages))
            cursor.execute(_COUNTS.format(messages=marks), [str(chat), *messages, NAMED, viewer])
            for message, emoji, user, count in cursor.fetchall():
                tallies = found.setdefault(MessageId(message), {})
                named = tallies[emoji].users if emoji in tallies else ()
                tallies[emoji] = Tally(count, tuple(sorted((*named, user))))
        return dict(found)

    def _who(self, chat: ChatId, message: MessageId, emoji: str, limit: int) -> list[UserId]:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                "SELECT user_id FROM message_reactions WHERE channel_id = %s AND message_id = %s AND emoji = %s"
                " AND active ORDER BY user_id LIMIT %s",
                [str(chat), message, emoji, limit],
            )
            return [UserId(UUID(user)) for (user,) in cursor.fetchall()]
