"""The group `delivery-workers`: room events become frames in their streams.

Whatever an app has registered an encoder for is delivered; the rest of the log
passes by.
"""

from collections.abc import Sequence

from chatsite.gateway.bodies import body_of
from chatsite.gateway.notices import publish
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

delivery_workers = group("delivery-workers", at_once=True)


@delivery_workers.project()
async def deliver(records: Sequence[Record]) -> None:
    """Encode each event once and give it a place; one that is held already is published again."""
    for record in records:
        if (body := body_of(record)) is None:
            continue
        if body.minted is not None:
            clock.see(body.minted)
        if entry := await stream().append(record, body):
            await publish(record.key, entry, await stream().epoch())
