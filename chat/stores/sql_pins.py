"""Pins in an SQL database, written beside the event log's commits."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

from chat.fold import Pin
from chatsite.kernel.database import Writer, in_read_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.ids import ChatId

_COLUMNS = ("pinned", "pinned_by", "version")
_IS_NEW = "excluded.version > pinned_messages.version"
_SET = f"""INSERT INTO pinned_messages (channel_id, message_id, pinned, pinned_by, version)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (channel_id, message_id) DO UPDATE SET
{", ".join(f"{n} = CASE WHEN {_IS_NEW} THEN excluded.{n} ELSE pinned_messages.{n} END" for n in _COLUMNS)}"""  # noqa: S608


class SqlPinStore:
    """PinStore over the table of `chat.models.history`."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._writer = Writer.of(alias)

    async def set(self, chat: ChatId, pins: Sequence[Pin]) -> None:
        rows = [(str(chat), one.message_id, one.pinned, one.by, one.version) for one in pins]
        with unavailable_when_away():
            await self._writer.submit(self._set_many, rows)

    async def pins(self, chat: ChatId) -> list[Pin]:
        with unavailable_when_away():
            return await in_read_thread(self._pins, str(chat))

    async def erase(self, chat: ChatId) -> int:
        with unavailable_when_away():
            return await self._writer.submit(self._erase_many, str(chat))

    def _set_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[tuple[Any, ...]]]) -> list[None]:
        cursor.executemany(_SET, [row for batch in batches for row in batch])
        return [None] * len(batches)

    def _erase_many(self, cursor: CursorWrapper, chats: Sequence[str]) -> list[int]:
        gone = []
        for chat in chats:
            cursor.execute("DELETE FROM pinned_messages WHERE channel_id = %s", [chat])
            gone.append(cursor.rowcount)
        return gone

    def _pins(self, chat: str) -> list[Pin]:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                "SELECT message_id, pinned_by, version FROM pinned_messages WHERE channel_id = %s AND pinned"
                " ORDER BY version DESC",
                [chat],
            )
            return [Pin(message, True, by, version) for message, by, version in cursor.fetchall()]
