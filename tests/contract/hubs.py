"""A hub under test: one room, its members as the tests say, and what happens in it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from chatsite.gateway.bodies import Body
from chatsite.gateway.hub import Hub
from chatsite.gateway.notices import publish
from chatsite.gateway.streams import Entry, stream
from chatsite.kernel.eventlog import log
from tests.contract.test_room_stream import ROOM, message

SUBJECT = str(ROOM)
MEMBERS: set[str] = set()


async def members(users: Iterable[str], subject: str, *, version: int) -> set[str]:
    """Who may hear, as these tests say."""
    return set(users) & MEMBERS


async def heard(user: str, versions: Mapping[str, int]) -> set[str]:
    """The same for one person and many rooms."""
    return set(versions) if user in MEMBERS else set()


async def foreseen(subjects: Iterable[str]) -> None:
    """Nothing has to be read for these members."""


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[Hub]:
    """A hub that delivers."""
    task = asyncio.create_task(hub.run())
    yield hub
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def happen(*, members_version: int = 0, farewell: str | None = None) -> Entry:
    """One more event in the room's stream, of which nobody is told yet."""
    await log().append(message())
    record = (await log().newest(limit=1))[0]
    body = Body(b'{"type":"MESSAGE"}', members_version, farewell)
    entry = await stream().append(record, body)
    assert entry is not None
    return entry


async def deliver(entry: Entry) -> None:
    """Tell all servers, as the delivery worker does."""
    await publish(SUBJECT, entry, await stream().epoch())
