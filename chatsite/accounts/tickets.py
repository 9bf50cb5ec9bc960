"""One-use tickets that open a WebSocket: 30 s, bound to a person, a sign-in and an origin."""

import secrets

import msgspec

from chatsite.gateway.registry import Identity
from chatsite.kernel.errors import Unauthenticated
from chatsite.kernel.notes import notes

TICKET_SECONDS = 30


async def issue(identity: Identity, *, origin: str | None) -> str:
    """A ticket for a person who has just shown an access token."""
    ticket = secrets.token_urlsafe(24)
    kept = msgspec.json.encode((*identity, origin))
    await notes().keep({f"ticket:{ticket}": kept}, seconds=TICKET_SECONDS)
    return ticket


async def take(ticket: str, *, origin: str | None) -> Identity:
    """Who a ticket is for; it is used up. Unauthenticated when unknown, used, expired or foreign."""
    if (kept := await notes().take(f"ticket:{ticket}")) is None:
        raise Unauthenticated(code="ticket_invalid")
    user_id, sign_in_id, expires_at, bound_to = msgspec.json.decode(kept)
    if bound_to is not None and origin != bound_to:
        raise Unauthenticated(code="ticket_invalid")
    return Identity(user_id, sign_in_id, expires_at)
