"""The rules of staff: a snapshot in memory, so that what is said asks no database for them.

A server reads their version every two seconds, and them where it has changed. In a process
without that watch whoever asks reads them, where what is known is ten seconds old.
"""

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Sum

from chat.models import ModerationRule
from chat.rules import Deed, Kind, Rule, Rules, finder_of
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import DomainError, Unavailable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
STALE_SECONDS = 10.0


@dataclass
class _Kept:
    """What this process knows of the rules."""

    rules: Rules | None = None
    version: tuple[int, int] | None = None
    read_at: float = float("-inf")  # monotonic
    reading: "asyncio.Task[None] | None" = None  # for all who ask meanwhile


_kept = _Kept()


async def rules() -> Rules:
    """The rules as they were some seconds ago; Unavailable where none were ever read and none can be."""
    if _kept.rules is None or time.monotonic() - _kept.read_at > STALE_SECONDS:
        if _kept.reading is None or _kept.reading.done() or _kept.reading.get_loop() is not asyncio.get_running_loop():
            _kept.reading = asyncio.create_task(_read_again())
        await asyncio.shield(_kept.reading)
    if _kept.rules is None:
        raise Unavailable(code="store_unavailable", retry_after_ms=1_000)
    return _kept.rules


def forget() -> None:
    """Have whoever asks next in this process read them again: they were changed here."""
    _kept.read_at = float("-inf")


async def watch_rules() -> None:
    """Keep what this process knows of them some seconds old; runs until cancelled."""
    while True:
        await _read_again()
        await asyncio.sleep(LOOK_SECONDS)


async def _read_again() -> None:
    """Read them where they have changed; while the database is away those that are known stay."""
    began = time.monotonic()
    try:
        found = await in_db_thread(_read, _kept.version)
    except (DatabaseError, InterfaceError, Unavailable) as error:
        logger.warning("the rules are not read again this time: %s", error)
        _kept.read_at = began if _kept.rules is not None else _kept.read_at
        return
    if found is not None:
        _kept.version, _kept.rules = found
    _kept.read_at = began


def _read(known: tuple[int, int] | None) -> tuple[tuple[int, int], Rules] | None:
    """Their version and they themselves; None where the version is the one that is known."""
    active = ModerationRule.objects.filter(is_active=True)
    # Their sum, for of two changes the one with the lower version may be committed last.
    counted = active.aggregate(count=Count("id"), versions=Sum("version"))
    version = counted["count"], int(counted["versions"] or 0)
    if version == known:
        return None
    of_company, of_chat = defaultdict[UUID, list[Rule]](list), defaultdict[UUID, list[Rule]](list)
    everywhere: list[Rule] = []
    for row in active.order_by("version"):
        try:
            rule = ready(row)
        except DomainError as error:
            # It was one under an earlier release, or is nobody's work: the others judge all the same.
            logger.warning("rule %s is none any more: %s", row.id, error.detail)
            continue
        if row.chat_id is not None:
            of_chat[row.chat_id].append(rule)
        elif row.company_id is not None:
            of_company[row.company_id].append(rule)
        else:
            everywhere.append(rule)
    return version, Rules(everywhere, dict(of_company), dict(of_chat))


def ready(row: ModerationRule) -> Rule:
    """A rule that can judge; it was found to be one when it was kept."""
    find = finder_of(Kind(row.kind), row.patterns)
    return Rule(row.id, row.name, Deed(row.deed), row.notice, row.version // 1_000, find)
