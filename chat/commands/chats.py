"""Making, changing and ending chats: facts of Django's database.

Each command runs in one transaction with its event in the outbox.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from chat.commands.companies import FILL_COMPANY_CHAT
from chat.commands.locking import Actor, Locked, lock, note, record
from chat.commands.participants import let_in, may_be_in
from chat.events import (
    ChatArchived,
    ChatCreated,
    ChatHardDeleted,
    ChatRestored,
    ChatUpdated,
    Member,
    PersonChatAdded,
    PersonChatRemoved,
)
from chat.models import Chat, Erased, IncomingWebhook, Participant
from chat.policy import OVERRIDABLE, Action, Kind, Role
from chat.queries.erased import CHAT
from chatsite.accounts.commands import bots
from chatsite.accounts.models import Company, CompanyMember, User
from chatsite.accounts.policy import printable
from chatsite.accounts.queries import colleagues
from chatsite.kernel import chores, clock
from chatsite.kernel.errors import Forbidden, Invalid, NotFound, NotSupported

MAX_NAME = 255
MAX_DESCRIPTION = 1_000
MAX_SLOW_MODE = 6 * 3_600  # seconds
_FOR_STAFF = ("messageflag", "moderationrule")  # what no receipt tells of
_LIVES = (60, 366 * 86_400)  # seconds that messages may stay where they do not stay for good
MAX_NEW_PARTICIPANTS = 1_000  # of one request; more are added by later ones
MAX_DIRECT = 9  # people of one direct chat
KINDS = (Kind.GROUP, Kind.ANNOUNCEMENT, Kind.PUBLIC, Kind.COMPANY)


def create(*, creator: User, name: str, people: Sequence[UUID], kind: str = Kind.GROUP) -> tuple[Chat, str]:
    """A new chat of the creator's company with its creator as owner; answers it and the id of its event.

    Into a company chat everybody of the company is let in by a chore. Raises Invalid
    for a bad name, too many people or no company where one is needed, NotFound for
    somebody who is not of that company, Forbidden where only staff may.
    """
    name = require_name(name)
    others = set(people) - {creator.id}
    if len(others) > MAX_NEW_PARTICIPANTS:
        raise Invalid(f"at most {MAX_NEW_PARTICIPANTS} at once.", field="participants")
    with transaction.atomic():
        company = CompanyMember.objects.filter(user=creator).order_by("joined_at").first()
        if kind in (Kind.PUBLIC, Kind.COMPANY) and company is None:
            raise Invalid("it would be a company's, and you are in none.", field="chat_type")
        if kind == Kind.COMPANY and not creator.is_staff:
            raise Forbidden("Only staff make a chat of the whole company.")
        if kind == Kind.COMPANY and others:
            raise Invalid("everybody of the company is in it.", field="participants")
        found = colleagues(creator).filter(id__in=others)
        if company:
            found = found.filter(companies=company.company_id)
        members = [creator, *found]
        if len(members) != len(others) + 1:
            raise NotFound("Somebody of `participants` does not exist.")
        chat = Chat(
            name=name,
            chat_type=kind,
            company_id=company.company_id if company else None,
            created_by=creator,
            permissions={"post": Role.MODERATOR} if kind == Kind.ANNOUNCEMENT else {},
        )
        roles = {member: Role.OWNER if member == creator else Role.MEMBER for member in members}
        event_id = store_new(chat, roles, creator=creator)
        if kind == Kind.COMPANY:
            chores.add(FILL_COMPANY_CHAT, key=str(chat.id), payload={"chat": str(chat.id)})
        return chat, event_id


def direct(*, creator: User, with_whom: Collection[UUID]) -> tuple[Chat, str | None]:
    """The chat of two or a few people, made once however many ask; the id of its event where it is new.

    Raises Invalid for oneself or too many, NotFound where they are not all of one company of the creator's.
    """
    wanted = set(with_whom)
    if not wanted or creator.id in wanted:
        raise Invalid("name others than yourself.", field="user_ids" if len(wanted) > 1 else "user_id")
    if len(wanted) >= MAX_DIRECT:
        raise Invalid(f"at most {MAX_DIRECT - 1}; make a group of more.", field="user_ids")
    others = list(colleagues(creator).filter(id__in=wanted).order_by("id"))
    company = _shared_company(creator, others)
    if len(others) != len(wanted) or company is None:
        raise NotFound("There is no such person.")
    people = (creator, *others)
    kind = Kind.DIRECT if len(people) == 2 else Kind.GROUP_DIRECT
    pair = ":".join(sorted(str(user.id) for user in people))
    if kind is Kind.GROUP_DIRECT:
        pair = f"of:{hashlib.sha256(pair.encode()).hexdigest()}"
    try:
        with transaction.atomic():
            if (chat := Chat.objects.select_for_update().filter(pair=pair).first()) is not None:
                return chat, _come_back(chat, people, by=creator)
            chat = Chat(chat_type=kind, pair=pair, company=company, created_by=creator)
            return chat, store_new(chat, dict.fromkeys(people, Role.MEMBER), creator=creator)
    except IntegrityError:  # Another one of them asked in the same moment, and was first.
        return Chat.objects.get(pair=pair), None


def _shared_company(creator: User, others: Collection[User]) -> Company | None:
    """The first company of somebody's that others are all in."""
    mine = Company.objects.filter(companymember__user=creator)
    for other in others:
        mine = mine.filter(id__in=CompanyMember.objects.filter(user=other).values("company"))
    return mine.order_by("companymember__joined_at").first()


def _come_back(chat: Chat, people: Collection[User], *, by: User) -> str | None:
    """Let those of a direct chat in again who were taken out with their company; the id of the last event."""
    locked = Locked(chat, by, Role.MEMBER, is_staff=False)
    there = set(Participant.objects.filter(chat=chat, is_active=True).values_list("user_id", flat=True))
    event_id = None
    for user in people:
        if user.id not in there:
            # Of a few people the others may have gone on talking, in a company that is not this one's any more.
            if chat.chat_type == Kind.GROUP_DIRECT and not may_be_in(user, chat):
                raise NotFound("There is no such person.")
            _, event_id = let_in(locked, user, Role.MEMBER)
    return event_id


def update(chat_id: UUID, changes: Mapping[str, Any], *, by: Actor) -> Chat:
    """Change name, description, permissions or another setting of a chat; all of `changes` or nothing.

    Raises NotFound, Forbidden, Conflict, Invalid, NotSupported for what is switched off on this server.
    """
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.RENAME)
        chat = locked.chat
        if "permissions" in changes:
            changes = {**changes, "permissions": _merged(chat.permissions, changes["permissions"])}
        for name, value in changes.items():
            setattr(chat, name, _CHECKS[name](value))
        version = locked.changed(*changes)
        event = ChatUpdated(
            room_id=str(chat.id),
            by=str(locked.by.id),
            members_version=chat.members_version,
            name=chat.name,
            description=chat.description,
            permissions=chat.permissions,
            slow_mode_seconds=chat.slow_mode_seconds,
            expire_seconds=chat.expire_seconds,
            link_previews=chat.link_previews,
        )
        record(event, key=chat.id, actor=locked.by, version=version)
        return chat


def archive(chat_id: UUID, *, by: Actor) -> None:
    """Let a chat take nothing new; archiving it twice changes nothing."""
    _set_archived(chat_id, by=by, archived=True)


def restore(chat_id: UUID, *, by: Actor) -> None:
    """Let an archived chat go on."""
    _set_archived(chat_id, by=by, archived=False)


def erase(chat_id: UUID, *, by: Actor) -> Erased:
    """Delete a chat for good, with everything in it; answers the receipt that tells when all is gone."""
    with transaction.atomic():
        locked = lock(chat_id, by, even_archived=True)
        locked.require(Action.OWN)
        chat = Chat.objects.select_for_update().get(id=chat_id)  # Nobody refers to it from here on.
        locked = dataclasses.replace(locked, chat=chat)
        members = list(Participant.objects.filter(chat=chat, is_active=True).values_list("user_id", flat=True))
        bots.silence(list(IncomingWebhook.objects.filter(chat=chat).values_list("bot", flat=True)))
        version = locked.changed()
        _, rows = chat.delete()
        receipt = Erased.objects.create(
            kind=CHAT,
            members=[str(member) for member in members],
            subject=chat_id,
            by=locked.by,
            counts={_model(name): n for name, n in rows.items() if _model(name) not in _FOR_STAFF},
        )
        if reports := sum(n for name, n in rows.items() if _model(name) == "messageflag"):
            note("chat.message.flags.erased", chat_id, locked.by, {"reports": str(reports)}, is_staff=locked.is_staff)
        event = ChatHardDeleted(
            room_id=str(chat_id),
            by=str(locked.by.id),
            members_version=chat.members_version,
            receipt_id=str(receipt.id),
        )
        record(event, key=chat_id, actor=locked.by, version=version, is_staff=locked.is_staff)
        for member in members:
            told = PersonChatRemoved(user_id=str(member), room_id=str(chat_id))
            record(told, key=member, actor=locked.by, version=version)
        return receipt


def _model(name: str) -> str:
    return name.rpartition(".")[2].lower()


def finish_erasing(receipt_id: UUID, counts: Mapping[str, int]) -> None:
    """Complete the receipt of what was erased; a second time changes nothing."""
    with transaction.atomic():
        receipt = Erased.objects.select_for_update().filter(id=receipt_id, finished_at=None).first()
        if receipt is not None:
            receipt.counts |= counts
            receipt.finished_at = datetime.now(UTC)
            receipt.save(update_fields=["counts", "finished_at"])


def require_name(name: object) -> str:
    """A chat's name without what would break a line or a direction of writing."""
    clean = _printable(name, "name")
    if not clean or len(clean) > MAX_NAME:
        raise Invalid(f"1 to {MAX_NAME} printable characters.", field="name")
    return clean


def store_new(chat: Chat, roles: Mapping[User, Role], *, creator: User) -> str:
    """Store a new chat with its people and append its events; answers the id of the first."""
    chat.version = version = clock.version()
    chat.count(len(roles))
    chat.save(force_insert=True)
    Participant.objects.bulk_create(
        [Participant(chat=chat, user=user, role=role, version=version) for user, role in roles.items()]
    )
    event = ChatCreated(
        room_id=str(chat.id),
        name=chat.name,
        chat_type=chat.chat_type,
        company_id=str(chat.company_id) if chat.company_id else None,
        created_by=str(creator.id),
        participants=[Member(user_id=str(user.id), role=role) for user, role in roles.items()],
        members_version=chat.members_version,
    )
    event_id = record(event, key=chat.id, actor=creator, version=version)
    for user, role in roles.items():
        told = PersonChatAdded(
            user_id=str(user.id), room_id=str(chat.id), role=role, members_version=chat.members_version
        )
        record(told, key=user.id, actor=creator, version=version)
    return event_id


def _set_archived(chat_id: UUID, *, by: Actor, archived: bool) -> None:
    with transaction.atomic():
        locked = lock(chat_id, by, even_archived=True)
        locked.require(Action.OWN)
        if locked.chat.is_archived == archived:
            return
        locked.chat.is_archived = archived
        version = locked.changed("is_archived")
        kind = ChatArchived if archived else ChatRestored
        event = kind(room_id=str(chat_id), by=str(locked.by.id), members_version=locked.chat.members_version)
        record(event, key=chat_id, actor=locked.by, version=version, is_staff=locked.is_staff)


def _printable(text: object, field: str) -> str:
    if not isinstance(text, str):
        raise Invalid("expected a string.", field=field)
    return printable(text)


def _require_description(text: object) -> str:
    if len(clean := _printable(text, "description")) > MAX_DESCRIPTION:
        raise Invalid(f"at most {MAX_DESCRIPTION} characters.", field="description")
    return clean


def _merged(permissions: Mapping[str, str], given: object) -> object:
    """Permissions with some set anew; null takes the chat's own rule away."""
    return {**permissions, **given} if isinstance(given, dict) else given


def _require_permissions(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not given.keys() <= OVERRIDABLE.keys():
        raise Invalid(f"expected an object of {', '.join(OVERRIDABLE)}.", field="permissions")
    try:
        return {name: Role(role).value for name, role in given.items() if role is not None}
    except ValueError:
        raise Invalid(f"expected one of {', '.join(Role)}.", field="permissions") from None


def _require_slow_mode(seconds: object) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= MAX_SLOW_MODE:
        raise Invalid(f"expected 0 to {MAX_SLOW_MODE} seconds.", field="slow_mode_seconds")
    return seconds


def _require_expiry(seconds: object) -> int:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int)
        or not (seconds == 0 or _LIVES[0] <= seconds <= _LIVES[1])
    ):
        raise Invalid(f"expected 0, or {_LIVES[0]} to {_LIVES[1]:,} seconds.", field="expire_seconds")
    return seconds


def _require_link_previews(wanted: object) -> bool:
    if not isinstance(wanted, bool):
        raise Invalid("expected true or false.", field="link_previews")
    if wanted and not settings.LINK_PREVIEWS:
        raise NotSupported("Link previews are switched off here (CHAT_LINK_PREVIEWS).")
    return wanted


_CHECKS = {
    "name": require_name,
    "description": _require_description,
    "permissions": _require_permissions,
    "slow_mode_seconds": _require_slow_mode,
    "expire_seconds": _require_expiry,
    "link_previews": _require_link_previews,
}
CHANGEABLE = tuple(_CHECKS)
