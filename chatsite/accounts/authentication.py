"""Who is asking: bearer tokens over REST, tickets and tokens over WebSocket."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from chatsite.accounts import api_tokens, tickets, tokens
from chatsite.accounts.models import SignIn, User
from chatsite.gateway.registry import Identity
from chatsite.kernel.database import in_db_thread, text_of
from chatsite.kernel.errors import Unauthenticated
from chatsite.kernel.together import Together

SIGN_INS = 250  # of one query
NOBODY = UUID(int=0)  # in the place of parameters
SIGNED_OUT = "You have been signed out."


def standing(ids: Collection[UUID | str]) -> QuerySet[SignIn]:
    """Those of some sign-ins that have not ended, of active people."""
    return SignIn.objects.filter(id__in=ids, revoked_at=None, user__is_active=True)


def require_signed_in(text: str) -> tuple[User, tokens.Token]:
    """The person of an access or API token whose sign-in still stands."""
    if api_tokens.is_one(text):
        found, token = api_tokens.require(text, now=datetime.now(UTC))
        return found.user, token
    token = tokens.read("access", text)
    for user in User.objects.raw(_who(), [_stored(token.user_id), _stored(token.sign_in_id)]):
        return user, token
    raise Unauthenticated(SIGNED_OUT)


@cache
def _who() -> str:
    return text_of(User.objects.filter(id=NOBODY).filter(sign_ins__in=standing([NOBODY])))


def _stored(id_: UUID) -> Any:
    return SignIn._meta.pk.get_db_prep_value(id_, connection)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access or API token>`; a wrong one is refused, none is nobody."""

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
    if api_tokens.is_one(token):
        return await in_db_thread(_connected, token)
    read = tokens.read("access", token)
    if (await _standing.ask([read.sign_in_id])).get(read.sign_in_id) != read.user_id:
        raise Unauthenticated(SIGNED_OUT)
    return Identity(str(read.user_id), str(read.sign_in_id), read.expires_at)


def _connected(text: str) -> Identity:
    _, token = api_tokens.require(text, now=datetime.now(UTC))
    api_tokens.require_scope(token, api_tokens.CONNECT)
    return Identity(str(token.user_id), str(token.sign_in_id), token.expires_at)


async def _read_standing(ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose those sign-ins are that still stand."""
    return await in_db_thread(_read_users, ids)


def _read_users(ids: Sequence[UUID]) -> dict[UUID, UUID]:
    return dict(standing(ids).values_list("id", "user_id"))


_standing = Together(_read_standing, most=SIGN_INS)
