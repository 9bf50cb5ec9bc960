"""Chats of a whole company: public ones that anybody of it may join, and those that everybody of it is in."""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat import policy
from chat.commands.locking import Locked, Staff, lock
from chat.commands.participants import let_in, may_be_in
from chat.models import Ban, Chat, Participant
from chat.policy import Kind, Role
from chatsite.accounts.commands.people import JOINED_COMPANY
from chatsite.accounts.models import User
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import NotFound

FILL_COMPANY_CHAT = "fill_company_chat"  # the chore that lets everybody of a company into a chat of it
AT_ONCE = 100  # people of one transaction, which holds the chat's lock


def join(chat_id: UUID, *, user: User) -> tuple[Chat, str | None]:
    """Come into a public chat of one's company; answers it and the id of the event, None where one was in already.

    The same NotFound for a chat that is absent, not public or of another company,
    and for who is banned; Conflict where it is archived.
    """
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(id=chat_id, chat_type=Kind.PUBLIC).first()
        if chat is None or not may_be_in(user, chat) or Ban.objects.filter(chat=chat, user=user).exists():
            raise NotFound()
        policy.require_open(is_archived=chat.is_archived)
        place = Participant.objects.filter(chat=chat, user=user).first()
        if place is not None and place.is_active:
            return chat, None
        # Who was made a guest and left does not come back as more.
        role = min((Role.MEMBER, Role(place.role) if place else Role.MEMBER), key=lambda one: one.rank)
        _, event_id = let_in(Locked(chat, user, role, is_staff=False), user, role)
        return chat, event_id


@chores.handles(FILL_COMPANY_CHAT)
async def fill(payload: dict[str, Any]) -> None:
    """Let everybody of its company into a chat, a hundred at a time; a second run finds them in it."""
    while await in_db_thread(_fill, UUID(payload["chat"])):
        pass


@chores.handles(JOINED_COMPANY)
async def join_chats(payload: dict[str, Any]) -> None:
    """Let a person who came into a company into the chats that everybody of it is in."""
    await in_db_thread(_join_all, UUID(payload["company"]), UUID(payload["user"]))


def _fill(chat_id: UUID) -> bool:
    """Let some of those in who are missing; answers whether there may be more."""
    with transaction.atomic():
        if (chat := Chat.objects.filter(id=chat_id).first()) is None or chat.created_by is None:
            return False
        locked = lock(chat_id, Staff(chat.created_by))
        there = Participant.objects.filter(chat=chat_id, is_active=True).values("user")
        missing = (
            User.objects.filter(is_active=True, is_bot=False, companies=chat.company_id)
            .exclude(id__in=there)
            .order_by("id")
        )
        found = list(missing[:AT_ONCE])
        for user in found:
            let_in(locked, user, Role.MEMBER)
        return len(found) == AT_ONCE


def _join_all(company: UUID, user_id: UUID) -> None:
    user = User.objects.get(id=user_id)
    for chat_id in list(Chat.objects.filter(company=company, chat_type=Kind.COMPANY).values_list("id", flat=True)):
        with transaction.atomic():
            locked = lock(chat_id, Staff(user))
            is_in = Participant.objects.filter(chat=chat_id, user=user, is_active=True).exists()
            # They may have left the company by now.
            if user.is_active and not user.is_bot and not is_in and may_be_in(user, locked.chat):
                let_in(locked, user, Role.MEMBER)
