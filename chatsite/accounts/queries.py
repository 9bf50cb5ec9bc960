"""Who somebody may see, and where they are signed in."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from chatsite.accounts.models import ApiToken, CompanyMember, SignIn, User, UserGroup

MAX_FOUND = 50
MOUTHPIECE = "webhook-"  # begins the name of a bot that is of use in one place alone, so nobody looks for it
MAX_SIGN_INS = 100  # of one person that are shown, the latest used first


def colleagues(viewer: User) -> "QuerySet[User]":
    """The active people of the viewer's companies, the viewer too."""
    companies = CompanyMember.objects.filter(user=viewer).values("company")
    ids = CompanyMember.objects.filter(company__in=companies).values("user")
    return User.objects.filter(Q(id__in=ids) | Q(id=viewer.id), is_active=True)


def search(viewer: User, words: str) -> list[User]:
    """Up to 50 colleagues whose name or username holds the words."""
    found = colleagues(viewer).filter(Q(username__icontains=words) | Q(name__icontains=words))
    found = found.exclude(is_bot=True, username__startswith=MOUTHPIECE)
    return list(found.order_by("username")[:MAX_FOUND])


def people(ids: Iterable[UUID | str]) -> dict[str, dict[str, str | bool | None]]:
    """People by id as REST shows them; those who are gone are missing."""
    return {str(user.id): shape(user) for user in User.objects.filter(id__in=set(ids))}


def shape(user: User) -> dict[str, str | bool | None]:
    """A person as REST shows them to others."""
    return {
        "id": str(user.id),
        "username": user.username,
        "name": user.name or user.username,
        "avatar": user.avatar or None,
        "is_bot": user.is_bot,
    }


def user_groups(viewer: User) -> list[UserGroup]:
    """The user groups of somebody's companies, by name; two queries."""
    found = UserGroup.objects.filter(company__members=viewer).prefetch_related("members")
    return list(found.order_by("name", "id"))


def members_of_group(group_id: UUID, *, viewer: UUID) -> set[str] | None:
    """Who is in a user group of somebody's companies; None where there is none."""
    if not UserGroup.objects.filter(id=group_id, company__members=viewer).exists():
        return None
    return {str(one) for one in User.objects.filter(user_groups=group_id).values_list("id", flat=True)}


def hiding_reads(users: Iterable[str]) -> set[str]:
    """Those of some people who let nobody see how far they have read."""
    found = User.objects.filter(id__in=set(users), shows_reads=False)
    return {str(one) for one in found.values_list("id", flat=True)}


def api_tokens(user_id: UUID, *, now: datetime) -> "QuerySet[ApiToken]":
    """The API tokens of a person that still stand at a moment, the newest first."""
    found = ApiToken.objects.select_related("sign_in").filter(sign_in__user=user_id, sign_in__revoked_at=None)
    return found.filter(expires_at__gt=now).order_by("-created_at")


def bots() -> "QuerySet[User]":
    """The bots of this installation, but for those of webhooks."""
    found = User.objects.filter(is_bot=True, is_active=True).exclude(username__startswith=MOUTHPIECE)
    return found.order_by("username")


def sign_ins(user_id: UUID, *, now: datetime) -> "QuerySet[SignIn]":
    """The sign-ins of a person that still stand at a moment."""
    unused = now - timedelta(seconds=settings.TOKENS["REFRESH_SECONDS"])
    found = SignIn.objects.filter(user=user_id, revoked_at=None, used_at__gt=unused, api_token=None)
    return found.order_by("-used_at")[:MAX_SIGN_INS]
