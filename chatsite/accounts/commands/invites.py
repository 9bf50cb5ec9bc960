"""How people come in: the first administrator by the first start's link, the others by invitation."""

from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from chatsite.accounts import audit, links, policy
from chatsite.accounts.audit import Kind
from chatsite.accounts.commands import companies, passwords, people
from chatsite.accounts.links import Purpose
from chatsite.accounts.models import OneTimeLink, User
from chatsite.kernel import chores
from chatsite.kernel.errors import Conflict, Invalid, NotFound

MAIL_JOIN = "accounts.mail_join"


def invite(email: str, *, company_id: UUID, by: UUID | None) -> OneTimeLink:
    """Mail somebody a link to join a company; it takes the place of an earlier one.

    Answers the link. Conflict where the address belongs to a person already.
    """
    email = policy.require_email(email.strip())
    if not email:
        raise Invalid("expected a mail address.", field="email")
    with transaction.atomic():
        company = companies.require_company(company_id)
        if User.objects.filter(email__iexact=email).exists():
            raise Conflict(f"Somebody has the address {email} already; add them to the company.")
        earlier = links.good(Purpose.JOIN).filter(email=email, company=company)
        earlier.update(used_at=datetime.now(UTC))
        expires_at = datetime.now(UTC) + links.LIVES[Purpose.JOIN]
        link = OneTimeLink.objects.create(purpose=Purpose.JOIN, email=email, company=company, expires_at=expires_at)
        chores.add(MAIL_JOIN, key=str(link.id), payload={"link": str(link.id)})
        audit.record(Kind.PERSON_INVITED, actor=by, subject=audit.of_company(company.id), detail={"link": str(link.id)})
    return link


def join(link: OneTimeLink, *, username: str, name: str, password: str) -> User:
    """Become a person of the company that invited; NotFound where the link was used in the meantime."""
    if link.company_id is None:
        raise NotFound()
    user = _new(username, name, link.email, password)
    with transaction.atomic():
        links.use(link)
        people.add(user, by=None)
        companies.add(link.company_id, user_id=user.id, by=None)
    return user


def setup_link() -> OneTimeLink | None:
    """The link that makes the first administrator, the same until it is used; None where there is one."""
    with transaction.atomic():
        if has_staff():
            return None
        return links.good(Purpose.SETUP).first() or OneTimeLink.objects.create(purpose=Purpose.SETUP)


def has_staff() -> bool:
    """Whether somebody can look after this installation."""
    return User.objects.filter(is_staff=True, is_active=True).exists()


def set_up(link: OneTimeLink, *, company: str, username: str, name: str, email: str, password: str) -> User:
    """The first company and its administrator; NotFound where somebody was faster."""
    user = _new(username, name, policy.require_email(email.strip()), password)
    user.is_staff = user.is_superuser = True
    with transaction.atomic():
        links.use(link)
        if has_staff():
            raise NotFound("There is an administrator already.")
        people.add(user, by=None)
        made = companies.make(company, by=user.id)
        companies.add(made.id, user_id=user.id, by=user.id)
        audit.record(Kind.STAFF_MADE, actor=None, subject=audit.of_person(user.id))
    return user


def _new(username: str, name: str, email: str, password: str) -> User:
    """A person who is not kept yet, with a password that was found good."""
    user = User(username=policy.require_username(User.normalize_username(username)))
    user.name, user.email = policy.require_name(name), email
    user.password = passwords.hashed(password, user=user)
    return user
