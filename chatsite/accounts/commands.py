"""Signing in and out."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate as check_password
from django.db import transaction

from chatsite.accounts import tokens
from chatsite.accounts.models import SignIn, User
from chatsite.kernel.addresses import site_of
from chatsite.kernel.errors import RateLimited, Unauthenticated
from chatsite.kernel.limits import Ask, buckets, require, rule

# A page that is reloaded while it renews never sees the answer and comes again with the same token.
LOST_ANSWER = timedelta(seconds=30)


# Argon2 takes 100 MB and a core for each password on purpose: a crowd at the door must not take them all.
HASHING_AT_ONCE = 2
HASHING_SECONDS = 5.0
_hashing = threading.BoundedSemaphore(HASHING_AT_ONCE)


class Pair(NamedTuple):
    """The tokens of a sign-in."""

    access: str
    refresh: str


def sign_in(username: str, password: str, *, user_agent: str, address: str) -> Pair:
    """Tokens for a name and password; the same Unauthenticated for a wrong name or password.

    Raises RateLimited for an address that tries too often, or after too many wrong
    passwords for the name.
    """
    guesses = _guesses(username, address)
    # Taken before the password is looked at, or a thousand tries at once would all be let in.
    async_to_sync(require)(Ask(rule("sign_ins"), site_of(address)), *guesses)
    if not _hashing.acquire(timeout=HASHING_SECONDS):
        raise RateLimited("Too many people sign in at once.", retry_after_ms=1_000)
    try:
        user = check_password(username=username, password=password)
    finally:
        _hashing.release()
    if not isinstance(user, User):
        raise Unauthenticated("The name or the password is wrong.")
    async_to_sync(buckets().give_back)(*guesses)
    row = SignIn.objects.create(user=user, refresh_id=uuid.uuid4().hex, user_agent=user_agent[:200])
    return _pair(row)


def _guesses(username: str, address: str) -> tuple[Ask, ...]:
    """What a wrong password costs; the name's own bucket is large, or anybody could lock anybody out."""
    name = blake2b(username.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return Ask(rule("guesses"), f"{name}:{site_of(address)}"), Ask(rule("name_guesses"), name)


@transaction.atomic
def _rotate(token: tokens.Token) -> Pair | None:
    row = SignIn.objects.select_for_update().filter(id=token.sign_in_id, revoked_at=None, user__is_active=True).first()
    if row is None:
        return None
    now = datetime.now(UTC)
    if row.refresh_id == token.token_id:
        row.previous_refresh_id, row.refresh_id, row.renewed_at = row.refresh_id, uuid.uuid4().hex, now
        row.save(update_fields=["previous_refresh_id", "refresh_id", "renewed_at", "used_at"])
        return _pair(row)
    if row.previous_refresh_id == token.token_id and row.renewed_at and now - row.renewed_at < LOST_ANSWER:
        return _pair(row)
    # A refresh token that was used before: a thief or its victim holds it, so the family ends.
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    return None


def refresh(text: str) -> Pair:
    """New tokens for the one good refresh token of a sign-in; a reused one ends the sign-in."""
    pair = _rotate(tokens.read("refresh", text))
    if pair is None:
        raise Unauthenticated("You have been signed out.")
    return pair


def sign_out(sign_in_id: uuid.UUID) -> None:
    """End a sign-in: its tokens are good for nothing from now on."""
    SignIn.objects.filter(id=sign_in_id, revoked_at=None).update(revoked_at=datetime.now(UTC))


def _pair(row: SignIn) -> Pair:
    now = time.time()
    return Pair(
        tokens.issue("access", user_id=row.user_id, sign_in_id=row.id, token_id=uuid.uuid4().hex, now=now),
        tokens.issue("refresh", user_id=row.user_id, sign_in_id=row.id, token_id=row.refresh_id, now=now),
    )
