"""What the chat adds to the group `delivery-workers`: reads that others may see, sends that are in the log."""

from collections.abc import Sequence

from chat.events import MessageSent, ReadAdvanced
from chat.projections.seen_by import tell_room
from chatsite.gateway.delivery import delivery_workers
from chatsite.kernel import clock
from chatsite.kernel.events import Record
from chatsite.kernel.nonces import nonce_name, nonces

FRESH_MS = 10_000  # an older read comes from a replay, and would take others back


@delivery_workers.project(ReadAdvanced)
async def tell_reads(records: Sequence[Record]) -> None:
    """Tell the rooms how far somebody has read them, the newest of each; what is old news is left."""
    since = (clock.now_ms() - FRESH_MS) * 1_000
    fresh = [record.fact.payload for record in records if record.fact.version > since]
    for read in {read.room_id: read for read in fresh if not read.back}.values():
        await tell_room(read)


@delivery_workers.project(MessageSent)
async def confirm_sends(records: Sequence[Record]) -> None:
    """Say of each nonce that its message is in the log: the process that accepted it may be gone."""
    for record in records:
        sent: MessageSent = record.fact.payload
        if sent.nonce is not None:
            await nonces().confirm(nonce_name(sent.room_id, sent.sender_id, sent.nonce), record.pos)
