"""What is kept of people's choices, and what one person may see of others."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.module_loading import import_string

from chatsite.accounts.models import User
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from presence import policy
from presence.models import Presence
from presence.policy import Choice, Shown, Status
from presence.stores import presence_store

NOBODY = Shown(Status.OFFLINE, "", 0, 0)
Acquaintances = Callable[[str, Collection[str]], Awaitable[set[str]]]
CloseTo = Callable[[Collection[str]], Awaitable[Mapping[str, set[str]]]]


@cache
def _named(name: str) -> Any:
    return import_string(settings.PRESENCE[name])


async def acquaintances(user: str, among: Collection[str]) -> set[str]:
    """Those of some people whom a person may see, and who may see them."""
    return await cast(Acquaintances, _named("ACQUAINTANCES"))(user, among)


async def close_to(users: Collection[str]) -> Mapping[str, set[str]]:
    """Who is told of some people without having asked."""
    return await cast(CloseTo, _named("CLOSE_TO"))(users)


async def people_among(ids: Collection[str]) -> set[str]:
    """Those of some ids that are somebody's who may sign in."""
    return await in_db_thread(_people, ids)


async def choices_of(users: Collection[str], *, now: int) -> dict[str, Choice]:
    """What some people chose; of who never chose anything the default."""
    rows = await in_db_thread(_rows, users)
    return {user: choice_of(rows[user], now=now) if user in rows else Choice() for user in users}


async def seen_by(viewer: str, users: Sequence[str]) -> dict[str, Shown]:
    """What a person may see of others: strangers and ids of nobody look alike, as people who were never there."""
    allowed = await acquaintances(viewer, users) | {viewer}
    return await shown_of(users, allowed=allowed)


async def online_among(users: Collection[str]) -> set[str]:
    """Those of some people whom others see as ONLINE: not who is idle, busy or hides."""
    found = await presence_store().statuses(list(users))
    return {user for user, shown in found.items() if shown.status is Status.ONLINE}


async def may_be_notified(users: Collection[str]) -> set[str]:
    """Those of some people who are not before a window, and want to be told of what is new now."""
    online, now = await online_among(users), clock.now_ms()
    choices = await choices_of(users, now=now)
    return {user for user in users if user not in online and not policy.wants_quiet(choices[user], now=now)}


async def last_here(users: Collection[str]) -> dict[str, int]:
    """When people who are away were before a window (unix ms), told to nobody else; 0 of who hides it, or never was."""
    found = await presence_store().statuses(list(users))
    rows = await in_db_thread(_rows, users)
    written = {user: _ms(row.last_seen) for user, row in rows.items()}
    return {user: max(found.get(user, NOBODY).last_seen_ms, written.get(user, 0)) for user in users}


async def shown_of(users: Sequence[str], *, allowed: Collection[str]) -> dict[str, Shown]:
    """What others see of people who may be seen; who is gone was seen when it was last written down."""
    asked = [user for user in dict.fromkeys(users) if user in allowed]
    found = await presence_store().statuses(asked)
    gone = [user for user in asked if found.get(user, NOBODY).status is Status.OFFLINE]
    rows = await in_db_thread(_rows, gone) if gone else {}
    last = {user: _last_shown(rows.get(user), found.get(user)) for user in gone}
    return {user: last.get(user) or found.get(user, NOBODY) for user in users}


def choice_of(row: Presence, *, now: int) -> Choice:
    """A kept choice, with its quiet hours as they are next."""
    quiet = (0, 0)
    if row.quiet_start is not None and row.quiet_end is not None:
        quiet = policy.quiet_hours(row.quiet_start, row.quiet_end, ZoneInfo(row.time_zone or "UTC"), now=now)
    return Choice(Status(row.status), row.text, _ms(row.until), *quiet, row.shows_last_seen, row.version)


def find(user: UUID) -> Presence:
    """What is kept of a person, or what would be of who never chose."""
    return Presence.objects.filter(user_id=user).first() or Presence(user_id=user)


def _people(ids: Collection[str]) -> set[str]:
    return {str(one) for one in User.objects.filter(id__in=list(ids), is_active=True).values_list("id", flat=True)}


def _rows(users: Collection[str]) -> dict[str, Presence]:
    return {str(row.user_id): row for row in Presence.objects.filter(user_id__in=list(users))}


def _last_shown(row: Presence | None, kept: Shown | None) -> Shown:
    """Of who is gone, what the store still keeps or what was written down; the store hears of no choice of theirs."""
    if row is None:
        return kept or NOBODY
    shown = kept or Shown(Status.OFFLINE, "", _ms(row.last_seen), row.seen_version)
    return shown if row.shows_last_seen else shown._replace(last_seen_ms=0)


def _ms(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1_000) if moment else 0
