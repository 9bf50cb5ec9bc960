"""The outbox and its relay: how a fact of Django's database reaches the log.

A command appends in its own transaction; the group `relay` appends the same
record to the event log, where its event id keeps it from standing twice.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from chatsite.kernel import groups
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.events import NewRecord, Record

relay = groups.group("relay", outbox)
_waiting: dict[str, asyncio.Future[int]] = {}


def append(*records: NewRecord) -> None:
    """Record facts with the caller's transaction: committed together or not at all."""
    outbox().append_in(records)


@relay.project()
async def pass_on(records: Sequence[Record]) -> None:
    """Append outbox records to the event log; a repeated one is found there by its event id."""
    appended = await asyncio.gather(
        *[log().append(record.again(unique_key=f"event:{record.event_id}")) for record in records]
    )
    for record, place in zip(records, appended, strict=True):
        if (waiter := _waiting.pop(record.event_id, None)) and not waiter.done():
            waiter.set_result(place.pos)


async def relayed(event_id: str, *, seconds: float) -> int | None:
    """The pos of a fact in the log, waiting for the relay of this process; None when it is late."""
    waiter = _waiting.setdefault(event_id, asyncio.get_running_loop().create_future())
    try:
        if (found := await log().find(f"event:{event_id}")) is not None:
            return found.pos
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await asyncio.shield(waiter)
        return None
    finally:
        _waiting.pop(event_id, None)
