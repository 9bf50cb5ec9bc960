"""The port of who is connected where: what its twins promise.

`chatsite.gateway.sessions.session_registry()` is the one of this process.
"""

from datetime import timedelta
from typing import Protocol, cast

from chatsite.kernel.backends import backend

BEAT = timedelta(seconds=5)
# Two beats may be lost. Not longer, for whoever had more than half their places on a killed server waits that long.
LEASE = 3 * BEAT


class SessionRegistry(Protocol):
    """The open sessions of each person, over all servers; those of a server that was killed for a lease more."""

    async def enter(self, user: str, session: str, *, most: int) -> bool:
        """Count a session, unless its person has so many; one that is counted already stays.

        While others cannot be asked, only the sessions of this process are counted.
        """

    def leave(self, user: str, session: str) -> None:
        """Count a session no more; one that is not counted may leave too, and nobody waits for it."""

    async def renew(self) -> None:
        """Hold what is open in this process for another lease; Unavailable where nobody can be told."""


class MemorySessionRegistry:
    """Sessions of one process, which end with it."""

    def __init__(self) -> None:
        self.open: dict[str, set[str]] = {}  # session ids by person; as many as sockets are open

    async def enter(self, user: str, session: str, *, most: int) -> bool:
        mine = self.open.get(user, set())
        if session not in mine and len(mine) >= most:
            return False
        self.open.setdefault(user, set()).add(session)
        return True

    def leave(self, user: str, session: str) -> None:
        if (mine := self.open.get(user)) is not None:
            mine.discard(session)
            if not mine:
                del self.open[user]

    async def renew(self) -> None:
        pass  # A process and its memory end together.


def session_registry() -> SessionRegistry:
    """The registry, as SESSION_REGISTRY names it."""
    return cast(SessionRegistry, backend("SESSION_REGISTRY"))
