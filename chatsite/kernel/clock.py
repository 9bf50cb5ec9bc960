"""The clock of this process: ids and versions under its leased worker number.

`serve` of the embedded shape is worker 0, guarded by the folder lock; every other
process leases one of 1-959 for ten minutes. While the lease is held a thread
keeps the row's `minted_up_to` 10 s ahead of the clock, so that whoever takes the
number next starts above every id minted under it.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.ids import LEASED_WORKERS, MIN_ID, SERVE_WORKER, Clock, MessageId, id_at
from chatsite.kernel.models import WorkerLease

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
AHEAD_MS = 10_000
RENEW_SECONDS = 4.0  # two renewals may fail before minting stops at the written moment


@dataclass
class _Held:
    clock: Clock
    written_up_to: int  # Unix ms; nothing above it is minted
    lock: threading.Lock = field(default_factory=threading.Lock)


_holder = uuid.uuid4().hex
_held: _Held | None = None


def now_ms() -> int:
    """The wall clock in Unix ms."""
    return time.time_ns() // 1_000_000


def mint() -> MessageId:
    """A message id above all that this process minted or saw; Unavailable without a lease."""
    held = _require_held()
    with held.lock:
        return held.clock.mint(now_ms=now_ms())


def version(*, above: int = 0) -> int:
    """A version, in microseconds since 1970, above every earlier one of this process; Unavailable without a lease.

    And `above` the one that is to be replaced: another server's clock may have been ahead.
    """
    held = _require_held()
    with held.lock:
        return max(held.clock.version(now_us=time.time_ns() // 1_000), above + 1)


def see(message_id: int) -> None:
    """Mint above an id that was sent from here on to people, wherever it was minted."""
    if _held is not None:
        with _held.lock:
            _held.clock.see(message_id, now_ms=now_ms())


def _require_held() -> _Held:
    if _held is None or now_ms() >= _held.written_up_to:
        raise Unavailable("This process holds no worker number, or its lease ran out.", code="clock_skew")
    return _held


@contextmanager
def leased(worker: int | None = None, *, above: int = MIN_ID) -> Iterator[None]:
    """Hold a worker number: worker 0 starting above `above`, or a free one of 1-959."""
    global _held
    if _held is not None:
        yield  # A command called by another one mints under its caller's number.
        return
    row, minted_up_to = _take_row(worker)
    if worker == SERVE_WORKER:
        # Its last holder minted up to 10 s less, give or take a renewal; what it minted since is in the log.
        above = max(above, id_at(minted_up_to - AHEAD_MS))
    _held = _Held(Clock(row.worker, above=above), row.minted_up_to)
    stop = threading.Event()
    renewer = threading.Thread(target=_renew_until, args=(_held, stop), name="worker-lease", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        _held = None


def _take_row(worker: int | None) -> tuple[WorkerLease, int]:
    """The row of a number, and the Unix ms up to which its last holder may have minted."""
    if worker is not None:
        before = WorkerLease.objects.filter(worker=worker).values_list("minted_up_to", flat=True).first()
        return WorkerLease.objects.update_or_create(worker=worker, defaults=_fresh())[0], before or 0
    busy = set(_busy().values_list("worker", flat=True))
    for number in LEASED_WORKERS:
        # Another process may take the same one at this moment: only one of them finds it free.
        if number not in busy and (row := _take_free(number)):
            return row, 0
    raise Unavailable("All worker numbers are leased; wait ten minutes.", code="clock_skew")


def _take_free(number: int) -> WorkerLease | None:
    _, is_new = WorkerLease.objects.get_or_create(worker=number, defaults=_fresh())
    free = WorkerLease.objects.filter(worker=number, expires_at__lte=datetime.now(UTC), minted_up_to__lt=now_ms())
    if is_new or free.update(**_fresh()):
        return WorkerLease.objects.get(worker=number)
    return None


def _busy() -> QuerySet[WorkerLease]:
    """The numbers that are held, or under which something may have been minted up to now."""
    return WorkerLease.objects.filter(Q(expires_at__gt=datetime.now(UTC)) | Q(minted_up_to__gte=now_ms()))


def _fresh() -> dict[str, Any]:
    return {"holder": _holder, "expires_at": datetime.now(UTC) + LEASE, "minted_up_to": now_ms() + AHEAD_MS}


def _renew_until(held: _Held, stop: threading.Event) -> None:
    while not stop.wait(RENEW_SECONDS):
        try:
            _renew(held)
        except (DatabaseError, Unavailable) as error:
            logger.warning("The lease on worker number %d was not renewed: %s", held.clock.worker, error)
            connections["default"].close()  # It may be broken, and nobody else would open this thread's anew.
    if held.clock.worker != SERVE_WORKER:
        with suppress(DatabaseError):
            _mine(held).update(expires_at=datetime.now(UTC), minted_up_to=held.clock.minted_up_to)
    connections["default"].close()


def _renew(held: _Held) -> None:
    """Keep the number, or take another one where it is another process's now."""
    up_to = max(now_ms(), held.clock.minted_up_to) + AHEAD_MS
    if _mine(held).update(expires_at=datetime.now(UTC) + LEASE, minted_up_to=up_to):
        held.written_up_to = up_to
        return
    logger.critical("ALERT worker number %d was taken by another process", held.clock.worker)
    if held.clock.worker == SERVE_WORKER:
        return  # Two servers of one folder: nothing more is minted here.
    row, _ = _take_row(None)
    with held.lock:
        held.clock.go_on_as(row.worker)
        held.written_up_to = row.minted_up_to


def _mine(held: _Held) -> QuerySet[WorkerLease]:
    return WorkerLease.objects.filter(worker=held.clock.worker, holder=_holder)
