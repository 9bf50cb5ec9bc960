"""Companies, and who is in them."""

from uuid import UUID

from django.db import transaction

from chatsite.accounts import audit, policy
from chatsite.accounts.audit import Kind
from chatsite.accounts.commands.people import bring_in, require_person
from chatsite.accounts.models import Company, CompanyMember, UserGroup
from chatsite.kernel import chores
from chatsite.kernel.errors import NotFound

MAX_NAME = 255
LEFT_COMPANY = "left_company"  # the chore that takes somebody out of what is the company's


@transaction.atomic
def make(name: str, *, by: UUID | None) -> Company:
    """A new company; names need not be unique."""
    company = Company.objects.create(name=policy.require_name(name, field="company", limit=MAX_NAME))
    audit.record(Kind.COMPANY_MADE, actor=by, subject=audit.of_company(company.id))
    return company


@transaction.atomic
def add(company_id: UUID, *, user_id: UUID, by: UUID | None) -> None:
    """Put a person in a company and, by a chore, into what everybody of it has; one who is there stays."""
    company, user = require_company(company_id), require_person(user_id)
    _, new = CompanyMember.objects.get_or_create(company=company, user=user)
    if new:
        detail = {"user": str(user.id)}
        bring_in(company.id, user.id)
        audit.record(Kind.MEMBER_ADDED, actor=by, subject=audit.of_company(company.id), detail=detail)


@transaction.atomic
def remove(company_id: UUID, *, user_id: UUID, by: UUID | None) -> None:
    """Take a person out of a company and, by a chore, out of all that is the company's."""
    company, user = require_company(company_id), require_person(user_id)
    gone, _ = CompanyMember.objects.filter(company=company, user=user).delete()
    if gone:
        for group in UserGroup.objects.filter(company=company, members=user):
            group.members.remove(user)
        detail = {"user": str(user.id)}
        payload = {"company": str(company.id), "user": str(user.id), "by": str(by or user.id)}
        chores.add(LEFT_COMPANY, key=f"{company.id}:{user.id}", payload=payload)
        audit.record(Kind.MEMBER_REMOVED, actor=by, subject=audit.of_company(company.id), detail=detail)


def require_company(company_id: UUID) -> Company:
    """A company; NotFound where there is none."""
    company = Company.objects.filter(id=company_id).first()
    if company is None:
        raise NotFound("There is no such company.")
    return company
