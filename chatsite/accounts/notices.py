"""Tells a person's own devices what is now."""

import uuid
from collections.abc import Mapping
from typing import Any

from chatsite.accounts.events import PersonStateChanged, StateKind
from chatsite.kernel import clock, outbox
from chatsite.kernel.facts import fact


def person_changed(user_id: uuid.UUID, *, kind: StateKind, state: Mapping[str, Any], version: int | None = None) -> str:
    """Append a person's new state with the caller's transaction; answers the event's id.

    `version` is the state's own (microseconds); without one it is now.
    """
    changed = PersonStateChanged(user_id=str(user_id), kind=kind, state=dict(state))
    record = fact(changed, key=user_id, actor=user_id, version=clock.version() if version is None else version)
    outbox.append(record)
    return record.event_id
