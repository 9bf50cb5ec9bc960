"""One-time links: one purpose, one use, one life; the mail of a repeated chore holds the same one."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from chatsite.accounts import links
from chatsite.accounts.commands import passwords
from chatsite.accounts.links import Purpose
from chatsite.accounts.models import OneTimeLink, User
from chatsite.kernel.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(transactional_db: None) -> User:
    """Somebody with a mail address."""
    return User.objects.create(username="ada", email="ada@example.org")


def payload(who: str = "ada") -> dict[str, str]:
    """What a request for a reset leaves behind."""
    return {"who": who, "seed": uuid.uuid4().hex}


def test_a_token_opens_its_own_purpose_for_an_hour(ada: User) -> None:
    ((user, link),) = passwords.reset_links(payload())
    token, now = links.token_of(link), datetime.now(UTC)
    assert user == ada
    assert links.find(Purpose.RESET, token) == link
    assert links.find(Purpose.RESET, token, now=now + timedelta(minutes=59)) == link
    assert links.find(Purpose.RESET, token, now=now + timedelta(minutes=61)) is None
    assert links.find(Purpose.JOIN, token) is None
    assert links.find(Purpose.RESET, token[:-1]) is None
    assert links.find(Purpose.RESET, uuid.uuid4().hex + token[32:]) is None


def test_a_repeated_chore_mails_the_same_link(ada: User) -> None:
    asked = payload()
    assert passwords.reset_links(asked) == passwords.reset_links(asked) != []
    links.cancel(Purpose.RESET, ada)
    assert passwords.reset_links(asked) == [], "a used link was mailed again"


def test_a_link_that_expired_before_it_was_mailed_is_replaced(ada: User) -> None:
    asked = payload()
    ((_, first),) = passwords.reset_links(asked)
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    OneTimeLink.objects.update(created_at=long_ago, expires_at=long_ago + timedelta(hours=1))
    ((_, second),) = passwords.reset_links(asked)
    assert links.find(Purpose.RESET, links.token_of(first)) is None
    assert links.find(Purpose.RESET, links.token_of(second)) == second
    assert passwords.reset_links(asked) == [(ada, second)]


def test_a_new_link_takes_the_place_of_the_old_one(ada: User) -> None:
    ((_, first),) = passwords.reset_links(payload())
    assert passwords.reset_links(payload()) == [], "two mails within a minute"
    OneTimeLink.objects.update(created_at=datetime.now(UTC) - timedelta(minutes=2))
    ((_, second),) = passwords.reset_links(payload("ADA@example.org"))
    assert links.find(Purpose.RESET, links.token_of(first)) is None
    assert links.find(Purpose.RESET, links.token_of(second)) == second


def test_of_many_who_use_a_link_at_once_one_gets_through(ada: User) -> None:
    ((_, link),) = passwords.reset_links(payload())
    outcomes: list[str] = []

    def work() -> None:
        try:
            with transaction.atomic():
                links.use(link)
            outcomes.append("used")
        except NotFound:
            outcomes.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["used"]


def test_who_has_no_address_or_was_deactivated_gets_nothing(ada: User) -> None:
    User.objects.create(username="ben")
    User.objects.create(username="cyd", email="cyd@example.org", is_active=False)
    assert [passwords.reset_links(payload(who)) for who in ("ben", "cyd", "nobody", "")] == [[], [], [], []]
