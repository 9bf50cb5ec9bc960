"""Changing a password, and setting a new one where the old one is forgotten."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from chatsite.accounts import audit, links
from chatsite.accounts.audit import Kind
from chatsite.accounts.commands import sign_ins
from chatsite.accounts.hashing import hashing
from chatsite.accounts.links import Purpose
from chatsite.accounts.models import OneTimeLink, SignIn, User
from chatsite.kernel import chores
from chatsite.kernel.errors import Conflict, Invalid, NotFound, RateLimited

MAIL_RESET = "accounts.mail_reset"
MAX_WAITING = 1_000  # resets that were asked for and not mailed yet; over it those who ask are told to wait
MAX_SAME_ADDRESS = 5  # people with one mail address who each get a link
BETWEEN_MAILS = timedelta(minutes=1)  # to one person, however often somebody asks


def hashed(password: str, *, user: User, field: str = "password") -> str:
    """The hash of a new password; Invalid says what is wrong with it."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field=field) from None
    with hashing():
        return make_password(password)


def require_known(user: User, password: str, *, field: str, address: str) -> None:
    """Invalid where a password is not the person's; RateLimited after too many guesses."""
    guesses = sign_ins.take_guess(user.username, address)
    with hashing():
        known = check_password(password, user.password)
    if not known:
        with transaction.atomic():
            audit.record(Kind.SIGN_IN_FAILED, actor=user.id, subject=audit.of_person(user.id))
        raise Invalid("is not your password.", field=field)
    sign_ins.give_back(guesses)


def change(user: User, *, old: str, new: str, sign_in_id: uuid.UUID | None, address: str) -> None:
    """A new password for one who knows the old one; all sign-ins but the one named end."""
    require_known(user, old, field="old", address=address)
    kept = hashed(new, user=user, field="new")
    with transaction.atomic():
        if not User.objects.filter(id=user.id, password=user.password).update(password=kept):
            raise Conflict("The password was changed in the meantime.")
        mine = SignIn.objects.filter(user=user)
        ended = sign_ins.end(mine if sign_in_id is None else mine.exclude(id=sign_in_id), of=user.id)
        links.cancel(Purpose.RESET, user)
        detail = {"sign_ins": ended}
        audit.record(Kind.PASSWORD_CHANGED, actor=user.id, subject=audit.of_person(user.id), detail=detail)


def ask_reset(who: str) -> None:
    """Mail a link to whoever has this name or mail address; nothing tells whether there is anybody.

    Nobody is looked up here, so the answer takes as long for a name that is known.
    """
    with transaction.atomic():
        if chores.waiting(MAIL_RESET) >= MAX_WAITING:
            raise RateLimited("Too many people ask for a new password at once.", retry_after_ms=60_000)
        key = hashlib.sha256(who.encode()).hexdigest()
        chores.add(MAIL_RESET, key=key, payload={"who": who, "seed": uuid.uuid4().hex})


def send_reset(user_id: uuid.UUID, *, by: uuid.UUID) -> None:
    """Staff has a link mailed to a person; Conflict where there is no address."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise NotFound("There is no such person.")
    if not user.email:
        raise Conflict("This person has no mail address.")
    with transaction.atomic():
        chores.add(MAIL_RESET, key=str(user.id), payload={"user": str(user.id), "seed": uuid.uuid4().hex})
        audit.record(Kind.RESET_MAILED, actor=by, subject=audit.of_person(user.id))


def reset_links(payload: dict[str, str]) -> list[tuple[User, OneTimeLink]]:
    """Who is to get which link for a reset that was asked for; the same links for the same payload."""
    named = Q(id=payload["user"]) if "user" in payload else _named(payload["who"])
    people = User.objects.filter(named, is_active=True).exclude(email="").order_by("created_at")[:MAX_SAME_ADDRESS]
    found = [(user, _reset_link(user, uuid.uuid5(uuid.UUID(payload["seed"]), str(user.id)))) for user in people]
    return [(user, link) for user, link in found if link is not None]


def _named(who: str) -> Q:
    return Q(username=who) | Q(email__iexact=who)


@transaction.atomic
def _reset_link(user: User, link_id: uuid.UUID) -> OneTimeLink | None:
    """A new link in place of earlier ones; None where one was mailed just now, or this one was used."""
    now = datetime.now(UTC)
    mine = OneTimeLink.objects.select_for_update().filter(purpose=Purpose.RESET, user=user)
    while found := mine.filter(id=link_id).first():
        if found.used_at is not None:
            return None
        if found.expires_at is None or found.expires_at > now:
            return found
        link_id = uuid.uuid5(link_id, "again")  # The mail server was away for so long: another one in its place.
    if mine.filter(created_at__gt=now - BETWEEN_MAILS).exists():
        return None
    links.cancel(Purpose.RESET, user)
    expires_at = now + links.LIVES[Purpose.RESET]
    return OneTimeLink.objects.create(id=link_id, purpose=Purpose.RESET, user=user, expires_at=expires_at)


def reset(token: str, *, password: str) -> User:
    """Set a new password with a link that was mailed; every sign-in ends. Answers whose it was."""
    link = links.find(Purpose.RESET, token)
    if link is None or link.user is None or not link.user.is_active:
        raise Invalid("the link is unknown, used or expired.", field="token")
    user, kept = link.user, hashed(password, user=link.user)
    try:
        with transaction.atomic():
            links.use(link)
            User.objects.filter(id=user.id).update(password=kept)
            ended = sign_ins.end(SignIn.objects.filter(user=user), of=user.id)
            links.cancel(Purpose.RESET, user)
            detail = {"sign_ins": ended}
            audit.record(Kind.PASSWORD_RESET, actor=user.id, subject=audit.of_person(user.id), detail=detail)
    except NotFound as error:
        raise Invalid(error.detail, field="token") from None
    return user
