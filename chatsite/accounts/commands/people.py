"""Changing what a person is: by themselves, or by staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from chatsite.accounts import audit, links, policy
from chatsite.accounts.audit import Kind
from chatsite.accounts.commands import passwords, sign_ins
from chatsite.accounts.links import Purpose
from chatsite.accounts.models import CompanyMember, SignIn, User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import chores
from chatsite.kernel.errors import Conflict, Invalid, NotFound

JOINED_COMPANY = "joined_company"  # the chore that brings somebody into what everybody of a company has


def change_email(user: User, *, email: str, password: str, address: str, **more: Any) -> User:
    """Change a person's mail address, and more of `change_profile`, where the password is theirs.

    Whoever reads the mails of an address can set a new password.
    """
    passwords.require_known(user, password, field="password", address=address)
    return change_profile(user.id, email=email, **more)


@transaction.atomic
def change_profile(
    user_id: UUID,
    *,
    name: str | None = None,
    avatar: str | None = None,
    email: str | None = None,
    preferences: Mapping[str, Any] | None = None,
    shows_reads: bool | None = None,
) -> User:
    """Change what a person says of themselves; None leaves a thing as it is. Answers the person."""
    user = require_person(user_id)
    user.name = user.name if name is None else policy.require_name(name)
    user.avatar = user.avatar if avatar is None else policy.require_avatar(avatar)
    before, user.email = user.email, user.email if email is None else policy.require_email(email)
    if preferences is not None:
        user.preferences = policy.merged(user.preferences, preferences)
        person_changed(user.id, kind="preferences", state=user.preferences)
    user.shows_reads = user.shows_reads if shows_reads is None else shows_reads
    user.save(update_fields=["name", "avatar", "email", "preferences", "shows_reads"])
    if user.email != before:
        links.cancel(Purpose.RESET, user)  # They went to the address of before.
        audit.record(Kind.EMAIL_CHANGED, actor=user.id, subject=audit.of_person(user.id))
    return user


@transaction.atomic
def add(user: User, *, by: UUID | None) -> None:
    """Keep a new person; Invalid where the name to sign in with is taken, in whatever case."""
    if User.objects.filter(username__iexact=user.username).exists():
        raise Invalid("is taken.", field="username")
    user.save(force_insert=True)
    audit.record(Kind.PERSON_MADE, actor=by, subject=audit.of_person(user.id))


@transaction.atomic
def make_staff(user_id: UUID, *, by: UUID | None) -> None:
    """Let a person look after the installation."""
    user = require_person(user_id)
    if not (user.is_staff and user.is_superuser):
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
        audit.record(Kind.STAFF_MADE, actor=by, subject=audit.of_person(user.id))


@transaction.atomic
def unmake_staff(user_id: UUID, *, by: UUID | None) -> None:
    """Let a person look after nothing more; Conflict for the last administrator."""
    user = require_person(user_id)
    if user.is_staff or user.is_superuser:
        require_another_administrator(user)
        user.is_staff = user.is_superuser = False
        user.save(update_fields=["is_staff", "is_superuser"])
        audit.record(Kind.STAFF_UNMADE, actor=by, subject=audit.of_person(user.id))


@transaction.atomic
def deactivate(user_id: UUID, *, by: UUID | None) -> None:
    """Let a person do nothing more: sign-ins end at once. Conflict for the last administrator."""
    user = require_person(user_id)
    if not user.is_active:
        return
    require_another_administrator(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    ended = sign_ins.end(SignIn.objects.filter(user=user), of=user.id)
    sign_ins.end_admin(user.id)
    audit.record(Kind.PERSON_DEACTIVATED, actor=by, subject=audit.of_person(user.id), detail={"sign_ins": ended})


@transaction.atomic
def reactivate(user_id: UUID, *, by: UUID | None) -> None:
    """Let a person sign in again."""
    user = require_person(user_id)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        for company in CompanyMember.objects.filter(user=user).values_list("company", flat=True):
            bring_in(company, user.id)
        audit.record(Kind.PERSON_REACTIVATED, actor=by, subject=audit.of_person(user.id))


def bring_in(company_id: UUID, user_id: UUID) -> None:
    """Have a person brought into what everybody of a company has, after the caller's commit."""
    payload = {"company": str(company_id), "user": str(user_id)}
    chores.add(JOINED_COMPANY, key=f"{company_id}:{user_id}", payload=payload)


def require_person(user_id: UUID) -> User:
    """A person, locked for the caller's transaction; NotFound where there is none."""
    user = User.objects.select_for_update().filter(id=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return user


def require_another_administrator(user: User) -> None:
    """Conflict where nobody else could look after the installation."""
    administrators = User.objects.select_for_update().filter(is_active=True, is_staff=True, is_superuser=True)
    if user in administrators and len(administrators) == 1:
        raise Conflict("This is the last administrator.")
