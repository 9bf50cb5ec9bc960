"""What people choose while their devices come: nobody is shown otherwise than they were told."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.accounts.models import User
from chatsite.gateway.outlets import AsgiOutlet
from chatsite.gateway.session import Session
from chatsite.kernel import clock
from chatsite.kernel.backends import backend
from chatsite.kernel.database import in_db_thread
from presence import commands
from presence.commands import Choose
from presence.guests import Device, Guests
from presence.policy import Status
from presence.stores import Arrival, Change, presence_store
from presence.tracker import Tracker

pytestmark = pytest.mark.django_db(transaction=True)
Come = Callable[[User], Awaitable[None]]


@pytest.fixture(autouse=True)
def _own_store() -> Iterator[None]:
    """A store in which nobody is."""
    backend.cache_clear()
    with clock.leased():
        yield
    backend.cache_clear()


@pytest.fixture
async def ada(transactional_db: None) -> AsyncIterator[User]:
    """Somebody who never chose anything."""
    yield await User.objects.acreate(username="ada")
    await sync_to_async(connections.close_all)()


async def with_a_window(user: User) -> None:
    """Open a window, and pass it on."""
    session = Session(AsgiOutlet(_nowhere), outbound_bytes=1_000)
    session.user_id = str(user.id)
    tracker = Tracker()
    tracker.entered(session)
    await tracker.turn()


async def with_a_guest(user: User) -> None:
    """Have another system say that somebody is there, and pass it on."""
    guests = Guests()
    await guests.hear(Device(str(user.id), "phone"), active=True, goodbye=False)
    await guests.turn()


async def _nowhere(event: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize("come", [with_a_window, with_a_guest])
async def test_who_hides_while_coming_is_hidden(come: Come, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    store, hide = presence_store(), Choose(status=Status.INVISIBLE, text="", until=None)
    arrive = store.arrive

    async def late(arrivals: Sequence[Arrival]) -> Sequence[Change]:
        """As when another server takes the choice over just before."""
        await Tracker().take_over(await in_db_thread(commands.choose, ada.id, hide))
        return await arrive(arrivals)

    monkeypatch.setattr(store, "arrive", late)
    await come(ada)
    assert (await store.statuses([str(ada.id)]))[str(ada.id)].status is Status.OFFLINE
    assert (await store.sweep()).online == 1
