"""How the answer to a command waits until a following read sees its fact."""

from uuid import UUID

from asgiref.sync import async_to_sync

from chatsite.gateway.streams import stream
from chatsite.kernel import outbox

SYNC_SECONDS = 0.5  # how long an answer waits until the log, and then the stream, show its fact


def wait_for(event_id: str) -> None:
    """Wait until a fact is in the log, at most half a second."""
    async_to_sync(outbox.relayed)(event_id, seconds=SYNC_SECONDS)


def wait_until_shown(chat_id: UUID, event_id: str) -> None:
    """Wait until a chat's stream shows an event, at most half a second for each step."""
    async_to_sync(_shown_in)(str(chat_id), event_id)


async def _shown_in(chat_id: str, event_id: str) -> None:
    if (pos := await outbox.relayed(event_id, seconds=SYNC_SECONDS)) is not None:
        await stream().wait_for(chat_id, pos, seconds=SYNC_SECONDS)
