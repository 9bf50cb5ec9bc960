"""Reactions in ScyllaDB or Cassandra; here a chat is `channel_id`.

A reaction is a row that is written, or deleted, with its version as the date: any order of the same writes ends
alike. The counts of a page are copies, taken from the set after each change of it and dated by when they were.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Iterator, Sequence
from itertools import chain
from uuid import UUID

from chat.fold import Tallies, Tally
from chat.stores import NAMED, Reaction
from chat.stores import scylla_statements as cql
from chat.stores.scylla_session import ERASE_AHEAD_US, Cql, Row, all_of
from chatsite.kernel.ids import MIN_ID, ChatId, MessageId, UserId, bucket_of

PAGE_ROWS = 10_000  # of one bucket, twice what a page of 100 messages with 50 emojis each needs
ERASE_ROWS = 1_000


class ScyllaReactionStore:
    """ReactionStore over the tables of `chat/stores/cql`."""

    def __init__(self, alias: str) -> None:
        self._cql = Cql.of(alias)

    async def set(self, chat: ChatId, reactions: Sequence[Reaction]) -> None:
        newest: dict[tuple[MessageId, str], int] = {}
        for one in reactions:
            newest[one.message_id, one.emoji] = max(one.version, newest.get((one.message_id, one.emoji), 0))
        await all_of(chain.from_iterable(self._writes(chat, one) for one in reactions))
        await all_of(self._count(chat, message, emoji, version) for (message, emoji), version in newest.items())

    async def counts(
        self, chat: ChatId, messages: Sequence[MessageId], *, viewer: UserId | None = None
    ) -> dict[MessageId, Tallies]:
        buckets: dict[int, list[MessageId]] = defaultdict(list)
        for message in messages:
            buckets[bucket_of(message)].append(message)
        found = await all_of(self._counts_of(chat, bucket, ids, viewer) for bucket, ids in buckets.items())
        return {message: tallies for one in found for message, tallies in one.items()}

    async def who(self, chat: ChatId, message: MessageId, emoji: str, *, limit: int) -> list[UserId]:
        return [UserId(user) for user in await self._who(chat, message, emoji, limit)]

    async def erase(self, chat: ChatId) -> int:
        gone, moment = 0, time.time_ns() // 1_000 + ERASE_AHEAD_US
        for (bucket,) in await self._cql.rows(cql.BUCKETS, chat):
            last: Row = (MIN_ID, "", UUID(int=0))
            while rows := await self._cql.rows(cql.REACTION_KEYS, chat, bucket, *last, ERASE_ROWS):
                people = {user for _, _, user in rows}
                await all_of(self._cql.write(cql.DROP_REACTIONS_OF_USER, moment, chat, bucket, one) for one in people)
                gone, last = gone + len(rows), rows[-1]
            await self._cql.write(cql.DROP_COUNTS, moment, chat, bucket)
            await self._cql.write(cql.DROP_REACTIONS, moment, chat, bucket)  # Last: a run that is killed finds by it.
        return gone

    def _writes(self, chat: ChatId, one: Reaction) -> Iterator[Awaitable[None]]:
        where = (chat, bucket_of(one.message_id), one.message_id, one.emoji, one.user)
        for given, taken_back in ((cql.REACT, cql.UNREACT), (cql.REACT_BY_USER, cql.UNREACT_BY_USER)):
            if one.active:
                yield self._cql.write(given, *where, one.version)
            else:
                yield self._cql.write(taken_back, one.version, *where)

    async def _count(self, chat: ChatId, message: MessageId, emoji: str, version: int) -> None:
        """Write how many there are: two that do so at once have both seen all that was written before."""
        moment, where = max(version, time.time_ns() // 1_000), (chat, bucket_of(message), message, emoji)
        ((count,),) = await self._cql.rows(cql.HOW_MANY_REACTED, *where)
        if count:
            named = await self._who(chat, message, emoji, NAMED)
            await self._cql.write(cql.COUNT_REACTIONS, *where, count, named, moment)
        else:
            await self._cql.write(cql.DROP_COUNT, moment, *where)

    async def _who(self, chat: ChatId, message: MessageId, emoji: str, limit: int) -> list[UUID]:
        rows = await self._cql.rows(cql.WHO_REACTED, chat, bucket_of(message), message, emoji, limit)
        return [user for (user,) in rows]

    async def _counts_of(
        self, chat: ChatId, bucket: int, messages: Sequence[MessageId], viewer: UserId | None
    ) -> dict[MessageId, Tallies]:
        between, wanted = (min(messages), max(messages), PAGE_ROWS), set(messages)
        reads = [self._cql.rows(cql.REACTION_COUNTS, chat, bucket, *between)]
        if viewer is not None:
            reads.append(self._cql.rows(cql.REACTIONS_OF_USER, chat, bucket, viewer, *between))
        counted, *own = await all_of(reads)
        mine = {(message, emoji) for message, emoji in chain.from_iterable(own)}
        found: dict[MessageId, dict[str, Tally]] = defaultdict(dict)
        for message, emoji, count, users in counted:
            if message in wanted:
                known = {str(user) for user in users} | ({str(viewer)} if (message, emoji) in mine else set())
                found[message][emoji] = Tally(max(count, len(known)), tuple(sorted(known)))
        return dict(found)
