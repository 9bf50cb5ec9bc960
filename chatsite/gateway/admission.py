"""Who may connect, and how fast a connected client may talk."""

import asyncio

from chatsite.gateway.protocol import ClientFrame
from chatsite.gateway.session import Session
from chatsite.kernel.limits import Ask, buckets, require, rule

LONGEST_PAUSE = 5.0  # seconds; well under the 65 s after which a client that answers no ping is gone


async def admit_frame(session: Session, frame: ClientFrame) -> None:
    """Let a frame in, or raise RateLimited: all connections of a person pay from one bucket."""
    if cost := frame.cost():
        await require(Ask(rule("frames"), session.require_user, cost))


async def charge_error(session: Session) -> None:
    """Let an error cost as much as a frame; who has no more is not read until there is enough again."""
    decision = await buckets().take(Ask(rule("frames"), session.require_user))
    if not decision.allowed:
        await asyncio.sleep(min(decision.retry_after_ms / 1_000, LONGEST_PAUSE))
