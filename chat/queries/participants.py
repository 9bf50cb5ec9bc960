"""Who is in a chat: rosters kept in memory, by version.

A roster is read again when a change of membership asks for a newer one, and
every minute in case the notice of a change was lost. After the first read a
send touches no database.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

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
    mode: Mode


NOBODY = Roster(0, {}, is_archived=False, overrides={}, slow_mode_seconds=0, mode=Mode.FULL)


@dataclass
class _Kept:
    roster: Roster | None = None
    read_at: float = 0.0  # when the read of it began
    needed: int = 0  # a roster below this version is stale
    reading: "asyncio.Task[None] | None" = None  # for all who ask meanwhile

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
        kept.needed = max(kept.needed, version)


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
    while len(_kept) > ROSTERS:
        _kept.popitem(last=False)


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


async def mode_of(subject: str) -> str:
    """How those who hear everything of theirs hear a chat: "full" or "activity"."""
    try:
        return (await roster(chat_id(subject))).mode
    except NotFound:
        return Mode.FULL


def _read(chat: ChatId) -> Roster:
    # The version first: a change that comes in between makes this roster look older than it is.
    row = (
        Chat.objects.filter(id=chat)
        .values_list("members_version", "is_archived", "permissions", "slow_mode_seconds", "mode")
        .first()
    )
    if row is None:
        return NOBODY
    version, is_archived, permissions, slow_mode, mode = row
    people = Participant.objects.filter(chat_id=chat, is_active=True).values_list("user_id", "role", "muted_until")
    return Roster(
        version,
        {str(user): Seat(Role(role), int(until.timestamp() * 1_000) if until else 0) for user, role, until in people},
        is_archived=is_archived,
        overrides={OVERRIDABLE[name]: Role(role) for name, role in permissions.items()},
        slow_mode_seconds=slow_mode,
        mode=Mode(mode),
    )
