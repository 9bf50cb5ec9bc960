"""Tickets: one use, thirty seconds."""

import pytest

from chatsite.accounts import tickets
from chatsite.gateway.registry import Identity
from chatsite.kernel.errors import Unauthenticated
from chatsite.kernel.notes import MemoryNotes

ADA = Identity("ada", "her sign-in", 2_000_000_000.0)


async def test_a_ticket_names_its_person_once() -> None:
    ticket = await tickets.issue(ADA, origin=None)
    assert await tickets.take(ticket, origin="https://any.example") == ADA
    with pytest.raises(Unauthenticated) as refused:
        await tickets.take(ticket, origin=None)
    assert refused.value.code == "ticket_invalid"


@pytest.mark.parametrize(("seconds", "good"), [(29, True), (31, False)])
async def test_a_ticket_lives_thirty_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, good: bool) -> None:
    now = 1_000.0
    notes = MemoryNotes(lambda: now)
    monkeypatch.setattr(tickets, "notes", lambda: notes)
    ticket = await tickets.issue(ADA, origin=None)
    now += seconds
    if good:
        assert await tickets.take(ticket, origin=None) == ADA
    else:
        with pytest.raises(Unauthenticated):
            await tickets.take(ticket, origin=None)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", None])
async def test_a_ticket_of_a_page_is_good_for_that_page_alone(origin: str | None) -> None:
    ticket = await tickets.issue(ADA, origin="https://chat.example")
    with pytest.raises(Unauthenticated):
        await tickets.take(ticket, origin=origin)
