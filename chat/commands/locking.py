"""What every command on a chat starts and ends with: the lock, and the record.

A command runs in one transaction: the chat's row is locked, the change is made,
its event goes into the outbox and its line into the audit log, or nothing does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from chat import policy
from chat.events import (
    ChatArchived,
    ChatHardDeleted,
    ChatRestored,
    MembershipChanged,
    ParticipantAdded,
    ParticipantBanned,
    ParticipantLeft,
    ParticipantRemoved,
    PersonChatAdded,
    PersonChatRemoved,
)
from chat.models import Chat, Draft, Participant, Reminder, ScheduledMessage
from chat.policy import Action, Role
from chat.queries import participants
from chatsite.accounts import audit
from chatsite.accounts.models import User
from chatsite.gateway.hub import hub
from chatsite.kernel import clock, outbox
from chatsite.kernel.errors import Conflict, NotFound
from chatsite.kernel.events import Payload
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId

# What of a chat goes into the audit log: who came, went and may what, and its end.
_AUDITED = (MembershipChanged, ChatArchived, ChatRestored, ChatHardDeleted)


MAX_REASON = 200  # characters of why somebody was banned, or a message deleted


@dataclass(frozen=True)
class Staff:
    """Somebody who acts through the admin: with an owner's powers, and on the record."""

    user: User


Actor = User | Staff


@dataclass(frozen=True)
class Locked:
    """A chat that no other command changes meanwhile, and who changes it."""

    chat: Chat
    by: User
    role: Role
    is_staff: bool

    def require(self, action: Action) -> None:
        """Refuse an action that the role does not allow here, and staff to change who is in a direct chat."""
        policy.require(self.role, action, self.chat.overrides)
        if action is Action.MANAGE_PEOPLE and self.chat.pair is not None:
            raise Conflict("A direct chat is for those whom it was made for.")

    def place(self, user_id: UUID) -> Participant:
        """The place of somebody who is in the chat, locked too; NotFound."""
        return place(self.chat.id, user_id, absent="This person is not in the chat.")

    def require_another_owner(self, place: Participant) -> None:
        """Refuse to let the last owner go; one who cannot sign in would own it for nobody."""
        owners = Participant.objects.filter(chat=self.chat, role=Role.OWNER, is_active=True, user__is_active=True)
        others = owners.exclude(id=place.id).count()
        policy.require_another_owner(Role(place.role), owners=others + 1)

    def changed(self, *fields: str) -> int:
        """Save the chat under a new version; answers it. Rosters of before are stale from the commit on."""
        chat = self.chat
        chat.members_version += 1
        chat.version = clock.version(above=chat.version)
        chat.save(update_fields=["members_version", "version", *fields])
        # Until the commit the chat may be deleted, and lose its id.
        key, needed = ChatId(chat.id), chat.members_version
        transaction.on_commit(lambda: _tell(key, needed))
        return chat.version


def place(chat_id: UUID, user_id: UUID, *, absent: str = "") -> Participant:
    """The place of somebody who is in a chat, locked for the caller's transaction; NotFound."""
    found = Participant.objects.select_for_update().filter(chat=chat_id, user=user_id, is_active=True).first()
    if found is None:
        raise NotFound(absent)
    return found


def take_turn(user: User) -> None:
    """Let a person's devices take turns until the caller's commit."""
    # Not against those who refer to the person: they check that at their commit, and may hold what this one wants.
    User.objects.select_for_update(no_key=True).get(id=user.id)


def _tell(chat: ChatId, version: int) -> None:
    participants.need(chat, version)
    hub.tell_changed(str(chat), version)


def lock(chat_id: UUID, by: Actor, *, even_archived: bool = False) -> Locked:
    """The chat, locked for this transaction; NotFound for strangers, Conflict where it is archived."""
    # Not against those who refer to the chat: they check that at their commit, and may hold a place in it.
    chat = Chat.objects.select_for_update(no_key=True).filter(id=chat_id).first()
    if chat is None:
        raise NotFound()
    if isinstance(by, Staff):
        return Locked(chat, by.user, Role.OWNER, is_staff=True)
    mine = Participant.objects.filter(chat=chat, user=by, is_active=True).first()
    if mine is None:
        raise NotFound()
    if not even_archived:
        policy.require_open(is_archived=chat.is_archived)
    return Locked(chat, by, Role(mine.role), is_staff=False)


def record(event: Payload, *, key: UUID, actor: User, version: int, is_staff: bool = False) -> str:
    """Append a fact to the outbox within the transaction; answers its event id."""
    new = fact(event, key=key, actor=actor.id, version=version)
    outbox.append(new)
    _audit(event, key, actor, is_staff=is_staff)
    return new.event_id


def record_membership(event: MembershipChanged, locked: Locked, *, version: int) -> str:
    """Append a change of membership, and tell its person where it brings or takes the chat."""
    chat_id = locked.chat.id
    person = UUID(event.user_id)
    records = [fact(event, key=chat_id, actor=locked.by.id, version=version)]
    match event:
        case ParticipantAdded():
            told: Payload | None = PersonChatAdded(
                user_id=event.user_id, room_id=event.room_id, role=event.role, members_version=event.members_version
            )
        case ParticipantRemoved() | ParticipantLeft() | ParticipantBanned():
            told = PersonChatRemoved(user_id=event.user_id, room_id=event.room_id)
            Draft.objects.filter(chat=chat_id, user=person).delete()
            ScheduledMessage.objects.filter(chat=chat_id, user=person).delete()
            Reminder.objects.filter(chat=chat_id, user=person).delete()
        case _:
            told = None
    if told is not None:
        records.append(fact(told, key=person, actor=locked.by.id, version=version))
    outbox.append(*records)
    _audit(event, chat_id, locked.by, is_staff=locked.is_staff)
    return records[0].event_id


def _audit(event: Payload, chat_id: UUID, actor: User, *, is_staff: bool) -> None:
    if isinstance(event, _AUDITED):
        about = {"user": event.user_id, "role": event.role} if isinstance(event, MembershipChanged) else {}
        note(event.event_type.removesuffix(".v1"), chat_id, actor, about, is_staff=is_staff)


def note(kind: str, chat_id: UUID, actor: User | None, about: Mapping[str, str], *, is_staff: bool = False) -> None:
    """Append an entry about a chat to the audit log; it says where somebody acted as staff."""
    detail = {**about, "staff": True} if is_staff else about
    audit.record(kind, actor=actor.id if actor else None, subject=f"chat:{chat_id}", detail=detail)
