"""Pins in ScyllaDB or Cassandra; here a chat is `channel_id`.

A pin is a row that is written, or deleted, with its version as the date: any order of the same writes ends alike.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from chat.fold import Pin
from chat.stores import scylla_statements as cql
from chat.stores.scylla_session import ERASE_AHEAD_US, Cql, all_of
from chatsite.kernel.ids import ChatId

PINS = 1_000  # rows of one read; a chat has 50, and a few more where servers accept some in the same moment


class ScyllaPinStore:
    """PinStore over the table of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)

    async def set(self, chat: ChatId, pins: Sequence[Pin]) -> None:
        await all_of(self._set_one(chat, one) for one in pins)

    async def pins(self, chat: ChatId) -> list[Pin]:
        rows = await self._cql.rows(cql.PINS, chat, PINS)
        pins = [Pin(message, True, str(by), version) for message, by, version in rows]
        return sorted(pins, key=lambda one: one.version, reverse=True)

    async def erase(self, chat: ChatId) -> int:
        rows = await self._cql.rows(cql.PINS, chat, PINS)
        await self._cql.write(cql.DROP_PINS, time.time_ns() // 1_000 + ERASE_AHEAD_US, chat)
        return len(rows)

    async def _set_one(self, chat: ChatId, one: Pin) -> None:
        if not one.pinned:
            await self._cql.write(cql.UNPIN, one.version, chat, one.message_id)
            return
        pinned_at = datetime.fromtimestamp(one.version / 1_000_000, UTC)
        await self._cql.write(cql.PIN, chat, one.message_id, UUID(one.by), pinned_at, one.version, one.version)
