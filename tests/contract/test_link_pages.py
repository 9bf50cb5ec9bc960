"""Pages that links lead to: one reads, others wait, and nothing is read too often or kept too long."""

from datetime import UTC, datetime, timedelta

import pytest

from chat.commands.link_pages import Busy, forget_old, keep, take
from chat.link_previews import Page
from chat.models import LinkPage

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://example.org/tea"


def later(**by: float) -> datetime:
    """A moment some time from now."""
    return NOW + timedelta(**by)


def test_one_reads_a_page_and_others_wait_until_it_is_read_or_its_reader_is_dead() -> None:
    assert take(URL, now=NOW) is None
    with pytest.raises(Busy) as busy:
        take(URL + "#part", now=later(seconds=1))
    assert busy.value.until == later(seconds=3)
    assert take(URL, now=later(seconds=31)) is None, "whoever read it has died"
    keep(URL, Page("Tea", None, "A site"), now=later(seconds=40))
    known = take(URL, now=later(hours=23))
    assert known is not None
    assert known.said == {"title": "Tea", "description": None, "site": "A site"}
    assert take(URL, now=later(hours=25)) is None


def test_what_could_not_be_read_is_known_for_an_hour() -> None:
    take(URL, now=NOW)
    keep(URL, None, now=NOW)
    known = take(URL, now=later(minutes=59))
    assert known is not None
    assert known.said is None
    assert take(URL, now=later(minutes=61)) is None


def test_of_one_host_so_many_pages_are_read_in_a_minute() -> None:
    for number in range(20):
        assert take(f"{URL}/{number}", now=NOW) is None
    with pytest.raises(Busy) as busy:
        take("http://EXAMPLE.org:80/more", now=later(seconds=30))
    assert busy.value.until == later(seconds=90)
    assert take("https://example.com/more", now=later(seconds=30)) is None
    keep(f"{URL}/1", Page("One", None, None), now=NOW)
    assert take(f"{URL}/1", now=later(seconds=30)) is not None, "what is known costs nothing"
    assert take("http://example.org/more", now=later(seconds=61)) is None


def test_nothing_is_kept_for_longer_than_it_is_good_and_no_address_at_all() -> None:
    take(f"{URL}?secret=1", now=NOW)
    take(URL, now=later(hours=2))
    assert not [row for row in LinkPage.objects.values_list() if "secret" in str(row)]
    forget_old(later(hours=25))
    assert LinkPage.objects.count() == 1
