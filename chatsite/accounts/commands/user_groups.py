"""User groups: people of a company who are named together. Staff look after them."""

from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction

from chatsite.accounts import audit, policy
from chatsite.accounts.audit import Kind
from chatsite.accounts.models import Company, CompanyMember, User, UserGroup
from chatsite.kernel.errors import Conflict, Forbidden, Invalid, NotFound

MAX_GROUPS = 200  # of a company
MAX_MEMBERS = 500  # of a group


@transaction.atomic
def make(name: str, *, members: Collection[UUID], by: User) -> UserGroup:
    """A new group of the company of who makes it. Forbidden, Invalid, Conflict, NotFound for who is no colleague."""
    _require_staff(by)
    mine = CompanyMember.objects.filter(user=by).order_by("joined_at").first()
    if mine is None:
        raise Invalid("it would be of your company, and you are in none.", field="name")
    company = Company.objects.select_for_update().get(id=mine.company_id)
    if UserGroup.objects.filter(company=company).count() >= MAX_GROUPS:
        raise Conflict(f"At most {MAX_GROUPS} user groups.")
    group = UserGroup(company=company)
    _name(group, name)
    _set_members(group, members)
    _note(Kind.USER_GROUP_MADE, group, by)
    return group


@transaction.atomic
def change(group_id: UUID, *, name: str | None, members: Collection[UUID] | None, by: User) -> UserGroup:
    """Call a group otherwise or say anew who is in it; None leaves a thing as it is. Forbidden, Invalid, NotFound."""
    group = _locked(group_id, by)
    if name is not None:
        _name(group, name)
    if members is not None:
        _set_members(group, members)
    _note(Kind.USER_GROUP_CHANGED, group, by)
    return group


@transaction.atomic
def drop(group_id: UUID, *, by: User) -> None:
    """Let there be no such group; messages that named it name its people still. Forbidden, NotFound."""
    group = _locked(group_id, by)
    _note(Kind.USER_GROUP_DROPPED, group, by)
    group.delete()


def _locked(group_id: UUID, by: User) -> UserGroup:
    _require_staff(by)
    group = UserGroup.objects.select_for_update().filter(id=group_id, company__members=by).first()
    if group is None:
        raise NotFound("There is no such user group.")
    return group


def _require_staff(user: User) -> None:
    if not user.is_staff:
        raise Forbidden("Only staff look after user groups.")


def _name(group: UserGroup, name: str) -> None:
    group.name = policy.require_group_name(name)
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError:
        raise Invalid("is taken.", field="name") from None


def _set_members(group: UserGroup, members: Collection[UUID]) -> None:
    wanted = set(members)
    if len(wanted) > MAX_MEMBERS:
        raise Invalid(f"at most {MAX_MEMBERS}.", field="members")
    found = User.objects.filter(id__in=wanted, is_active=True, companies=group.company)
    if found.count() != len(wanted):
        raise NotFound("Somebody of `members` does not exist.")
    group.members.set(found)


def _note(kind: Kind, group: UserGroup, by: User) -> None:
    detail = {"group": str(group.id), "name": group.name, "members": group.members.count()}
    audit.record(kind, actor=by.id, subject=audit.of_company(group.company_id), detail=detail)
