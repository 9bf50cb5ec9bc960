"""Signing in and out, here and on one's other devices."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.auth import authenticate as check_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from chatsite.accounts import audit, queries, tokens
from chatsite.accounts.audit import Kind
from chatsite.accounts.hashing import hashing
from chatsite.accounts.models import SignIn, User
from chatsite.accounts.notices import person_changed
from chatsite.gateway.hub import hub
from chatsite.kernel.addresses import site_of
from chatsite.kernel.errors import NotFound, Unauthenticated
from chatsite.kernel.limits import Ask, buckets, require, rule

# A page that is reloaded while it renews never sees the answer and comes again with the same token.
LOST_ANSWER = timedelta(seconds=30)


class Pair(NamedTuple):
    """The tokens of a sign-in."""

    access: str
    refresh: str


def sign_in(username: str, password: str, *, user_agent: str, address: str) -> Pair:
    """Tokens for a name and password; the same Unauthenticated for a wrong name or password.

    Raises RateLimited for an address that tries too often, or after too many wrong
    passwords for the name.
    """
    guesses = take_guess(username, address, Ask(rule("sign_ins"), site_of(address)))
    with hashing():
        user = check_password(username=username, password=password)
    if not isinstance(user, User):
        note_failure(username)
        raise Unauthenticated("The name or the password is wrong.")
    give_back(guesses)
    with transaction.atomic():
        row = SignIn.objects.create(
            user=user, refresh_id=uuid.uuid4().hex, user_agent=user_agent[:200], address=address[:45]
        )
        _tell(user.id)
        audit.record(Kind.SIGNED_IN, actor=user.id, subject=audit.of_person(user.id), detail={"sign_in": str(row.id)})
    return _pair(row)


def take_guess(username: str, address: str, *more: Ask) -> tuple[Ask, ...]:
    """Take what a wrong password costs, wherever it is typed; RateLimited. Answers what a right one gets back.

    It is taken before the password is looked at, or a thousand tries at once would
    all be let in. The name's own bucket is large, or anybody could lock anybody out.
    """
    name = blake2b(username.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    guesses = Ask(rule("guesses"), f"{name}:{site_of(address)}"), Ask(rule("name_guesses"), name)
    async_to_sync(require)(*more, *guesses)
    return guesses


def give_back(guesses: tuple[Ask, ...]) -> None:
    """Give a guess back that was right."""
    async_to_sync(buckets().give_back)(*guesses)


@transaction.atomic
def note_failure(username: str) -> None:
    """Keep in mind that somebody was not let in."""
    # What was typed is not kept: people type their password into the wrong field.
    known = User.objects.filter(username=username).values_list("id", flat=True).first()
    audit.record(Kind.SIGN_IN_FAILED, actor=None, subject=audit.of_person(known) if known else "")


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
    ended = end(SignIn.objects.filter(id=row.id), of=row.user_id)
    detail = {"sign_ins": ended, "why": "a refresh token came twice"}
    audit.record(Kind.SIGN_INS_ENDED, actor=None, subject=audit.of_person(row.user_id), detail=detail)
    return None


def refresh(text: str) -> Pair:
    """New tokens for the one good refresh token of a sign-in; a reused one ends the sign-in."""
    pair = _rotate(tokens.read("refresh", text))
    if pair is None:
        raise Unauthenticated("You have been signed out.")
    return pair


@transaction.atomic
def sign_out(sign_in_id: uuid.UUID, *, user: User) -> None:
    """End one's own sign-in, this one or another device's; NotFound where there is none."""
    if not end(SignIn.objects.filter(id=sign_in_id, user=user), of=user.id):
        raise NotFound()
    detail = {"sign_in": str(sign_in_id)}
    audit.record(Kind.SIGNED_OUT, actor=user.id, subject=audit.of_person(user.id), detail=detail)


@transaction.atomic
def end_all(user_id: uuid.UUID, *, by: uuid.UUID) -> None:
    """End every sign-in of a person, in the admin too."""
    ended = end(SignIn.objects.filter(user=user_id), of=user_id)
    end_admin(user_id)
    detail = {"sign_ins": ended}
    audit.record(Kind.SIGN_INS_ENDED, actor=by, subject=audit.of_person(user_id), detail=detail)


def end(rows: "QuerySet[SignIn]", *, of: uuid.UUID) -> list[str]:
    """End sign-ins of one person within the caller's transaction; answers which for its audit entry.

    Tokens and tickets are good for nothing from the commit on, and sockets close.
    """
    ids = list(rows.select_for_update().filter(revoked_at=None).values_list("id", flat=True))
    ended = [str(one) for one in ids]
    if ended:
        SignIn.objects.filter(id__in=ids).update(revoked_at=datetime.now(UTC))
        _tell(of)
        transaction.on_commit(lambda: hub.tell_ended(ended), robust=True)
    return ended


def end_admin(user_id: uuid.UUID) -> None:
    """End a person's sessions in the admin within the caller's transaction; a new password ends them by itself."""
    lasting = Session.objects.filter(expire_date__gt=datetime.now(UTC))  # Few: only administrators have any.
    theirs = [row.session_key for row in lasting if row.get_decoded().get(SESSION_KEY) == str(user_id)]
    Session.objects.filter(session_key__in=theirs).delete()


@transaction.atomic
def note_admin(user: User) -> None:
    """Keep in mind that somebody signed in to the admin, which has sessions of Django's."""
    detail = {"where": "admin"}
    audit.record(Kind.SIGNED_IN, actor=user.id, subject=audit.of_person(user.id), detail=detail)


def _tell(user_id: uuid.UUID) -> None:
    open_ones = queries.sign_ins(user_id, now=datetime.now(UTC)).values_list("id", flat=True)
    person_changed(user_id, kind="sessions", state={"ids": [str(one) for one in open_ones]})


def _pair(row: SignIn) -> Pair:
    now = time.time()
    return Pair(
        tokens.issue("access", user_id=row.user_id, sign_in_id=row.id, token_id=uuid.uuid4().hex, now=now),
        tokens.issue("refresh", user_id=row.user_id, sign_in_id=row.id, token_id=row.refresh_id, now=now),
    )
