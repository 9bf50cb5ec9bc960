"""Deactivating people: at once, for all devices, never the last administrator."""

from collections.abc import Iterator

import pytest

from chatsite.accounts import audit
from chatsite.accounts.commands import people
from chatsite.accounts.models import AuditEntry, SignIn, User
from chatsite.gateway.hub import hub
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict
from chatsite.kernel.models import LogRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(transactional_db: None) -> Iterator[User]:
    """Somebody who is signed in twice."""
    ada = User.objects.create(username="ada")
    for _ in range(2):
        SignIn.objects.create(user=ada, refresh_id="r")
    with clock.leased():
        yield ada


def test_who_is_deactivated_is_signed_out_everywhere(ada: User) -> None:
    people.deactivate(ada.id, by=None)
    people.deactivate(ada.id, by=None)
    assert not SignIn.objects.filter(user=ada, revoked_at=None).exists()
    assert all(hub.has_ended(str(one.id)) for one in SignIn.objects.filter(user=ada))
    people.reactivate(ada.id, by=None)
    assert User.objects.get().is_active
    kinds = ["accounts.person.deactivated", "accounts.person.reactivated"]
    assert list(AuditEntry.objects.values_list("kind", flat=True)) == kinds
    assert audit.verify() == 2


def test_the_persons_devices_are_told_of_their_sign_ins(ada: User) -> None:
    people.deactivate(ada.id, by=None)
    (record,) = LogRecord.objects.all()
    assert (record.key, record.event_type) == (str(ada.id), "person.state.changed.v1")
    assert b'"kind":"sessions","state":{"ids":[]}' in bytes(record.value)


def test_the_last_administrator_stays(ada: User) -> None:
    first = User.objects.create_superuser("sam", "pw")
    with pytest.raises(Conflict):
        people.deactivate(first.id, by=None)
    second = User.objects.create_superuser("tom", "pw")
    people.deactivate(first.id, by=second.id)
    with pytest.raises(Conflict):
        people.deactivate(second.id, by=second.id)
