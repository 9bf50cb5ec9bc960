"""The templates that somebody may use."""

from typing import TypeAlias
from uuid import UUID

from django.db.models import Q, QuerySet

from chat.models import MessageTemplate, Participant
from chat.queries import by_name
from chatsite.accounts.models import CompanyMember, User
from chatsite.kernel.errors import NotFound

PAGE = 200
Rows: TypeAlias = "QuerySet[MessageTemplate]"


def page(viewer: User, *, chat_id: UUID | None, after: str | None) -> list[MessageTemplate]:
    """Up to 201 templates by name: one's own and one's companies', and of one chat or of all one's chats.

    One more than a page says there is a next one; `after` is the cursor of the
    last one of the page before.
    """
    found = _readable(viewer)
    if chat_id is not None:
        found = found.filter(Q(chat=None) | Q(chat=chat_id))
    if after is not None:
        found = found.filter(by_name.behind(after))
    return list(found.order_by("name", "id")[: PAGE + 1])


def require(template_id: UUID, viewer: User) -> MessageTemplate:
    """A template that the viewer may read; NotFound."""
    found = _readable(viewer).filter(id=template_id).first()
    if found is None:
        raise NotFound("There is no such template.")
    return found


def _readable(viewer: User) -> Rows:
    chats = Participant.objects.filter(user=viewer, is_active=True).values("chat")
    companies = CompanyMember.objects.filter(user=viewer).values("company")
    return MessageTemplate.objects.filter(Q(user=viewer) | Q(chat__in=chats) | Q(company__in=companies))
