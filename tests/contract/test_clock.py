"""Worker leases: no two processes mint under one number, and no id is minted twice."""

from datetime import UTC, datetime, timedelta

import pytest

from chatsite.kernel import clock
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.ids import SERVE_WORKER, id_at, make_id, ms_of
from chatsite.kernel.models import WorkerLease
from chatsite.kernel.restored import raise_leases

pytestmark = pytest.mark.django_db(transaction=True)


def worker_of(message_id: int) -> int:
    """The worker number inside an id."""
    return message_id >> 12 & 1023


def test_without_a_lease_nothing_is_minted() -> None:
    with pytest.raises(Unavailable):
        clock.mint()
    with pytest.raises(Unavailable):
        clock.version()


def test_a_command_takes_a_free_number_and_gives_it_back() -> None:
    WorkerLease.objects.create(
        worker=1, holder="another", expires_at=datetime.now(UTC) + timedelta(minutes=5), minted_up_to=0
    )
    with clock.leased():
        minted = [clock.mint() for _ in range(5)]
        assert {worker_of(one) for one in minted} == {2}
        assert minted == sorted(set(minted))
    row = WorkerLease.objects.get(worker=2)
    assert row.expires_at <= datetime.now(UTC)
    assert row.minted_up_to >= clock.now_ms() - 60_000


def test_a_number_whose_ids_reach_ahead_is_left_alone() -> None:
    past = datetime.now(UTC) - timedelta(minutes=5)
    WorkerLease.objects.create(worker=1, holder="dead", expires_at=past, minted_up_to=clock.now_ms() + 5_000)
    with clock.leased():
        assert worker_of(clock.mint()) == 2


def test_serve_starts_above_the_highest_id_of_the_log() -> None:
    highest = make_id(ms_of(make_id(0, 0, 0)) + 90_000_000_000, 7, 9)
    with clock.leased(SERVE_WORKER, above=highest):
        assert clock.mint() > highest
        assert worker_of(clock.mint()) == SERVE_WORKER


def test_an_id_heard_from_elsewhere_is_below_the_next() -> None:
    with clock.leased():
        foreign = make_id(ms_of(clock.mint()) + 2_000, 900, 3)
        clock.see(foreign)
        assert clock.mint() > foreign


def test_a_lease_inside_a_lease_is_the_same() -> None:
    with clock.leased():
        outer = worker_of(clock.mint())
        with clock.leased():
            assert worker_of(clock.mint()) == outer
        assert worker_of(clock.mint()) == outer


def test_after_a_restore_no_number_mints_below_what_was_used() -> None:
    used = clock.now_ms() + 3_000  # as far ahead as a clock may have been in what was lost
    WorkerLease.objects.create(worker=1, holder="lost", expires_at=datetime.now(UTC), minted_up_to=0)
    raise_leases("default", now_ms=used)
    with clock.leased(SERVE_WORKER):
        assert clock.mint() > id_at(used)
    with clock.leased():
        assert worker_of(clock.mint()) == 2
