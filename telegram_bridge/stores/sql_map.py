"""The map in an SQL database, written beside the event log's commits."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from chatsite.kernel.database import Writer, in_read_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.ids import ChatId, MessageId, bucket_of
from telegram_bridge.stores import Mapped, TelegramId

_COLUMNS = "telegram_chat_id, telegram_message_id, channel_id, message_id, part, direction"
_CLAIM = f"""INSERT INTO telegram_message_mapping ({_COLUMNS}, bucket) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (telegram_message_id, telegram_chat_id) DO NOTHING"""  # noqa: S608
_DROP = "DELETE FROM telegram_message_mapping WHERE telegram_message_id = %s AND telegram_chat_id = %s"


class SqlTelegramMap:
    """TelegramMap over the table of `telegram_bridge.models`."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._writer = Writer.of(alias)

    async def claim(self, rows: Sequence[Mapped]) -> list[Mapped]:
        values = [
            (*one.there, str(one.chat), one.message, one.part, one.direction, bucket_of(one.message)) for one in rows
        ]
        with unavailable_when_away():
            await self._writer.submit(self._execute_many, (_CLAIM, values))
        return await self.find([one.there for one in rows])

    async def find(self, there: Sequence[TelegramId]) -> list[Mapped]:
        with unavailable_when_away():
            return await in_read_thread(self._find, there) if there else []

    async def back(self, chat: ChatId, messages: Sequence[MessageId]) -> list[Mapped]:
        with unavailable_when_away():
            return await in_read_thread(self._back, str(chat), messages) if messages else []

    async def drop(self, rows: Iterable[Mapped]) -> None:
        values = [(one.there.message, one.there.chat) for one in rows]
        with unavailable_when_away():
            await self._writer.submit(self._execute_many, (_DROP, values))

    def _execute_many(
        self, cursor: CursorWrapper, batches: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]
    ) -> list[None]:
        for statement, values in batches:
            cursor.executemany(statement, values)
        return [None] * len(batches)

    def _find(self, there: Sequence[TelegramId]) -> list[Mapped]:
        places = ", ".join(["(%s, %s)"] * len(there))
        where = f"(telegram_message_id, telegram_chat_id) IN (VALUES {places})"
        return self._rows(where, [number for one in there for number in (one.message, one.chat)])

    def _back(self, chat: str, messages: Sequence[MessageId]) -> list[Mapped]:
        places = ", ".join(["%s"] * len(messages))
        return self._rows(f"channel_id = %s AND message_id IN ({places})", [chat, *messages])

    def _rows(self, where: str, values: Sequence[Any]) -> list[Mapped]:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(f"SELECT {_COLUMNS} FROM telegram_message_mapping WHERE {where}", values)  # noqa: S608
            return [
                Mapped(TelegramId(chat_there, there), ChatId(UUID(chat)), MessageId(message), part, direction)
                for chat_there, there, chat, message, part, direction in cursor.fetchall()
            ]
