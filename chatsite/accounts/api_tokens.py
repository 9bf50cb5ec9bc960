"""Tokens of programs: long-lived, limited by scopes, kept as digests.

    chat_<id>_<secret>

The secret has 256 bits, so a plain hash of it tells nobody anything.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chatsite.accounts.models import ApiToken, SignIn
from chatsite.accounts.tokens import Token
from chatsite.kernel.errors import Forbidden, Invalid, Unauthenticated

CONNECT = "connect"
FLAG = "flag"
SCOPES = {
    "messages:read": "history, search, pins, reactions and unread messages of its chats",
    "messages:write": "send, forward, edit, delete, react, vote, acknowledge, pin, star, mark as read, commands",
    "chats:read": "its chats with the newest message of each, and who is in them",
    "chats:write": "make and change chats, add and remove people, join and leave",
    "people:read": "colleagues and who of them is there",
    FLAG: "report messages of its chats to staff, with what found them and how sure it is",
    CONNECT: "a WebSocket or the long poll, with all that people do over them",
}
USED_PAUSE = timedelta(minutes=10)  # how exactly the last use is known: not every request writes
_NONE_OF_OURS = "The token is not one of this server."
_TOKEN = re.compile(r"chat_([0-9a-f]{32})_[\w-]{43}")


class Limited(NamedTuple):
    """A new token: what is kept of it, and what is shown once."""

    id: UUID
    text: str
    digest: str


def new() -> Limited:
    """A token that nobody has yet."""
    token_id = UUID(bytes=secrets.token_bytes(16), version=4)
    text = f"chat_{token_id.hex}_{secrets.token_urlsafe(32)}"
    return Limited(token_id, text, digest_of(text))


def is_one(text: str) -> bool:
    """Whether a bearer's text is meant as a token of a program."""
    return text.startswith("chat_")


def require(text: str, *, now: datetime) -> tuple[SignIn, Token]:
    """The sign-in of a token that stands, with its person; Unauthenticated says whether it has expired."""
    if (match := _TOKEN.fullmatch(text)) is None:
        raise Unauthenticated(_NONE_OF_OURS)
    found = ApiToken.objects.select_related("sign_in__user").filter(id=UUID(match[1])).first()
    if found is None or not is_of(found.digest, text):
        raise Unauthenticated(_NONE_OF_OURS)
    sign_in = found.sign_in
    if sign_in.revoked_at is not None or not sign_in.user.is_active:
        raise Unauthenticated("The token was revoked.")
    if found.expires_at <= now:
        raise Unauthenticated(code="token_expired")
    if sign_in.used_at < now - USED_PAUSE:
        SignIn.objects.filter(id=sign_in.id).update(used_at=now)
    expires_at = found.expires_at.timestamp()
    return sign_in, Token(sign_in.user_id, sign_in.id, found.id.hex, expires_at, frozenset(found.scopes))


def require_scopes(names: Collection[object]) -> list[str]:
    """Scopes as they are kept; Invalid for what is none, and for none at all."""
    if not names or not all(isinstance(name, str) and name in SCOPES for name in names):
        raise Invalid(f"expected some of {', '.join(SCOPES)}.", field="scopes")
    return [name for name in SCOPES if name in names]


def require_scope(token: Token, scope: str | None) -> None:
    """Refuse what a token's scopes do not name; None is for people who signed in alone."""
    if token.scopes is None:
        return
    if scope is None:
        raise Forbidden("Only who has signed in may do this, not an API token.")
    if scope not in token.scopes:
        raise Forbidden(f"The token lacks the scope {scope}.")


def digest_of(secret: str) -> str:
    """What is kept of a secret of 256 bits."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def is_of(digest: str, secret: str) -> bool:
    """Whether a digest is that of a secret; it takes as long whatever they are."""
    return hmac.compare_digest(digest, digest_of(secret))
