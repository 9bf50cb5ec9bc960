"""The clock of this process: ids and versions under its leased worker number.

`serve` of the embedded shape is worker 0, guarded by the folder lock; a command
beside it leases one of 1-959 for ten minutes. While the lease is held a thread
keeps the row's `minted_up_to` 10 s ahead of the clock, so that whoever takes the
number next starts above every id minted under it.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connections, transaction

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


def version() -> int:
    """A version, in microseconds since 1970, above every earlier one; Unavailable without a lease."""
    held = _require_held()
    with held.lock:
        return held.clock.version(now_us=time.time_ns() // 1_000)


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
    now, moment = datetime.now(UTC), now_ms()
    fresh = {"holder": _holder, "expires_at": now + LEASE, "minted_up_to": moment + AHEAD_MS}
    with transaction.atomic():
        if worker is None:
            busy = set(WorkerLease.objects.filter(expires_at__gt=now).values_list("worker", flat=True))
            busy |= set(WorkerLease.objects.filter(minted_up_to__gte=moment).values_list("worker", flat=True))
            worker = next((number for number in LEASED_WORKERS if number not in busy), None)
            if worker is None:
                raise Unavailable("All worker numbers are leased; wait ten minutes.", code="clock_skew")
        before = WorkerLease.objects.filter(worker=worker).values_list("minted_up_to", flat=True).first()
        return WorkerLease.objects.update_or_create(worker=worker, defaults=fresh)[0], before or 0


def _renew_until(held: _Held, stop: threading.Event) -> None:
    row = WorkerLease.objects.filter(worker=held.clock.worker, holder=_holder)
    while not stop.wait(RENEW_SECONDS):
        up_to = max(now_ms(), held.clock.minted_up_to) + AHEAD_MS
        try:
            if not row.update(expires_at=datetime.now(UTC) + LEASE, minted_up_to=up_to):
                logger.critical("ALERT worker number %d was taken by another process", held.clock.worker)
                break
        except DatabaseError as error:
            logger.warning("The lease on worker number %d was not renewed: %s", held.clock.worker, error)
            continue
        held.written_up_to = up_to
    if stop.is_set() and held.clock.worker != SERVE_WORKER:
        row.update(expires_at=datetime.now(UTC), minted_up_to=held.clock.minted_up_to)
    connections["default"].close()
