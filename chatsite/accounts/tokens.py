"""Access and refresh tokens: JWTs signed with this installation's Ed25519 key. Pure but for the key.

Only EdDSA is read; exp, iat, iss, aud, sub, sid and typ are required; the leeway
for clocks is 30 s.
"""

import base64
import hashlib
import time
import uuid
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings

from chatsite.kernel.errors import Unauthenticated

ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 30
REMEMBERED = 4_096  # texts whose signature was checked, about 4 MB: each request brings the one of before
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid", "typ"]
Kind = Literal["access", "refresh"]


class Token(NamedTuple):
    """What a good token says; times in Unix seconds."""

    user_id: uuid.UUID
    sign_in_id: uuid.UUID
    token_id: str
    expires_at: float
    scopes: frozenset[str] | None = None  # of an API token; None where a person has signed in


@cache
def _key() -> tuple[Ed25519PrivateKey, str]:
    key = load_pem_private_key(settings.TOKENS["KEY"].encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("TOKENS['KEY'] must be an Ed25519 private key.")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key, hashlib.sha256(public).hexdigest()[:16]


def issue(kind: Kind, *, user_id: uuid.UUID, sign_in_id: uuid.UUID, token_id: str, now: float) -> str:
    """A signed token of a sign-in, good from `now` (Unix seconds) for its kind's life."""
    key, kid = _key()
    claims: dict[str, Any] = {
        "iss": settings.TOKENS["ISSUER"],
        "aud": settings.TOKENS["AUDIENCE"],
        "sub": str(user_id),
        "sid": str(sign_in_id),
        "jti": token_id,
        "typ": kind,
        "iat": int(now),
        "exp": int(now) + settings.TOKENS[f"{kind.upper()}_SECONDS"],
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


def public_keys() -> list[dict[str, str]]:
    """The keys that our tokens can be checked with, as JWKs (RFC 8037)."""
    key, kid = _key()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return [{"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig", "kid": kid, "x": x}]


def read(kind: Kind, text: str) -> Token:
    """The token of a text; Unauthenticated says whether it is expired or no good at all."""
    try:
        found, token = _signed(text)
    except (jwt.InvalidTokenError, ValueError):
        raise Unauthenticated("The token is not one of this server.") from None
    if token.expires_at <= time.time() - LEEWAY_SECONDS:
        raise Unauthenticated(code="token_expired")
    if found != kind:
        raise Unauthenticated(f"This is no {kind} token.")
    return token


@lru_cache(REMEMBERED)
def _signed(text: str) -> tuple[str, Token]:
    """The kind and token of a text that this server has signed, as true as ever: only time ends it."""
    key, kid = _key()
    if jwt.get_unverified_header(text).get("kid") != kid:
        raise jwt.InvalidTokenError
    claims = jwt.decode(
        text,
        key.public_key(),
        algorithms=[ALGORITHM],
        issuer=settings.TOKENS["ISSUER"],
        audience=settings.TOKENS["AUDIENCE"],
        leeway=LEEWAY_SECONDS,
        options={"require": REQUIRED, "verify_exp": False},
    )
    user, sign_in = uuid.UUID(claims["sub"]), uuid.UUID(claims["sid"])
    return claims["typ"], Token(user, sign_in, claims.get("jti", ""), float(claims["exp"]))
