"""Who is asking: bearer tokens over REST, tickets and tokens over WebSocket."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from chatsite.accounts import tickets, tokens
from chatsite.accounts.models import SignIn, User
from chatsite.gateway.registry import Identity
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Unauthenticated


def require_signed_in(text: str) -> tuple[User, tokens.Token]:
    """The person of an access token whose sign-in still stands."""
    token = tokens.read("access", text)
    sign_in = (
        SignIn.objects.select_related("user")
        .filter(id=token.sign_in_id, user_id=token.user_id, revoked_at=None, user__is_active=True)
        .first()
    )
    if sign_in is None:
        raise Unauthenticated("You have been signed out.")
    return sign_in.user, token


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; a wrong one is refused, none is nobody."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """The person and token of a request."""
        header = get_authorization_header(request).decode("latin-1")
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return require_signed_in(text.strip())

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return "Bearer"


async def authenticate(*, ticket: str | None, token: str | None, origin: str | None) -> Identity:
    """Who opens or renews a WebSocket; a ticket touches no database."""
    if ticket is not None:
        return await tickets.take(ticket, origin=origin)
    if token is None:
        raise Unauthenticated("AUTH needs a ticket or a token.")
    user, read = await in_db_thread(require_signed_in, token)
    return Identity(str(user.id), str(read.sign_in_id), read.expires_at)
