"""The public chats of a person's companies, whether they are in them or not."""

from typing import NamedTuple

from django.db.models import Q

from chat.models import Ban, Chat, Participant
from chat.policy import Kind
from chat.queries import by_name
from chatsite.accounts.models import CompanyMember, User

PAGE = 100


class Listed(NamedTuple):
    """A public chat as those see it who may join it."""

    chat: Chat
    is_member: bool


def page(viewer: User, *, words: str = "", after: str | None = None) -> list[Listed]:
    """Up to 101 chats by name that the viewer may join or is in; one more than a page says there is a next one.

    `after` is the cursor of the last chat of the page before.
    """
    companies = CompanyMember.objects.filter(user=viewer).values("company")
    chats = Chat.objects.filter(chat_type=Kind.PUBLIC, company__in=companies, is_archived=False)
    chats = chats.exclude(id__in=Ban.objects.filter(user=viewer).values("chat"))
    if words:
        chats = chats.filter(Q(name__icontains=words) | Q(description__icontains=words))
    if after is not None:
        chats = chats.filter(by_name.behind(after))
    found = list(chats.order_by("name", "id")[: PAGE + 1])
    mine = set(
        Participant.objects.filter(user=viewer, is_active=True, chat__in=found).values_list("chat_id", flat=True)
    )
    return [Listed(chat, chat.id in mine) for chat in found]
