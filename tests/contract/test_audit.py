"""The audit log: appended with the deed, in one order, and no change goes unseen."""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from chatsite.accounts import audit
from chatsite.accounts.audit import Broken, Kind
from chatsite.accounts.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db(transaction=True)
ADA = uuid.UUID(int=1)


def record(number: int) -> AuditEntry:
    """An entry in a transaction of its own."""
    with transaction.atomic():
        return audit.record(Kind.SIGNED_IN, actor=ADA, subject=audit.of_person(ADA), detail={"number": number})


def sql(text: str) -> None:
    """What somebody with the database in their hands may do."""
    with connection.cursor() as cursor:
        cursor.execute(text)


def test_entries_are_numbered_and_chained() -> None:
    first, second = record(1), record(2)
    assert (first.number, second.number) == (1, 2)
    assert second.previous == first.hash != second.hash
    assert audit.verify() == 2
    call_command("verify_audit")


def test_an_entry_goes_with_its_transaction() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        audit.record("x", actor=None, subject="")
    with suppress(ZeroDivisionError), transaction.atomic():
        audit.record("x", actor=None, subject="")
        raise ZeroDivisionError
    record(1)
    assert audit.verify() == 1


def test_another_app_names_its_own_kinds_and_time() -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    with transaction.atomic():
        audit.record("chat.exported", actor=None, subject="chat:1", detail={"why": "ключ", "files": ["a"]}, at=at)
    assert AuditEntry.objects.get().at == at
    assert audit.verify() == 1


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("UPDATE audit_log SET kind = 'nothing' WHERE number = 2", "entry 2 was changed"),
        ("UPDATE audit_log SET detail = '{}' WHERE number = 3", "entry 3 was changed"),
        ("UPDATE audit_log SET actor = NULL WHERE number = 1", "entry 1 was changed"),
        ("UPDATE audit_log SET at = '2020-01-01 00:00:00' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit_log WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM audit_log WHERE number >= 3", "entry 3 is missing"),
        ("DELETE FROM audit_log", "entry 1 is missing"),
        ("UPDATE audit_head SET number = 0, hash = ''", "entry 1 is unknown to the head"),
    ],
)
def test_a_change_behind_our_back_is_found(deed: str, told: str) -> None:
    for number in range(4):
        record(number)
    sql(deed)
    with pytest.raises(Broken, match=told):
        audit.verify()
    with pytest.raises(CommandError, match=told):
        call_command("verify_audit")


def test_a_chain_that_was_written_anew_does_not_fit_its_head() -> None:
    for number in range(2):
        record(number)
    forged = AuditEntry.objects.get(number=2)
    forged.kind = "nothing"
    sql(f"UPDATE audit_log SET kind = 'nothing', hash = '{audit.hash_of(forged)}' WHERE number = 2")
    with pytest.raises(Broken, match="entry 2 is not the one that the head knows"):
        audit.verify()


@pytest.mark.parametrize(
    "deed",
    [
        lambda: AuditEntry.objects.update(kind="nothing"),
        lambda: AuditEntry.objects.filter(number=1).delete(),
        lambda: AuditEntry.objects.get().delete(),
        lambda: AuditEntry.objects.get().save(),
        lambda: AuditEntry.objects.bulk_create([]),
        lambda: AuditEntry.objects.bulk_update([], ["kind"]),
    ],
)
def test_the_orm_changes_nothing(deed: Callable[[], object]) -> None:
    record(1)
    with pytest.raises(TypeError):
        deed()
    assert audit.verify() == 1


def test_many_at_once_stand_in_one_order() -> None:
    def work() -> None:
        for number in range(10):
            record(number)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify() == AuditHead.objects.get().number == 40
