"""The outbox and its relay: how a fact of Django's database reaches the log.

A command appends in its own transaction; the group `relay` appends the same
record to the event log, where its event id keeps it from standing twice.
"""

import asyncio
import logging
from collections.abc import Sequence

from chatsite.kernel import groups
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.events import NewRecord, Record
from chatsite.kernel.notes import notes

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.02  # how often somebody who waits looks what the relay of another process has told
TOLD_SECONDS = 60  # how long it is told where a fact is

relay = groups.group("relay", outbox, at_once=True)
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
    places = {record.event_id: place.pos for record, place in zip(records, appended, strict=True)}
    for event_id, pos in places.items():
        if (waiter := _waiting.pop(event_id, None)) and not waiter.done():
            waiter.set_result(pos)
    try:
        await notes().keep({_key(event_id): b"%d" % pos for event_id, pos in places.items()}, seconds=TOLD_SECONDS)
    except Unavailable as error:
        logger.warning("nobody is told that %d facts are in the log: %s", len(records), error)


async def relayed(event_id: str, *, seconds: float) -> int | None:
    """The pos of a fact in the log, waiting for the relay of this or another process; None when nobody tells."""
    waiter = _waiting.setdefault(event_id, asyncio.get_running_loop().create_future())
    try:
        async with asyncio.timeout(seconds):
            while not waiter.done():
                if (pos := await _told(event_id)) is not None:
                    return pos
                await asyncio.wait([waiter], timeout=LOOK_SECONDS)
            return waiter.result()
    except TimeoutError:
        return None
    finally:
        _waiting.pop(event_id, None)


async def _told(event_id: str) -> int | None:
    try:
        pos = await notes().find(_key(event_id))
    except Unavailable:
        return None  # The fact is committed: its command has succeeded, whoever cannot be asked now.
    return int(pos) if pos is not None else None


def _key(event_id: str) -> str:
    return f"relayed:{event_id}"
