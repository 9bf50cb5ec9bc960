"""What the frames of the server hold, for AsyncAPI and for the test that holds real ones to it.

Apps say so of theirs: of structs what msgspec knows of them, of the others by hand.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from chatsite.kernel.errors import CODES
from chatsite.kernel.openapi import FLAG, MOMENT, NUMBER, TEXT, UUID, Schema, many, shape

CURSOR: Schema = {"epoch": TEXT, "pos": NUMBER}
PLACE: Schema = {**CURSOR, "prev": NUMBER}  # of what stands in a stream
REFS = "#/components/schemas/{name}"


class Told(NamedTuple):
    """Frames of one type, or one kind of them: what they are for, and what they hold."""

    type: str
    summary: str
    schema: Schema


told: list[Told] = []
answers: dict[str, Told] = {}  # the ACK or other answer, by the type of the client's frame
parts: dict[str, Schema] = {}  # what schemas refer to


def tells(type_: str, summary: str, properties: Schema, *, optional: Sequence[str] = ()) -> None:
    """Say what a frame holds beside its type."""
    told.append(Told(type_, summary, _frame(type_, properties, optional)))


def tells_struct(struct: type[msgspec.Struct], *, stamped: bool) -> None:
    """Say it of a struct; what stands in a stream is stamped with its place there."""
    type_ = str(struct.__struct_config__.tag)
    schema = schema_of(struct)
    if stamped:
        schema["properties"] |= PLACE
        schema["required"] = [*schema["required"], *PLACE]
    told.append(Told(type_, summary_of(struct), schema))


def answers_with(types: Sequence[str], type_: str, properties: Schema, *, optional: Sequence[str] = ()) -> None:
    """Say what answers frames that carry a ref."""
    schema = _frame(type_, {"ref": TEXT, **properties}, optional)
    answers.update({asked: Told(type_, f"Answers {asked}.", schema) for asked in types})


def schema_of(struct: type[Any]) -> Schema:
    """The JSON Schema of a struct; what it refers to is among the parts."""
    _, components = msgspec.json.schema_components([struct], ref_template=REFS)
    mine: Schema = components.pop(struct.__name__)
    parts.update(components)
    mine.pop("title", None)
    mine.pop("description", None)
    return mine


def summary_of(struct: type[Any]) -> str:
    """The first line of what is said of a struct."""
    return (struct.__doc__ or "").partition("\n")[0]


def _frame(type_: str, properties: Schema, optional: Sequence[str]) -> Schema:
    return shape({"type": {"const": type_}, **properties}, optional=optional)


_FIVE: Schema = {"type": "object", "additionalProperties": NUMBER}
_ROOM: Schema = {"roomId": UUID}

tells(
    "READY",
    "One is signed in; what concerns oneself goes on from `me`.",
    {
        "ref": TEXT,
        "connectionId": TEXT,
        "userId": UUID,
        "heartbeatMs": NUMBER,
        "limits": _FIVE,
        "serverTime": MOMENT,
        "me": shape(CURSOR),
        "expiresInMs": NUMBER,
        "version": TEXT,
        "features": many(TEXT),
    },
    optional=["ref"],
)
tells(
    "SUBSCRIBED",
    "One hears a room from here on; `events` are what was missed, and with `more` one asks again.",
    {
        "ref": TEXT,
        **_ROOM,
        **CURSOR,
        "mode": {"enum": ["full", "activity"]},
        "recovered": FLAG,
        "events": many({"type": "object"}),
        "more": FLAG,
    },
    optional=["ref", "more"],
)
_STATE = shape({**CURSOR, "unread": NUMBER, "mentions": NUMBER, "mode": {"enum": ["full", "activity"]}})
tells(
    "SUBSCRIBED_ALL",
    "One hears all one's rooms, the latest 500.",
    {"ref": TEXT, "rooms": {"type": "object", "additionalProperties": _STATE}},
    optional=["ref"],
)
tells(
    "RESYNC",
    "What lies before this place cannot be completed: read it over REST.",
    {"ref": TEXT, **_ROOM, **CURSOR},
    optional=["ref"],
)
tells(
    "ERROR",
    "A frame was refused, or one room of it.",
    {
        "ref": TEXT,
        "nonce": TEXT,
        **_ROOM,
        "code": {"enum": list(CODES)},
        "message": TEXT,
        "retryable": FLAG,
        "retryAfterMs": NUMBER,
    },
    optional=["ref", "nonce", "roomId", "retryAfterMs"],
)
tells("AUTH_EXPIRING", "The token ends soon: send AUTH with another.", {"expiresInMs": NUMBER})
tells("RECONNECT", "This server stops: come back within the time, at a moment of one's own.", {
    "afterMs": NUMBER, "jitterMs": NUMBER,
})  # fmt: skip
tells("ROOM_ACTIVITY", "There is something new in a large room, told once a second.", {
    **_ROOM, "messageId": {"type": "string"}, "unread": NUMBER,
})  # fmt: skip
tells("ROOM", "A room is heard in another mode; it is in no stream.", {
    **_ROOM, "change": {"const": "mode"}, "chat": {"type": "object"},
})  # fmt: skip
answers_with(["AUTH", "UNSUBSCRIBE"], "OK", {"expiresInMs": NUMBER}, optional=["expiresInMs"])
answers_with(["HEARTBEAT"], "HEARTBEAT_ACK", {"serverTime": MOMENT}, optional=["ref"])
