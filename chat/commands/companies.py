"""Chats of a whole company: public ones that anybody of it may join, and those that everybody of it is in."""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat.commands.locking import Locked
from chat.commands.participants import come_in, let_in, may_be_in
from chat.models import Chat, Participant
from chat.policy import Kind, Role
from chatsite.accounts.commands.people import JOINED_COMPANY
from chatsite.accounts.models import User
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import NotFound

FILL_COMPANY_CHAT = "fill_company_chat"  # the chore that lets everybody of a company into a chat of it


def join(chat_id: UUID, *, user: User) -> tuple[Chat, str | None]:
    """Come into a public chat of one's company; answers it and the id of the event, None where one was in already.

    The same NotFound for a chat that is absent, not public or of another company,
    and for who is banned; Conflict where it is archived.
    """
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(id=chat_id, chat_type=Kind.PUBLIC).first()
        if chat is None:
            raise NotFound()
        return chat, come_in(chat, user, Role.MEMBER)


@chores.handles(FILL_COMPANY_CHAT)
async def fill(payload: dict[str, Any]) -> None:
    """Let everybody of its company into a chat; a second run finds them in it."""
    await in_db_thread(_fill, UUID(payload["chat"]))


@chores.handles(JOINED_COMPANY)
async def join_chats(payload: dict[str, Any]) -> None:
    """Let a person who came into a company into the chats that everybody of it is in."""
    await in_db_thread(_join_all, UUID(payload["company"]), UUID(payload["user"]))


def _fill(chat_id: UUID) -> None:
    chat = Chat.objects.filter(id=chat_id).first()
    if chat is None:
        return
    there = Participant.objects.filter(chat=chat_id, is_active=True).values("user")
    for user in User.objects.filter(is_active=True, companies=chat.company_id).exclude(id__in=there).iterator():
        _let_in(chat_id, user)


def _join_all(company: UUID, user_id: UUID) -> None:
    user = User.objects.get(id=user_id)
    for chat_id in list(Chat.objects.filter(company=company, chat_type=Kind.COMPANY).values_list("id", flat=True)):
        _let_in(chat_id, user)


def _let_in(chat_id: UUID, user: User) -> None:
    """Let one person into a chat of their company, in a transaction of their own: others wait for no crowd."""
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(id=chat_id).first()
        # They may have left the company by now, or be in the chat.
        if chat is None or user.is_bot or not user.is_active or not may_be_in(user, chat):
            return
        if not Participant.objects.filter(chat=chat, user=user, is_active=True).exists():
            let_in(Locked(chat, user, Role.MEMBER, is_staff=False), user, Role.MEMBER)
