"""One-use tickets that open a WebSocket: 30 s, bound to a person, a sign-in and an origin."""

import secrets

from asgiref.sync import sync_to_async
from django.core.cache import cache

from chatsite.gateway.registry import Identity
from chatsite.kernel.errors import Unauthenticated

TICKET_SECONDS = 30


def issue(identity: Identity, *, origin: str | None) -> str:
    """A ticket for a person who has just shown an access token."""
    ticket = secrets.token_urlsafe(24)
    cache.set(f"ticket:{ticket}", (*identity, origin), TICKET_SECONDS)
    return ticket


async def take(ticket: str, *, origin: str | None) -> Identity:
    """Who a ticket is for; it is used up. Unauthenticated when unknown, used, expired or foreign."""
    key = f"ticket:{ticket}"
    kept = await sync_to_async(cache.get, thread_sensitive=False)(key)
    # Of several that show one ticket, only the one that deletes it is let in.
    if kept is None or not await sync_to_async(cache.delete, thread_sensitive=False)(key):
        raise Unauthenticated(code="ticket_invalid")
    user_id, sign_in_id, expires_at, bound_to = kept
    if bound_to is not None and origin != bound_to:
        raise Unauthenticated(code="ticket_invalid")
    return Identity(user_id, sign_in_id, expires_at)
