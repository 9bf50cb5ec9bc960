"""Who somebody may see."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from chatsite.accounts.models import CompanyMember, User

MAX_FOUND = 50


def colleagues(viewer: User) -> "QuerySet[User]":
    """The active people of the viewer's companies, the viewer too."""
    companies = CompanyMember.objects.filter(user=viewer).values("company")
    ids = CompanyMember.objects.filter(company__in=companies).values("user")
    return User.objects.filter(Q(id__in=ids) | Q(id=viewer.id), is_active=True)


def search(viewer: User, words: str) -> list[User]:
    """Up to 50 colleagues whose name or username holds the words."""
    found = colleagues(viewer).filter(Q(username__icontains=words) | Q(name__icontains=words))
    return list(found.order_by("username")[:MAX_FOUND])


def people(ids: Iterable[UUID | str]) -> dict[str, dict[str, str | None]]:
    """People by id as REST shows them; those who are gone are missing."""
    return {str(user.id): shape(user) for user in User.objects.filter(id__in=set(ids))}


def shape(user: User) -> dict[str, str | None]:
    """A person as REST shows them to others."""
    return {
        "id": str(user.id),
        "username": user.username,
        "name": user.name or user.username,
        "avatar": user.avatar or None,
    }
