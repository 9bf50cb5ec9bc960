"""Ended sign-ins: what the push missed is found by reading again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models import QuerySet

from chatsite.accounts.models import SignIn, User
from chatsite.accounts.revocation import end_revoked
from chatsite.gateway import hub as hub_module
from chatsite.gateway.hub import ENDED_SECONDS, Hub, hub
from chatsite.gateway.outlets import AsgiOutlet
from chatsite.gateway.session import Session
from chatsite.kernel.database import in_db_thread
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def sessions(transactional_db: None) -> AsyncIterator[list[Session]]:
    """Ada's and Ben's open sessions."""
    made = [await in_db_thread(_signed_in, name) for name in ("ada", "ben")]
    hub.sessions.update(made)
    yield made
    hub.sessions.difference_update(made)
    await sync_to_async(connections.close_all)()


def _signed_in(name: str) -> Session:
    user = User.objects.create(username=name)
    session = Session(AsgiOutlet(_nowhere), outbound_bytes=1_000)
    session.user_id = str(user.id)
    session.sign_in_id = str(SignIn.objects.create(user=user, refresh_id="r").id)
    return session


async def _nowhere(event: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize(
    "deed",
    [
        lambda rows: rows.update(revoked_at="2026-01-01T00:00:00Z"),
        lambda rows: User.objects.filter(sign_ins__in=rows).update(is_active=False),
        lambda rows: rows.delete(),
    ],
)
async def test_a_lost_push_is_made_good(sessions: list[Session], deed: Callable[[QuerySet[SignIn]], object]) -> None:
    await end_revoked()
    assert [one.closing for one in sessions] == [False, False]
    await in_db_thread(lambda: deed(SignIn.objects.filter(user__username="ada")))
    await end_revoked()
    assert [one.closing for one in sessions] == [True, False]


async def test_a_push_reaches_every_process() -> None:
    one, other = Hub(), Hub()
    session = Session(AsgiOutlet(_nowhere), outbound_bytes=1_000)
    session.sign_in_id = "hers"
    other.sessions.add(session)
    running = [asyncio.create_task(each.run()) for each in (one, other)]
    async with in_time("the session is closed"):
        while not session.closing:
            await one.end_sign_ins(["hers"])
            await asyncio.wait(running, timeout=0.01)  # The other may not be in the group yet.
    assert other.has_ended("hers")
    for task in running:
        task.cancel()
    await asyncio.wait(running)


class _Clock:
    """A clock that is put forward by hand."""

    now = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


async def test_an_end_is_remembered_while_tickets_live(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(hub_module, "time", clock)
    one = Hub()
    await one.end_sign_ins(["first"])
    clock.now += ENDED_SECONDS - 1
    await one.end_sign_ins(["second"])
    assert one.has_ended("first")
    clock.now += 2
    await one.end_sign_ins(["third"])
    assert not one.has_ended("first")
    assert one.has_ended("second")
