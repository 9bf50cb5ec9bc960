"""Changing who is in a chat and what they may: facts of Django's database.

Each command runs in one transaction with its event in the outbox.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chat import policy
from chat.commands.locking import MAX_REASON, Actor, Locked, Staff, lock, note, record_membership
from chat.events import (
    MembershipChanged,
    ParticipantAdded,
    ParticipantBanned,
    ParticipantLeft,
    ParticipantMuted,
    ParticipantRemoved,
    ParticipantRoleChanged,
)
from chat.models import Ban, Chat, Invite, Participant
from chat.policy import Action, Kind, Role
from chatsite.accounts.models import CompanyMember, User
from chatsite.accounts.queries import colleagues
from chatsite.kernel.errors import Conflict, Invalid, NotFound
from chatsite.kernel.events import iso


def add(chat_id: UUID, *, user_id: UUID, role: Role, by: Actor) -> tuple[Participant, str]:
    """Add somebody; answers their place and the id of its event. Conflict when they are in already, or banned."""
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.MANAGE_PEOPLE)
        policy.require_above(locked.role, role)
        reachable = User.objects.filter(is_active=True) if locked.is_staff else colleagues(locked.by)
        user = reachable.filter(id=user_id).first()
        if user is None or not may_be_in(user, locked.chat):
            raise NotFound("There is no such person.")
        if Ban.objects.filter(chat=locked.chat, user=user).exists():
            raise Conflict("This person is banned; lift the ban first.")
        return let_in(locked, user, role)


def let_in(locked: Locked, user: User, role: Role) -> tuple[Participant, str]:
    """Give somebody a place in a locked chat; answers it and the id of its event.

    Who comes back is muted still: leaving does not wash that off.
    """
    place = Participant.objects.filter(chat=locked.chat, user=user).first() or Participant(chat=locked.chat, user=user)
    if place.is_active and not place._state.adding:
        raise Conflict("This person is in the chat already.")
    place.role, place.is_active = role, True
    return place, _changed(ParticipantAdded, locked, place, count=1)


def come_in(chat: Chat, user: User, role: Role, *, absent: str = "") -> str | None:
    """Let somebody into a locked chat by their own doing; the id of the event, None where they are in it already.

    Raises NotFound, which says what is `absent`, for who is banned or of another
    company; Conflict where it is archived.
    """
    if not may_be_in(user, chat) or Ban.objects.filter(chat=chat, user=user).exists():
        raise NotFound(absent)
    policy.require_open(is_archived=chat.is_archived)
    place = Participant.objects.filter(chat=chat, user=user).first()
    if place is not None and place.is_active:
        return None
    # Who was made a guest and left does not come back as more.
    role = min((role, Role(place.role) if place else role), key=lambda one: one.rank)
    return let_in(Locked(chat, user, role, is_staff=False), user, role)[1]


def remove(chat_id: UUID, *, user_id: UUID, by: Actor) -> str:
    """Remove somebody of a lower role; answers the id of its event."""
    with transaction.atomic():
        locked, place = _lock_other(chat_id, user_id, by, Action.MANAGE_PEOPLE)
        _require_ways_out(locked.chat)
        locked.require_another_owner(place)
        return _take_out(ParticipantRemoved, locked, place)


def ban(chat_id: UUID, *, user_id: UUID, by: Actor, reason: str = "") -> None:
    """Let somebody not come back until the ban is lifted, and remove them where they are in; NotFound for strangers."""
    if len(reason) > MAX_REASON:
        raise Invalid(f"at most {MAX_REASON} characters.", field="reason")
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.MANAGE_PEOPLE)
        _require_ways_out(locked.chat)
        place = Participant.objects.filter(chat=locked.chat, user_id=user_id).first()
        if place is None:
            raise NotFound("This person never was in the chat.")
        policy.require_above(locked.role, Role(place.role))
        Ban.objects.get_or_create(chat=locked.chat, user_id=user_id, defaults={"by": locked.by, "reason": reason})
        if place.is_active:
            locked.require_another_owner(place)
            _take_out(ParticipantBanned, locked, place, reason=reason or None)


def lift_ban(chat_id: UUID, *, user_id: UUID, by: Actor) -> None:
    """Let somebody be added or invited again; NotFound where there is no ban."""
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.MANAGE_PEOPLE)
        if not Ban.objects.filter(chat=locked.chat, user_id=user_id).delete()[0]:
            raise NotFound("This person is not banned.")
        note("chat.member.ban_lifted", chat_id, locked.by, {"user": str(user_id)}, is_staff=locked.is_staff)


def expel(chat_id: UUID, *, user_id: UUID, by: Staff) -> None:
    """Take out somebody who may not stay, owner or not; the next in rank takes the last owner's place."""
    with transaction.atomic():
        locked = lock(chat_id, by)
        place = locked.place(user_id)
        # Locked before the first record, as everywhere: who waits for the outbox holds what it needs.
        others = Participant.objects.select_for_update(of=("self",)).filter(chat=locked.chat, is_active=True)
        others = others.exclude(id=place.id)
        if place.role == Role.OWNER and not others.filter(role=Role.OWNER).exists():
            # People who cannot sign in would own it for nobody.
            heirs = others.filter(user__is_active=True) or others
            heir = min(heirs, key=lambda one: (-Role(one.role).rank, one.joined_at), default=None)
            if heir is not None:
                heir.role = Role.OWNER
                _changed(ParticipantRoleChanged, locked, heir)
        _take_out(ParticipantRemoved, locked, place)


def leave(chat_id: UUID, *, user: User) -> str:
    """Leave a chat; answers the id of its event. Conflict for the last owner, and in direct and company chats."""
    with transaction.atomic():
        locked = lock(chat_id, user, even_archived=True)
        if locked.chat.pair is not None:
            raise Conflict("Nobody leaves a direct chat.")
        _require_ways_out(locked.chat)
        place = locked.place(user.id)
        locked.require_another_owner(place)
        return _take_out(ParticipantLeft, locked, place)


def change_role(chat_id: UUID, *, user_id: UUID, role: Role, by: Actor) -> Participant:
    """Give somebody of a lower role another one below one's own; owners may do so with owners too."""
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.MANAGE_PEOPLE)
        place = locked.place(user_id)
        if place.user_id != locked.by.id or locked.is_staff:
            policy.require_above(locked.role, Role(place.role))
        policy.require_above(locked.role, role)
        if place.role != role:
            locked.require_another_owner(place)
            place.role = role
            _changed(ParticipantRoleChanged, locked, place)
        return place


def mute(chat_id: UUID, *, user_id: UUID, until: datetime | None, by: Actor) -> Participant:
    """Let somebody of a lower role post nothing before a time; None lets them speak again."""
    with transaction.atomic():
        locked, place = _lock_other(chat_id, user_id, by, Action.MUTE)
        place.muted_until = until
        until_ms = int(until.timestamp() * 1_000) if until else 0
        _changed(ParticipantMuted, locked, place, muted_until=iso(until_ms) if until else None)
        return place


def take_out(locked: Locked, user_id: UUID) -> None:
    """Take somebody out of a locked chat, if they are in it still."""
    place = Participant.objects.select_for_update().filter(chat=locked.chat, user=user_id, is_active=True).first()
    if place is not None:
        _take_out(ParticipantRemoved, locked, place)


def may_be_in(user: User, chat: Chat) -> bool:
    """Whether a chat's company, if it has one, is the person's too, and stays so until the caller's commit."""
    if chat.company_id is None:
        return True
    # Locked: who leaves the company meanwhile leaves this chat by a chore, which must find them in it.
    return CompanyMember.objects.select_for_update().filter(company=chat.company_id, user=user).first() is not None


def _require_ways_out(chat: Chat) -> None:
    """Refuse to take somebody out of a chat that they would be let into again."""
    if chat.chat_type == Kind.COMPANY:
        raise Conflict("Everybody of the company is in this chat; mute who disturbs it.")


def _lock_other(chat_id: UUID, user_id: UUID, by: Actor, action: Action) -> tuple[Locked, Participant]:
    """The locked chat and somebody of a lower role in it, whom an action is for."""
    locked = lock(chat_id, by)
    locked.require(action)
    place = locked.place(user_id)
    policy.require_above(locked.role, Role(place.role))
    return locked, place


def _take_out(event: type[MembershipChanged], locked: Locked, place: Participant, **more: Any) -> str:
    place.is_active = False
    Invite.objects.filter(chat=locked.chat, created_by=place.user_id).delete()
    return _changed(event, locked, place, count=-1, **more)


def _changed(event: type[MembershipChanged], locked: Locked, place: Participant, *, count: int = 0, **more: Any) -> str:
    """Save a place and its chat, and append the event; answers its id."""
    chat = locked.chat
    chat.count(count)
    place.version = max(locked.changed("participant_count", "mode"), (place.version or 0) + 1)
    if count > 0:
        place.joined_at = datetime.now(UTC)
    # What projections write beside this is not read under the lock: it stays as it is.
    changed = ("role", "is_active", "muted_until", "joined_at", "version")
    place.save(update_fields=None if place._state.adding else changed)
    happened = event(
        room_id=str(chat.id),
        user_id=str(place.user_id),
        by=str(locked.by.id),
        role=place.role,
        count=chat.participant_count,
        members_version=chat.members_version,
        **more,
    )
    return record_membership(happened, locked, version=place.version)
