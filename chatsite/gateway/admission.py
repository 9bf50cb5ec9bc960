"""Who may connect, how many at once, and how fast a connected client may talk."""

import asyncio
from collections import defaultdict, deque
from contextlib import suppress

from django.conf import settings

from chatsite.gateway.protocol import ClientFrame
from chatsite.gateway.session import Session
from chatsite.gateway.sessions import BEAT, session_registry
from chatsite.kernel.errors import RateLimited, Unavailable
from chatsite.kernel.limits import Ask, buckets, require, rule

MAX_STRANGERS = 50  # of an address, each for the 5 s that AUTH may take
STRANGERS_MS = 5_000
AT_ONCE = 2  # handshakes that one turn of the loop takes in: some 1 ms, for what others wait
MAX_WAITING = 4_000  # handshakes that wait for that, 2 to 4 s; over it they are told to come again
WAITING_MS = 2_000
LONGEST_PAUSE = 5.0  # seconds; well under the 65 s after which a client that answers no ping is gone


class Line:
    """Who comes in, or leaves: so many in each turn of the loop, so that in a storm others are served in between."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()  # bounded: over it a handshake is refused
        self._free = AT_ONCE  # of this turn
        self._loop: asyncio.AbstractEventLoop | None = None  # that goes on to the next turn

    async def turn(self) -> None:
        """Wait for a turn with room; RateLimited where too many wait for one."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._free = loop, AT_ONCE
            self._waiting.clear()  # They were of a loop that has ended.
            loop.call_soon(self._next_turn)
        if self._free and not self._waiting:
            self._free -= 1
            return
        if len(self._waiting) >= MAX_WAITING:
            raise RateLimited(retry_after_ms=WAITING_MS)
        self._waiting.append(loop.create_future())
        await self._waiting[-1]

    def _next_turn(self) -> None:
        if self._loop is None:
            return
        if self._free == AT_ONCE and not self._waiting:
            self._loop = None  # Nobody came: the loop may sleep.
            return
        self._free = AT_ONCE
        while self._free and self._waiting:
            if not (first := self._waiting.popleft()).done():
                first.set_result(None)
                self._free -= 1
        self._loop.call_soon(self._next_turn)


class Door:
    """Counts open sessions: strangers that have yet to send AUTH by address and here, the others by person."""

    def __init__(self) -> None:
        self._strangers: defaultdict[str, set[Session]] = defaultdict(set)
        self._line = Line()

    async def admit(self, site: str, *, is_stranger: bool) -> None:
        """Let a handshake in once it is its turn; RateLimited where its address opens too many too fast, or all do.

        Who brings a ticket or a token is known at once and is no stranger.
        """
        await require(Ask(rule("handshakes"), site))
        if is_stranger and len(self._strangers.get(site, ())) >= MAX_STRANGERS:
            raise RateLimited(code="too_many_connections", retry_after_ms=STRANGERS_MS)
        await self._line.turn()

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
