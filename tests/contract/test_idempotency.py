"""Idempotency keys: once made, always the same answer; a failure leaves no trace."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from chatsite.accounts.models import Company
from chatsite.kernel.errors import Conflict, KeyReused
from chatsite.kernel.idempotency import KEPT, Key, forget_old, once
from chatsite.kernel.models import IdempotencyKey

pytestmark = pytest.mark.django_db(transaction=True)
ADA, BEN = uuid.uuid4(), uuid.uuid4()
KEY = Key("k", "body")


def found_company() -> dict[str, str]:
    """Make something, as a command does."""
    return {"company": str(Company.objects.create(name="Made").id)}


def test_a_repeated_request_answers_with_what_was_made() -> None:
    first = once(ADA, KEY, found_company)
    assert once(ADA, KEY, found_company) == first
    assert Company.objects.count() == 1
    assert once(BEN, KEY, found_company) != first
    assert once(ADA, None, found_company) != once(ADA, None, found_company)


def test_another_request_under_the_same_key_is_refused() -> None:
    once(ADA, KEY, found_company)
    with pytest.raises(KeyReused) as refused:
        once(ADA, Key("k", "another body"), found_company)
    assert (refused.value.code, refused.value.status) == ("idempotency_reused", 422)
    assert Company.objects.count() == 1


def test_what_was_refused_can_be_tried_again() -> None:
    def refuse() -> dict[str, str]:
        found_company()
        raise Conflict()

    with pytest.raises(Conflict):
        once(ADA, KEY, refuse)
    assert (Company.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    once(ADA, Key("k", "mended"), found_company)
    assert Company.objects.count() == 1


def test_of_many_at_once_one_runs_and_all_get_its_result() -> None:
    together = threading.Barrier(6)

    def ask() -> dict[str, str]:
        together.wait(10)
        try:
            return once(ADA, KEY, found_company)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        results = [asked.result() for asked in [threads.submit(ask) for _ in range(6)]]
    assert all(result == results[0] for result in results)
    assert Company.objects.count() == 1


def test_a_key_is_forgotten_after_a_day() -> None:
    first = once(ADA, KEY, found_company)
    IdempotencyKey.objects.update(created_at=datetime.now(UTC) - KEPT - timedelta(seconds=1))
    assert once(ADA, KEY, found_company) != first
    assert forget_old(datetime.now(UTC) + KEPT - timedelta(seconds=60)) == 0
    assert forget_old(datetime.now(UTC) + KEPT + timedelta(seconds=60)) == 1
