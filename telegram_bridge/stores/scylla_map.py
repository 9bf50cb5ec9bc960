"""The map in ScyllaDB or Cassandra; here a chat of ours is `channel_id`.

The way back is written last and dropped first: one that is there leads to what is found by its
Telegram id, and what a kill left unfinished is found there and finished by doing it again.
"""

import time
from collections.abc import Iterable, Sequence

from chat.stores.scylla_session import Cql, Row, Statement, all_of
from chatsite.kernel.ids import ChatId, MessageId, bucket_of
from telegram_bridge.stores import Mapped, TelegramId
from telegram_bridge.stores import scylla_statements as cql

# How far two clocks may differ: what is dropped goes, and what is claimed a second later stays.
DROP_AHEAD_US = 1_000_000


class ScyllaTelegramMap:
    """TelegramMap over the tables of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)

    async def claim(self, rows: Sequence[Mapped]) -> list[Mapped]:
        standing = {one.there: one for one in await self.find([one.there for one in rows])}
        claimed = [standing.get(one.there, one) for one in rows]
        await all_of(self._map(one) for one in claimed if one.there not in standing)
        await all_of(self._map_back(one) for one, mine in zip(claimed, rows, strict=True) if one.chat == mine.chat)
        return claimed

    async def find(self, there: Sequence[TelegramId]) -> list[Mapped]:
        return await self._mapped(cql.FIND, [(one.message, one.chat) for one in there])

    async def back(self, chat: ChatId, messages: Sequence[MessageId]) -> list[Mapped]:
        return await self._mapped(cql.BACK, [(chat, message) for message in messages])

    async def drop(self, rows: Iterable[Mapped]) -> None:
        await all_of(self._drop_one(one) for one in rows)

    async def _map(self, one: Mapped) -> None:
        there, place = (one.there.message, one.there.chat), (one.chat, bucket_of(one.message), one.message)
        await self._cql.write(cql.MAP, *there, *place, one.part, one.direction, time.time_ns() // 1_000)

    async def _map_back(self, one: Mapped) -> None:
        there, place = (one.there.message, one.there.chat), (one.chat, one.message, one.part)
        await self._cql.write(cql.MAP_BACK, *place, *there, one.direction, time.time_ns() // 1_000)

    async def _drop_one(self, one: Mapped) -> None:
        moment = time.time_ns() // 1_000 + DROP_AHEAD_US
        await self._cql.write(cql.DROP_BACK, moment, one.chat, one.message, one.part)
        await self._cql.write(cql.DROP, moment, one.there.message, one.there.chat)

    async def _mapped(self, statement: Statement, keys: Sequence[tuple[object, object]]) -> list[Mapped]:
        found: list[list[Row]] = await all_of(self._cql.rows(statement, *key) for key in keys)
        return [
            Mapped(TelegramId(chat_there, there), ChatId(chat), MessageId(message), part, direction)
            for rows in found
            for chat_there, there, chat, message, part, direction in rows
        ]
