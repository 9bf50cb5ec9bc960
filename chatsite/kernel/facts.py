"""How a command writes down what has just happened, for the log or the outbox."""

import uuid
from uuid import UUID

from django.conf import settings

from chatsite.kernel.events import NewRecord, Payload, new_record


def fact(payload: Payload, *, key: UUID, actor: UUID | None, version: int) -> NewRecord:
    """The record of something new about the chat or person `key`, which happened at its version's time.

    Without an actor nobody is to know who did it.
    """
    return new_record(
        payload,
        event_id=uuid.uuid4(),
        key=key,
        version=version,
        occurred_ms=version // 1_000,
        actor=actor,
        region=settings.REGION,
    )
