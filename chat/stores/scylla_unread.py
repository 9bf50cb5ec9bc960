"""Which rows of a chat somebody has not read."""

from collections.abc import Sequence

from chat.inboxes import Unread
from chat.stores.scylla_session import Row
from chatsite.kernel.ids import UserId, ms_of

LATE_MS = 120_000  # how long after its id's time a message may get its pos: a retry keeps its id for 60 s


class Counting:
    """Which rows of a chat somebody has not read; rows come in falling id.

    Ids and positions rise together but for LATE_MS: what got its pos after a message did has an id that
    is at most so much older. So nothing counts that far below the newest row at or below `above`.
    """

    def __init__(self, viewer: UserId, above: int, types: frozenset[str], limit: int) -> None:
        self._viewer, self._above, self._types, self._limit = viewer, above, types, limit
        self._floor_ms: int | None = None
        self.found: list[Unread] = []
        self.done = False

    def take(self, rows: Sequence[Row]) -> None:
        """Count rows; `done` once those below them cannot change what was found."""
        for message, pos, sender, message_type, thread, deleted_at, mentions in rows:
            if len(self.found) == self._limit or (self._floor_ms is not None and ms_of(message) < self._floor_ms):
                self.done = True
                return
            if pos is None or message_type is None:
                continue
            if pos <= self._above:
                self._floor_ms = self._floor_ms if self._floor_ms is not None else ms_of(message) - LATE_MS
            elif message_type in self._types and sender != self._viewer and thread is None and deleted_at is None:
                named = mentions or ()
                self.found.append(Unread(message, pos, str(self._viewer) in named or "all" in named))
