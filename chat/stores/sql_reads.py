"""Read positions in an SQL database, written beside the event log's commits."""

from collections.abc import Sequence
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from chat.stores import Read
from chatsite.kernel.database import Writer, in_read_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.ids import ChatId, UserId

# A read moves up and not past a later "mark unread"; that one moves wherever it says, the latest stands.
_MOVES = (
    "excluded.version > message_read_positions.unread_version"
    " AND (excluded.unread_version > 0 OR excluded.last_read_pos > message_read_positions.last_read_pos)"
)
_COLUMNS = ("last_read_message_id", "last_read_pos", "read_at", "version")
_UNREAD_VERSION = (
    "CASE WHEN excluded.unread_version > message_read_positions.unread_version"
    " THEN excluded.unread_version ELSE message_read_positions.unread_version END"
)
_ADVANCE = f"""INSERT INTO message_read_positions
(channel_id, user_id, last_read_message_id, last_read_pos, read_at, version, unread_version)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (channel_id, user_id) DO UPDATE SET
{", ".join(f"{n} = CASE WHEN {_MOVES} THEN excluded.{n} ELSE message_read_positions.{n} END" for n in _COLUMNS)},
unread_version = {_UNREAD_VERSION}"""  # noqa: S608 - column names of our own


class SqlReadStore:
    """ReadStore over the table of `chat.models.history`."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._writer = Writer.of(alias)

    async def advance(self, reads: Sequence[Read]) -> None:
        with unavailable_when_away():
            await self._writer.submit(self._advance_many, reads)

    async def positions(self, chat: ChatId) -> list[Read]:
        with unavailable_when_away():
            return await in_read_thread(self._positions, chat)

    async def erase(self, chat: ChatId) -> int:
        with unavailable_when_away():
            return await self._writer.submit(self._erase_many, str(chat))

    def _advance_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[Read]]) -> list[None]:
        rows = [
            (
                str(read.chat),
                str(read.user),
                read.message_id,
                read.pos,
                read.read_at,
                read.version,
                read.version if read.back else 0,
            )
            for batch in batches
            for read in batch
        ]
        cursor.executemany(_ADVANCE, rows)
        return [None] * len(batches)

    def _erase_many(self, cursor: CursorWrapper, chats: Sequence[str]) -> list[int]:
        gone = []
        for chat in chats:
            cursor.execute("DELETE FROM message_read_positions WHERE channel_id = %s", [chat])
            gone.append(cursor.rowcount)
        return gone

    def _positions(self, chat: ChatId) -> list[Read]:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                "SELECT user_id, last_read_message_id, last_read_pos, read_at, version FROM message_read_positions"
                " WHERE channel_id = %s ORDER BY last_read_pos DESC, user_id",
                [str(chat)],
            )
            return [
                Read(chat, UserId(UUID(user)), message_id, pos, read_at, version)
                for user, message_id, pos, read_at, version in cursor.fetchall()
            ]
