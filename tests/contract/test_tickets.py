"""Tickets: one use, thirty seconds."""

import time

import pytest
from django.core.cache.backends import locmem

from chatsite.accounts import tickets
from chatsite.gateway.registry import Identity
from chatsite.kernel.errors import Unauthenticated

ADA = Identity("ada", "her sign-in", 2_000_000_000.0)


class _Later:
    """The time, so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def time(self) -> float:
        """Unix seconds."""
        return time.time() + self._seconds


async def test_a_ticket_names_its_person_once() -> None:
    ticket = tickets.issue(ADA, origin=None)
    assert await tickets.take(ticket, origin="https://any.example") == ADA
    with pytest.raises(Unauthenticated) as refused:
        await tickets.take(ticket, origin=None)
    assert refused.value.code == "ticket_invalid"


@pytest.mark.parametrize(("seconds", "good"), [(29, True), (31, False)])
async def test_a_ticket_lives_thirty_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, good: bool) -> None:
    ticket = tickets.issue(ADA, origin=None)
    monkeypatch.setattr(locmem, "time", _Later(seconds))
    if good:
        assert await tickets.take(ticket, origin=None) == ADA
    else:
        with pytest.raises(Unauthenticated):
            await tickets.take(ticket, origin=None)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", None])
async def test_a_ticket_of_a_page_is_good_for_that_page_alone(origin: str | None) -> None:
    ticket = tickets.issue(ADA, origin="https://chat.example")
    with pytest.raises(Unauthenticated):
        await tickets.take(ticket, origin=origin)
