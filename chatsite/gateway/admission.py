"""Who may connect, how many at once, and how fast a connected client may talk."""

import asyncio
from collections import defaultdict
from contextlib import suppress

from django.conf import settings

from chatsite.gateway.protocol import ClientFrame
from chatsite.gateway.session import Session
from chatsite.gateway.sessions import BEAT, session_registry
from chatsite.kernel.errors import RateLimited, Unavailable
from chatsite.kernel.limits import Ask, buckets, require, rule

MAX_STRANGERS = 50  # of an address, each for the 5 s that AUTH may take
STRANGERS_MS = 5_000
LONGEST_PAUSE = 5.0  # seconds; well under the 65 s after which a client that answers no ping is gone


class Door:
    """Counts open sessions: strangers that have yet to send AUTH by address and here, the others by person."""

    def __init__(self) -> None:
        self._strangers: defaultdict[str, set[Session]] = defaultdict(set)

    async def admit(self, site: str, *, is_stranger: bool) -> None:
        """Let a handshake in; RateLimited where its address opens too many too fast.

        Who brings a ticket or a token is known at once and is no stranger.
        """
        await require(Ask(rule("handshakes"), site))
        if is_stranger and len(self._strangers.get(site, ())) >= MAX_STRANGERS:
            raise RateLimited(code="too_many_connections", retry_after_ms=STRANGERS_MS)

    def enter(self, session: Session) -> None:
        """Count a session that has yet to say who it is."""
        self._strangers[session.site].add(session)

    async def know(self, session: Session) -> None:
        """Count a session as its person's, over all servers; RateLimited for one too many."""
        self._drop(session)
        most = settings.GATEWAY["CONNECTIONS"]
        if not await session_registry().enter(session.require_user, session.id, most=most):
            raise RateLimited(code="too_many_connections")

    def forget(self, session: Session) -> None:
        """Count a session no more."""
        self._drop(session)
        if session.user_id is not None:
            session_registry().leave(session.user_id, session.id)

    def _drop(self, stranger: Session) -> None:
        if (there := self._strangers.get(stranger.site)) is not None:
            there.discard(stranger)
            if not there:
                del self._strangers[stranger.site]


async def hold_places() -> None:
    """Keep what is open here counted by all servers; runs until cancelled."""
    while True:
        await asyncio.sleep(BEAT.total_seconds())
        with suppress(Unavailable):  # Its connection has said so; meanwhile each server counts its own.
            await session_registry().renew()


async def admit_frame(session: Session, frame: ClientFrame) -> None:
    """Let a frame in, or raise RateLimited: all connections of a person pay from one bucket."""
    if cost := frame.cost():
        await require(Ask(rule("frames"), session.require_user, cost))


async def charge_error(session: Session) -> None:
    """Let an error cost as much as a frame; who has no more is not read until there is enough again."""
    decision = await buckets().take(Ask(rule("frames"), session.require_user))
    if not decision.allowed:
        await asyncio.sleep(min(decision.retry_after_ms / 1_000, LONGEST_PAUSE))


door = Door()
