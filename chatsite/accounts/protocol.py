"""The accounts' part of the WebSocket contract: ME for what only oneself sees. Pure."""

from typing import Any

import msgspec

from chatsite.accounts.events import PersonStateChanged
from chatsite.gateway.bodies import Body, encodes
from chatsite.kernel.events import Record


class StateMeFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ME"):
    """What is now, of one kind; `state` says it whole."""

    kind: str
    version: int
    state: dict[str, Any]


_encode = msgspec.json.Encoder().encode


@encodes(PersonStateChanged.event_type)
def state_body(record: Record) -> Body:
    """The body of a person's new state."""
    changed = record.fact.payload
    return Body(_encode(StateMeFrame(kind=changed.kind, version=record.fact.version, state=changed.state)))
