"""What the chat adds to the group `delivery-workers`: reads that others may see."""

from collections.abc import Sequence

from chat.events import ReadAdvanced
from chat.projections.seen_by import tell_room
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

delivery_workers = group("delivery-workers")


@delivery_workers.project(ReadAdvanced)
async def tell_reads(records: Sequence[Record]) -> None:
    """Tell the rooms how far somebody has read them, the newest of each."""
    for read in {record.fact.payload.room_id: record.fact.payload for record in records}.values():
        await tell_room(read)
