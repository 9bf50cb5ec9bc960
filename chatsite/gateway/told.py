"""What the frames of the server hold, for AsyncAPI and for the test that holds real ones to it.

Apps say so of theirs: of structs what msgspec knows of them, of the others by hand.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
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
notes: dict[str, str] = {}  # what else there is to know of a frame of a client, by its type
examples: dict[str, Schema] = {}  # a frame that a client may send, by its type
parts: dict[str, Schema] = {}  # what schemas refer to
ROOM = "2f4c3f0e-6d53-4c0e-9d1d-0a3f3f6f6c01"  # of examples


def tells(type_: str, summary: str, properties: Schema, *, optional: Sequence[str] = ()) -> None:
    """Say what a frame holds beside its type."""
    told.append(Told(type_, summary, _frame(type_, properties, optional)))


def tells_struct(
    struct: type[msgspec.Struct],
    *,
    stamped: bool,
    summary: str | None = None,
    closed: Mapping[str, Sequence[str]] = MappingProxyType({}),
    without: Sequence[str] = (),
) -> None:
    """Say it of a struct; what stands in a stream is stamped with its place there.

    `closed` are the values of fields that have no others, `without` the fields that this kind of it lacks.
    """
    type_ = str(struct.__struct_config__.tag)
    schema = schema_of(struct)
    schema["properties"] |= {name: {"enum": list(values)} for name, values in closed.items()}
    for name in without:
        del schema["properties"][name]
    if stamped:
        schema["properties"] |= PLACE
        schema["required"] = [*schema["required"], *PLACE]
    told.append(Told(type_, summary or summary_of(struct), schema))


def tells_state(kind: str, summary: str, state: Schema, *, optional: Sequence[str] = ()) -> None:
    """Say what the `state` of a kind of ME holds."""
    fields = {"kind": {"const": kind}, "version": NUMBER, "state": shape(state, optional=optional), **PLACE}
    tells("ME", summary, fields)


def answers_with(types: Sequence[str], type_: str, properties: Schema, *, optional: Sequence[str] = ()) -> None:
    """Say what answers frames that carry a ref."""
    schema = _frame(type_, {"ref": TEXT, **properties}, optional)
    answers.update({asked: Told(type_, f"Answers {asked}.", schema) for asked in types})


def explains(type_: str, text: str) -> None:
    """Say more of a frame of a client than its summary does."""
    notes[type_] = text


def sends(type_: str, **fields: Any) -> None:
    """Show a frame that a client may send."""
    examples[type_] = {"type": type_, **fields}


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
        "version": TEXT | {"description": "of this interface"},
        "features": many(TEXT),
    },
    optional=["ref"],
)
tells(
    "SUBSCRIBED",
    "One hears a room from here on; `events` are what was missed since one's cursor. `recovered` is true where that"
    " is all. Without a cursor it is false, and nothing is replayed; with `more` it is false too: there is more to"
    " come, so one asks again by SUBSCRIBE from the place that is answered.",
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
    "What lies before this place cannot be completed: read it over REST (GET .../messages, or of oneself GET"
    " /api/chats), and go on from here.",
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
explains(
    "AUTH",
    "The first of a connection, within 5 s, where the handshake brought neither ticket nor token: READY answers it,"
    " with its ref. Later ones renew the session before its token ends, with another of the same person: OK answers"
    " them. `token` is an access token or an API token of the scope `connect`.",
)
explains(
    "SUBSCRIBE",
    "`rooms` has a cursor by the id of each chat, or null to hear it from now on, 500 at most; or it is `all`."
    " `roomId` alone is the same as that room with null. Each room is answered by a frame of its own with the ref:"
    " SUBSCRIBED, RESYNC where what lies after the cursor is kept no more, or ERROR; `all` by one SUBSCRIBED_ALL."
    " One's own id is no room: from READY on a session hears what concerns its person.",
)
explains(
    "HEARTBEAT",
    "`active` says that the person did something: without it they are AWAY after 5 minutes. Send one each"
    " `heartbeatMs` of"
    " READY; where no HEARTBEAT_ACK comes the connection is dead.",
)
sends("AUTH", ref="1", ticket="Q2hhdHM...")
sends("SUBSCRIBE", ref="2", rooms={ROOM: {"epoch": "b0c1", "pos": 1_099_511_627_781}})
sends("UNSUBSCRIBE", ref="3", rooms=[ROOM])
sends("HEARTBEAT", ref="4", active=True)
answers_with(["AUTH", "UNSUBSCRIBE"], "OK", {"expiresInMs": NUMBER}, optional=["expiresInMs"])
answers_with(["HEARTBEAT"], "HEARTBEAT_ACK", {"serverTime": MOMENT}, optional=["ref"])
