"""Deferred work as rows: added in a command's transaction, run soon after its commit.

    @chores.handles("mail.invite")
    async def send_invite(payload): ...

    with transaction.atomic():
        ...
        chores.add("mail.invite", key=str(invite.id), payload={"invite": str(invite.id)})

A handler must be idempotent: a chore whose process dies runs again as soon as its
claim has ended, some seconds later. What fails comes again later and later; after ten tries the row
stays with its error until `manage.py chores --retry KIND KEY`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.db.models import F, Q, QuerySet

from chatsite.kernel.database import in_db_thread, plain_cursor, text_of
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.models import Chore

logger = logging.getLogger(__name__)

AT_ONCE = 8  # chores that run at the same time; the others wait as rows
POLL_SECONDS = 1.0  # how soon a chore of another process, or one that became due, is found
RUN_SECONDS = 240.0  # a handler that takes longer has failed
CLAIM = timedelta(seconds=20)  # so late a chore is taken up again whose process was killed
HOLD_SECONDS = 5.0  # how often a claim is made longer while its handler runs: three times may fail
TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)  # ten tries take about four hours
MAX_ERROR = 1_000  # characters of an error that are kept

Handler = Callable[[dict[str, Any]], Awaitable[None]]
_handlers: dict[str, Handler] = {}
_at_once: dict[str, int] = {}  # kinds of which fewer run at the same time
_runners: "set[Runner]" = set()
_told: list[Callable[[], None]] = []


def handles(kind: str, *, at_once: int = AT_ONCE) -> Callable[[Handler], Handler]:
    """Register the handler of a kind of chore; a second one is an error. A kind that is slow leaves room to others."""

    def register(handler: Handler) -> Handler:
        _at_once[kind] = at_once
        if _handlers.setdefault(kind, handler) is not handler:
            raise ValueError(f"two handlers for {kind}")
        return handler

    return register


def tell(added: Callable[[], None]) -> None:
    """Have somebody told, after its commit, that a chore was added; for runners of other processes."""
    _told.append(added)


def add(kind: str, *, key: str, payload: Mapping[str, Any], due_at: datetime | None = None) -> None:
    """Leave work for later with the caller's transaction; a key that waits already changes nothing.

    One that runs runs again afterwards: what it has read may be what was before. One
    that was given up starts anew.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("chores.add needs the caller's transaction: use transaction.atomic().")
    new = {"payload": dict(payload), "due_at": due_at or datetime.now(UTC)}
    chore = Chore.objects.select_for_update().filter(kind=kind, key=key).first()
    if chore is None:
        Chore.objects.bulk_create([Chore(kind=kind, key=key, **new)], ignore_conflicts=True)
    elif chore.given_up_at is not None or chore.claimed_until is not None:
        again = {"tries": 0, "error": "", "given_up_at": None, "generation": chore.generation + 1}
        Chore.objects.filter(id=chore.id).update(**new, **again)
    transaction.on_commit(_wake, robust=True)


def drop(kind: str, *, begin: str) -> None:
    """Let chores not be done whose keys begin so, within the caller's transaction; one that runs now goes on."""
    Chore.objects.filter(kind=kind, key__startswith=begin, claimed_until=None).delete()


def waiting(kind: str) -> int:
    """How many chores of a kind are still to be done; what was given up is not."""
    return Chore.objects.filter(kind=kind, given_up_at=None).count()


def retry(kind: str, key: str) -> bool:
    """Try a chore that was given up again, from the first try on; False where there is none."""
    given_up = Chore.objects.filter(kind=kind, key=key, given_up_at__isnull=False)
    again = given_up.update(given_up_at=None, claimed_until=None, tries=0, due_at=datetime.now(UTC))
    return bool(again)


def pause_after(tries: int) -> timedelta:
    """How long a chore waits after so many tries that failed."""
    return min(FIRST_PAUSE * int(3 ** min(tries - 1, TRIES)), LONGEST_PAUSE)


def claim(*, limit: int, now: datetime, running: Counter[str] | None = None) -> list[Chore]:
    """Due chores that nobody else runs, claimed for `CLAIM`, the longest due first; so many of each kind at most.

    `running` are those that run in this process already.
    """
    room = {kind: _at_once.get(kind, AT_ONCE) - (running or Counter())[kind] for kind in _handlers}
    free = [kind for kind, places in room.items() if places > 0]
    due = _kinds_due(now) & set(free)
    if not due:  # A look takes no lock; most of them find nothing.
        return []
    slow = {kind for kind in due if _at_once.get(kind, AT_ONCE) < AT_ONCE}
    with transaction.atomic():
        # Each of its own: however many of a slow kind are due, the others are seen.
        found = [_due(due - slow, limit, now), *[_due([kind], room[kind], now) for kind in slow]]
        chores = sorted((chore for some in found for chore in some), key=lambda chore: chore.due_at)[:limit]
        for chore in chores:
            chore.tries += 1
            chore.claimed_until = now + CLAIM
            chore.save(update_fields=["tries", "claimed_until"])
    return chores


def _kinds_due(now: datetime) -> set[str]:
    moment = connection.ops.adapt_datetimefield_value(now)
    with plain_cursor(DEFAULT_DB_ALIAS) as cursor:
        cursor.execute(_look(), [moment, moment])  # One is for the claims, the other for when they are due.
        return {kind for (kind,) in cursor.fetchall()}


@cache
def _look() -> str:
    return text_of(_claimable(_now()).order_by().values_list("kind", flat=True).distinct())


def _due(kinds: Collection[str], limit: int, now: datetime) -> list[Chore]:
    due = _claimable(now).filter(kind__in=kinds)
    return list(due.select_for_update(skip_locked=True).order_by("due_at")[:limit])


def _claimable(now: datetime) -> QuerySet[Chore]:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return Chore.objects.filter(free, due_at__lte=now, given_up_at=None)


def _wake() -> None:
    for runner in tuple(_runners):
        runner.wake()
    for added in () if _runners else _told:
        added()


def _now() -> datetime:
    return datetime.now(UTC)


class _ClaimLost(Exception):
    """Another process runs the chore by now: this one was away for longer than a claim."""


class Runner:
    """Runs due chores, a few at once, until cancelled."""

    def __init__(self, *, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._running: set[asyncio.Task[None]] = set()  # at most AT_ONCE
        self._kinds: Counter[str] = Counter()  # of what runs
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Look for chores at once, from whatever thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def run(self) -> None:
        """Claim and run; what was running when it is cancelled runs again with the next start."""
        _runners.add(self)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    for chore in await self._claim():
                        task = tasks.create_task(self._run(chore), name=f"chore-{chore.kind}")
                        self._running.add(task)
                        task.add_done_callback(self._done)
                    await self._wait()
        finally:
            _runners.discard(self)

    async def run_due(self) -> None:
        """Run what is due, and what becomes due meanwhile."""
        while claimed := await self._claim():
            await asyncio.gather(*[self._run(chore) for chore in claimed])

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._news.wait()
        self._news.clear()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._news.set()

    async def _claim(self) -> list[Chore]:
        free = AT_ONCE - len(self._running)
        try:
            return await in_db_thread(claim, limit=free, now=self._now(), running=+self._kinds) if free else []
        except (DatabaseError, Unavailable) as error:
            logger.warning("chores wait: %s", error)
            return []

    async def _run(self, chore: Chore) -> None:
        self._kinds[chore.kind] += 1
        try:
            await self._run_once(chore)
        finally:
            self._kinds[chore.kind] -= 1

    async def _run_once(self, chore: Chore) -> None:
        try:
            error = await self._try(chore)
        except asyncio.CancelledError:
            await in_db_thread(_give_back, chore)
            raise
        except _ClaimLost:
            logger.warning("chore %s %s was taken up by another process", chore.kind, chore.key)
            return
        try:
            # What was done is done: a server that stops must not leave it to be done again.
            await asyncio.shield(in_db_thread(_finish, chore, error=error, now=self._now()))
        except (DatabaseError, Unavailable) as away:
            logger.warning("chore %s %s runs again when its claim has ended: %s", chore.kind, chore.key, away)

    async def _try(self, chore: Chore) -> str | None:
        """Run the handler; answers the error, None when it went well."""
        if chore.tries > TRIES:
            return "The process ended each time while this ran."
        work: asyncio.Future[None] = asyncio.ensure_future(_handlers[chore.kind](chore.payload))
        try:
            async with asyncio.timeout(RUN_SECONDS):
                await self._hold(chore, work)
                await work
        except _ClaimLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the other chores
            logger.warning("chore %s %s failed (try %d): %r", chore.kind, chore.key, chore.tries, error)
            return f"{type(error).__name__}: {error}"[:MAX_ERROR]
        finally:
            await _ended(work)
        return None

    async def _hold(self, chore: Chore, work: "asyncio.Future[None]") -> None:
        """Keep the claim of a chore until its work is done; _ClaimLost where another process has taken it up."""
        while not (await asyncio.wait([work], timeout=HOLD_SECONDS))[0]:
            try:
                holds = await in_db_thread(_claim_longer, chore, now=self._now())
            except (DatabaseError, Unavailable) as error:
                logger.warning("chore %s %s may be taken up by another process: %s", chore.kind, chore.key, error)
                continue
            if not holds:
                raise _ClaimLost


async def _ended(work: "asyncio.Future[None]") -> None:
    """End a handler that is not wanted any more, and wait until it has."""
    work.cancel()
    await asyncio.wait([work])
    if not work.cancelled():
        work.exception()  # It was seen, or nobody asks.


def _claim_longer(chore: Chore, *, now: datetime) -> bool:
    """Make the claim of a chore longer; False where it is lost."""
    until = now + CLAIM
    if not Chore.objects.filter(id=chore.id, claimed_until=chore.claimed_until).update(claimed_until=until):
        return False
    chore.claimed_until = until
    return True


@transaction.atomic
def _finish(chore: Chore, *, error: str | None, now: datetime) -> None:
    mine = Chore.objects.select_for_update().filter(id=chore.id, claimed_until=chore.claimed_until)
    if (row := mine.first()) is None:
        return  # Another process has taken it up, and may have done it by now.
    if row.generation != chore.generation:
        # It was added again while it ran: whatever came of this, it runs once more.
        mine.update(claimed_until=None)
    elif error is None:
        mine.delete()
    else:
        _failed(chore, error=error, now=now)


def _failed(chore: Chore, *, error: str, now: datetime) -> None:
    chore.error, chore.claimed_until = error, None
    chore.due_at = now + pause_after(chore.tries)
    if chore.tries >= TRIES:
        chore.given_up_at = now
        logger.critical(
            "ALERT chore %s %s failed %d times: %s. Mend the cause, then run: manage.py chores --retry %s %s",
            chore.kind, chore.key, chore.tries, error, chore.kind, chore.key,
        )  # fmt: skip
    chore.save(update_fields=["error", "claimed_until", "due_at", "given_up_at"])


@transaction.atomic
def _give_back(chore: Chore) -> None:
    """A try that a stopping server cut short counts as none."""
    mine = Chore.objects.filter(id=chore.id, claimed_until=chore.claimed_until)
    mine.filter(generation=chore.generation).update(tries=F("tries") - 1)
    mine.update(claimed_until=None)


async def run_chores() -> None:
    """Run due chores until cancelled."""
    await Runner().run()


async def run_due() -> None:
    """Run the chores that are due now."""
    await Runner().run_due()
