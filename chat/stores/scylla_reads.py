"""Read positions in ScyllaDB or Cassandra; here a chat is `channel_id`.

Two tables: `message_read_positions` by chat and person decides what moves,
`channel_read_positions` lists a chat's. The second is written first, so what a kill
leaves undone the replay does.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chat.stores import Read
from chat.stores import scylla_statements as cql
from chat.stores.scylla_session import ERASE_AHEAD_US, Cql, all_of, iso_of
from chatsite.kernel.ids import ChatId, UserId


class _Stand(NamedTuple):
    """What decides whether a read moves a position; `moment` is the date of its cells."""

    pos: int = -1
    unread_version: int = 0
    moment: int = 0

    def takes(self, read: Read) -> bool:
        """A read moves up and not past a later "mark unread"; that one moves wherever it says."""
        return read.version > self.unread_version and (read.back or read.pos > self.pos)

    def after(self, read: Read) -> "_Stand":
        """Where a read that moves leaves it."""
        # A higher pos may come with a lower version: the cells it replaces must lose to it.
        moment = max(read.version, self.moment + 1)
        return _Stand(read.pos, read.version if read.back else self.unread_version, moment)


class ScyllaReadStore:
    """ReadStore over the tables of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)

    async def advance(self, reads: Sequence[Read]) -> None:
        by_person: dict[tuple[ChatId, UserId], list[Read]] = defaultdict(list)
        for read in reads:
            by_person[read.chat, read.user].append(read)
        await all_of(self._advance_one(chat, user, mine) for (chat, user), mine in by_person.items())

    async def positions(self, chat: ChatId) -> list[Read]:
        rows = await self._cql.rows(cql.POSITIONS, chat)
        reads = [
            Read(chat, UserId(user), message, pos, iso_of(read_at), version)
            for user, message, pos, read_at, version in rows
        ]
        return sorted(reads, key=lambda read: (-read.pos, str(read.user)))

    async def erase(self, chat: ChatId) -> int:
        moment = time.time_ns() // 1_000 + ERASE_AHEAD_US
        rows = await self._cql.rows(cql.POSITIONS, chat)
        await all_of(self._cql.write(cql.DROP_POSITION, moment, chat, user) for user, *_ in rows)
        await self._cql.write(cql.DROP_POSITIONS, moment, chat)  # Last: a run that is killed finds by it what is left.
        return len(rows)

    async def _advance_one(self, chat: ChatId, user: UserId, reads: Sequence[Read]) -> None:
        rows = await self._cql.rows(cql.FIND_POSITION, chat, user)
        stand, last = _Stand(*rows[0]) if rows else _Stand(), None
        for read in reads:
            if stand.takes(read):
                stand, last = stand.after(read), read
        if last is None:
            return
        values = (chat, user, last.message_id, last.pos, datetime.fromisoformat(last.read_at), last.version)
        await self._cql.write(cql.LIST_POSITION, *values, stand.moment)
        await self._cql.write(cql.MOVE_POSITION, *values, stand.unread_version, stand.moment)
