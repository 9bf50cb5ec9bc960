"""Who is in a chat: rosters kept in memory, by version.

A roster is read again when a change of membership asks for a newer one, and
every minute in case the notice of a change was lost. After the first read a
send touches no database.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from chat import policy
from chat.models import Chat, Participant
from chat.policy import OVERRIDABLE, Mode, Overrides, Role, Seat
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import NotFound
from chatsite.kernel.ids import ChatId, UserId

ROSTERS = 10_000  # chats whose members are kept, about 100 bytes a member
REREAD_SECONDS = 60.0
DOUBT_SECONDS = 0.2  # whoever is no member by a roster as old as this may be one by now


class Roster(NamedTuple):
    """Who is in a chat, and what decides what they may do there."""

    version: int
    members: dict[str, Seat]
    is_archived: bool
    overrides: Overrides
    slow_mode_seconds: int
    expire_seconds: int
    link_previews: bool
    mode: Mode
    company: UUID | None


NOBODY = Roster(
    0,
    {},
    is_archived=False,
    overrides={},
    slow_mode_seconds=0,
    expire_seconds=0,
    link_previews=False,
    mode=Mode.FULL,
    company=None,
)


@dataclass
class _Kept:
    roster: Roster | None = None
    read_at: float = 0.0  # when the read of it began
    needed: int = 0  # a roster below this version is stale
    reading: "asyncio.Task[None] | None" = None  # for all who ask meanwhile

    def need(self, version: int) -> None:
        """An older roster than this is stale."""
        self.needed = max(self.needed, version)

    def is_good(self, *, asked_at: float, since: float) -> bool:
        """Whether it can be answered: read after it was asked for, or not stale and read since a moment."""
        if self.roster is None or self.read_at >= asked_at:
            return self.roster is not None
        is_fresh = self.roster.version >= self.needed and asked_at - self.read_at < REREAD_SECONDS
        return is_fresh and self.read_at >= since


_kept: OrderedDict[ChatId, _Kept] = OrderedDict()


@lru_cache(maxsize=ROSTERS)
def chat_id(text: str) -> ChatId:
    """The chat of an id in its one canonical form; anything else is nobody's chat."""
    try:
        chat = ChatId(UUID(text))
    except ValueError:
        raise NotFound() from None
    if str(chat) != text:
        raise NotFound()
    return chat


def need(chat: ChatId, version: int) -> None:
    """Say that the membership of a chat has reached a version: older rosters are stale."""
    if (kept := _kept.get(chat)) is not None:
        kept.need(version)


async def roster(chat: ChatId, *, since: float = float("-inf")) -> Roster:
    """The members of a chat, as read since a moment (monotonic); an absent chat has none.

    All who ask at once share a read: hundreds come back to a chat together.
    """
    if (kept := _kept.get(chat)) is None:
        kept = _kept[chat] = _Kept()
    _kept.move_to_end(chat)
    asked_at = time.monotonic()
    while kept.roster is None or not kept.is_good(asked_at=asked_at, since=since):
        if kept.reading is None or kept.reading.get_loop() is not asyncio.get_running_loop():
            kept.reading = asyncio.create_task(_keep(chat, kept))
        await asyncio.shield(kept.reading)
    return kept.roster


async def _keep(chat: ChatId, kept: _Kept) -> None:
    reading, read_at = asyncio.current_task(), time.monotonic()
    try:
        kept.roster, kept.read_at = await in_db_thread(_read, chat), read_at
    finally:
        if kept.reading is reading:
            kept.reading = None
    _forget_oldest()


async def _roster_with(chat: ChatId, users: set[str]) -> Roster:
    """The members of a chat, read once more where it does not know somebody: they may have come in elsewhere."""
    known = await roster(chat)
    if not all(user in known.members for user in users) and settings.SHARED:
        known = await roster(chat, since=time.monotonic() - DOUBT_SECONDS)
    return known


async def require_seat(chat: ChatId, user: UserId) -> Seat:
    """The place of a participant; NotFound for everybody else."""
    if (seat := (await _roster_with(chat, {str(user)})).members.get(str(user))) is None:
        raise NotFound()
    return seat


async def require_open_roster(chat: ChatId, user: UserId) -> tuple[Roster, Seat]:
    """The roster and place of a participant of a chat that takes changes; NotFound, or Conflict when archived."""
    members = await _roster_with(chat, {str(user)})
    if (seat := members.members.get(str(user))) is None:
        raise NotFound()
    policy.require_open(is_archived=members.is_archived)
    return members, seat


async def who_may_hear(users: Iterable[str], subject: str, *, version: int) -> set[str]:
    """Those of some people who are in the chat of this id, by its members at `version` or later."""
    try:
        chat = chat_id(subject)
    except NotFound:
        return set()
    need(chat, version)
    if not (asked := set(users)):
        return asked
    members = (await _roster_with(chat, asked)).members
    return {user for user in asked if user in members}


async def heard_by(user: str, versions: Mapping[str, int]) -> set[str]:
    """Those of some chats that a person is in, by the members of each at its version or later."""
    asked_at, heard, others = time.monotonic(), set(), []
    for subject, version in versions.items():
        chat = _find_chat_id(subject)
        if chat is not None and (kept := _kept.get(chat)) is not None:
            kept.need(version)
            is_good = kept.is_good(asked_at=asked_at, since=float("-inf"))
            if is_good and kept.roster is not None and user in kept.roster.members:
                _kept.move_to_end(chat)
                heard.add(subject)
                continue
        others.append(subject)
    if others:
        await foresee(others)
    return heard | {one for one in others if await who_may_hear((user,), one, version=versions[one])}


async def mode_of(subject: str) -> str:
    """How those who hear everything of theirs hear a chat: "full" or "activity"."""
    try:
        return (await roster(chat_id(subject))).mode
    except NotFound:
        return Mode.FULL


async def foresee(subjects: Collection[str]) -> None:
    """Read together who is in chats that are about to be asked about, where that is not known; large ones apart."""
    asked_at, unknown = time.monotonic(), dict[ChatId, _Kept]()
    for chat in {chat for chat in map(_find_chat_id, subjects) if chat is not None}:
        kept = _kept.get(chat) or _Kept()
        if kept.reading is None and not kept.is_good(asked_at=asked_at, since=float("-inf")):
            unknown[chat] = kept
    if unknown:
        _kept.update(unknown)
        reading = asyncio.create_task(_keep_small(unknown))
        for kept in unknown.values():
            kept.reading = reading
        await asyncio.shield(reading)


async def _keep_small(unknown: dict[ChatId, _Kept]) -> None:
    reading, read_at = asyncio.current_task(), time.monotonic()
    try:
        for chat, members in (await in_db_thread(_read_small, unknown.keys())).items():
            unknown[chat].roster, unknown[chat].read_at = members, read_at
    finally:
        for kept in unknown.values():
            if kept.reading is reading:
                kept.reading = None
    _forget_oldest()


def _find_chat_id(text: str) -> ChatId | None:
    try:
        return chat_id(text)
    except NotFound:
        return None


def _forget_oldest() -> None:
    while len(_kept) > ROSTERS:
        _kept.popitem(last=False)


_COLUMNS = (
    "id",
    "members_version",
    "is_archived",
    "permissions",
    "slow_mode_seconds",
    "expire_seconds",
    "link_previews",
    "mode",
    "company_id",
)


def _read(chat: ChatId) -> Roster:
    return _read_all(Chat.objects.filter(id=chat)).get(chat, NOBODY)


def _read_small(chats: Collection[ChatId]) -> dict[ChatId, Roster]:
    """Those of some chats that are so small that all of them together are few rows; the absent ones too."""
    large = set(Chat.objects.filter(id__in=chats).exclude(mode=Mode.FULL).values_list("id", flat=True))
    small = {chat: NOBODY for chat in chats if chat not in large}
    return small | _read_all(Chat.objects.filter(id__in=small, mode=Mode.FULL))


def _read_all(chats: QuerySet[Chat]) -> dict[ChatId, Roster]:
    # The versions first: a change that comes in between makes a roster look older than it is.
    rows = list(chats.values_list(*_COLUMNS))
    members: dict[ChatId, dict[str, Seat]] = {ChatId(row[0]): {} for row in rows}
    people = Participant.objects.filter(chat_id__in=members, is_active=True)
    for chat, user, role, until in people.values_list("chat_id", "user_id", "role", "muted_until"):
        members[ChatId(chat)][str(user)] = Seat(Role(role), int(until.timestamp() * 1_000) if until else 0)
    return {
        ChatId(chat): Roster(
            version,
            members[ChatId(chat)],
            is_archived=is_archived,
            overrides={OVERRIDABLE[name]: Role(role) for name, role in permissions.items()},
            slow_mode_seconds=slow_mode,
            expire_seconds=expire,
            link_previews=previews,
            mode=Mode(mode),
            company=company,
        )
        for chat, version, is_archived, permissions, slow_mode, expire, previews, mode, company in rows
    }
