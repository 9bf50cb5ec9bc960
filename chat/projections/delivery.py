"""The group `delivery-workers`: room events become frames in their streams."""

from collections.abc import Sequence

from chat.events import (
    MessageDeleted,
    MessageEdited,
    MessageSent,
    ParticipantAdded,
    ParticipantLeft,
    ParticipantRemoved,
)
from chatsite.gateway.bodies import body_of
from chatsite.gateway.hub import publish
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

delivery_workers = group("delivery-workers")


@delivery_workers.project(
    MessageSent, MessageEdited, MessageDeleted, ParticipantAdded, ParticipantRemoved, ParticipantLeft
)
async def deliver(records: Sequence[Record]) -> None:
    """Encode each event once and give it a place; one that is held already is published again."""
    epoch = await stream().epoch()
    for record in records:
        if isinstance(sent := record.fact.payload, MessageSent):
            clock.see(int(sent.message_id))  # Who answers it here gets a higher id.
        if (body := body_of(record)) and (entry := await stream().append(record, body)):
            await publish(record.key, entry, epoch)
