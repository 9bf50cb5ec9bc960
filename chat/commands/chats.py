"""Making chats and changing who is in them: facts of Django's database.

Each command runs in one transaction with its event in the outbox.
"""

import uuid
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat import policy
from chat.events import (
    ChatCreated,
    Member,
    MembershipChanged,
    ParticipantAdded,
    ParticipantLeft,
    ParticipantRemoved,
)
from chat.models import Chat, Participant
from chat.policy import Action, Role
from chat.queries import chats, participants
from chatsite.accounts.models import CompanyMember, User
from chatsite.accounts.queries import colleagues
from chatsite.kernel import clock, outbox
from chatsite.kernel.errors import Conflict, Invalid, NotFound
from chatsite.kernel.events import Payload, new_record
from chatsite.kernel.ids import ChatId

MAX_NAME = 255
MAX_NEW_PARTICIPANTS = 1_000  # of one request; more are added by later ones


def create(*, creator: User, name: str, people: Sequence[UUID]) -> tuple[Chat, str]:
    """A new group of the creator's company with its creator as owner; answers it and the id of its event.

    Raises Invalid for a bad name or too many people, NotFound for somebody who
    is not of that company.
    """
    name = require_name(name)
    others = set(people) - {creator.id}
    if len(others) > MAX_NEW_PARTICIPANTS:
        raise Invalid(f"at most {MAX_NEW_PARTICIPANTS} at once.", field="participants")
    with transaction.atomic():
        company = CompanyMember.objects.filter(user=creator).order_by("joined_at").first()
        found = colleagues(creator).filter(id__in=others)
        if company:
            found = found.filter(companies=company.company_id)
        members = [creator, *found]
        if len(members) != len(others) + 1:
            raise NotFound("Somebody of `participants` does not exist.")
        version = clock.version()
        chat = Chat.objects.create(
            name=name,
            chat_type="group",
            company_id=company.company_id if company else None,
            created_by=creator,
            participant_count=len(members),
            version=version,
        )
        rows = [
            Participant(
                chat=chat,
                user=member,
                role=Role.OWNER if member == creator else Role.MEMBER,
                version=version,
            )
            for member in members
        ]
        Participant.objects.bulk_create(rows)
        event = ChatCreated(
            room_id=str(chat.id),
            name=chat.name,
            chat_type=chat.chat_type,
            company_id=str(chat.company_id) if chat.company_id else None,
            created_by=str(creator.id),
            participants=[Member(user_id=str(row.user_id), role=row.role) for row in rows],
            members_version=chat.members_version,
        )
        return chat, _record(event, chat, actor=creator, version=version)


def add(chat_id: UUID, *, user_id: UUID, role: Role, by: User) -> tuple[Participant, str]:
    """Add somebody; answers their place and the id of its event. Conflict when they are in already."""
    with transaction.atomic():
        chat, mine = _lock(chat_id, by)
        policy.require(mine, Action.MANAGE_PEOPLE)
        policy.require_above(mine, role)
        user = colleagues(by).filter(id=user_id).first()
        if user is None or not _may_be_in(user, chat):
            raise NotFound("There is no such person.")
        place = Participant.objects.filter(chat=chat, user=user).first() or Participant(chat=chat, user=user)
        if place.is_active and not place._state.adding:
            raise Conflict("This person is in the chat already.")
        place.role, place.is_active, place.version = role, True, clock.version()
        place.save()
        return place, _membership_changed(ParticipantAdded, chat, place, by=by, count=1)


def remove(chat_id: UUID, *, user_id: UUID, by: User) -> str:
    """Remove somebody of a lower role; answers the id of its event."""
    with transaction.atomic():
        chat, mine = _lock(chat_id, by)
        policy.require(mine, Action.MANAGE_PEOPLE)
        place = _place(chat, user_id)
        policy.require_above(mine, Role(place.role))
        policy.require_another_owner(Role(place.role), owners=_owners(chat))
        return _take_out(ParticipantRemoved, chat, place, by=by)


def leave(chat_id: UUID, *, user: User) -> str:
    """Leave a chat; answers the id of its event. Conflict for the last owner."""
    with transaction.atomic():
        chat, mine = _lock(chat_id, user)
        policy.require_another_owner(mine, owners=_owners(chat))
        return _take_out(ParticipantLeft, chat, _place(chat, user.id), by=user)


def require_name(name: str) -> str:
    """A chat's name without what would break a line or a direction of writing."""
    clean = "".join(letter for letter in name if letter.isprintable()).strip()
    if not clean or len(clean) > MAX_NAME:
        raise Invalid(f"1 to {MAX_NAME} printable characters.", field="name")
    return clean


def _lock(chat_id: UUID, user: User) -> tuple[Chat, Role]:
    """The chat, locked against other commands, and the role of who commands; NotFound for strangers."""
    chat = Chat.objects.select_for_update().filter(id=chat_id).first()
    if chat is None:
        raise NotFound()
    role = Role(chats.require_participant(chat_id, user).participant.role)
    policy.require_open(is_archived=chat.is_archived)
    return chat, role


def _place(chat: Chat, user_id: UUID) -> Participant:
    place = Participant.objects.filter(chat=chat, user_id=user_id, is_active=True).first()
    if place is None:
        raise NotFound("This person is not in the chat.")
    return place


def _owners(chat: Chat) -> int:
    return Participant.objects.filter(chat=chat, role=Role.OWNER, is_active=True).count()


def _may_be_in(user: User, chat: Chat) -> bool:
    return chat.company_id is None or CompanyMember.objects.filter(company=chat.company_id, user=user).exists()


def _take_out(event: type[MembershipChanged], chat: Chat, place: Participant, *, by: User) -> str:
    place.is_active, place.version = False, clock.version()
    place.save(update_fields=["is_active", "version"])
    return _membership_changed(event, chat, place, by=by, count=-1)


def _membership_changed(event: type[MembershipChanged], chat: Chat, place: Participant, *, by: User, count: int) -> str:
    chat.participant_count += count
    chat.members_version += 1
    chat.version = place.version
    chat.save(update_fields=["participant_count", "members_version", "version"])
    version = chat.members_version
    transaction.on_commit(lambda: participants.need(ChatId(chat.id), version))
    changed = event(
        room_id=str(chat.id),
        user_id=str(place.user_id),
        by=str(by.id),
        role=place.role,
        count=chat.participant_count,
        members_version=version,
    )
    return _record(changed, chat, actor=by, version=place.version)


def _record(event: Payload, chat: Chat, *, actor: User, version: int) -> str:
    event_id = uuid.uuid4()
    outbox.append(
        new_record(
            event,
            event_id=event_id,
            key=chat.id,
            version=version,
            occurred_ms=version // 1_000,
            actor=actor.id,
            region=settings.REGION,
        )
    )
    return str(event_id)
