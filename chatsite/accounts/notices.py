"""Tells a person's own devices what is now."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from chatsite.accounts.events import PersonStateChanged, StateKind
from chatsite.kernel import clock, outbox
from chatsite.kernel.events import new_record


def person_changed(user_id: uuid.UUID, *, kind: StateKind, state: Mapping[str, Any]) -> str:
    """Append a person's new state with the caller's transaction; answers the event's id."""
    version, event_id = clock.version(), uuid.uuid4()
    payload = PersonStateChanged(user_id=str(user_id), kind=kind, state=dict(state))
    outbox.append(
        new_record(
            payload,
            event_id=event_id,
            key=user_id,
            version=version,
            occurred_ms=version // 1_000,
            actor=user_id,
            region=settings.REGION,
        )
    )
    return str(event_id)
