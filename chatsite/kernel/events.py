"""Facts, their envelope, and the registry of their types. Pure.

An app registers each payload once; the envelope is the same for all:
`{"eventId","eventType","aggregateId","occurredAt","version","region","actorId",
"audience","traceparent","payload"}`.
"""

from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID

import msgspec

Audience = Literal["room", "person", "staff"]


class Unreadable(Exception):
    """A record that nobody can read; it goes to the dead letters with this reason."""


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What one kind of event says; subclasses name their type and audience."""

    event_type: ClassVar[str]
    audience: ClassVar[Audience] = "room"


class Fact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that happened, before it is bytes."""

    event_id: str
    event_type: str
    aggregate_id: str
    occurred_at: str
    version: int
    region: str
    actor_id: str | None
    audience: str
    traceparent: str | None
    payload: Any


class _RawFact(Fact, frozen=True, kw_only=True, rename="camel"):
    payload: msgspec.Raw


P = TypeVar("P", bound=type[Payload])
_types: dict[str, type[Payload]] = {}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_RawFact).decode
_decoders: dict[str, msgspec.json.Decoder[Payload]] = {}


def event(payload: P) -> P:
    """Register a payload under its event type; a type registered twice is an error."""
    name = payload.event_type
    if _types.setdefault(name, payload) is not payload:
        raise ValueError(f"two payloads for {name}")
    _decoders[name] = msgspec.json.Decoder(payload)
    return payload


def iso(unix_ms: int) -> str:
    """A moment as UTC ISO 8601 with milliseconds and Z."""
    seconds, ms = divmod(unix_ms, 1_000)
    return f"{_iso_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=64)  # Most moments are now: what is written of a message has the same second three times.
def _iso_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


class NewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as it goes into a log; of one unique key only the first is kept."""

    key: str
    event_type: str
    event_id: str
    value: bytes
    unique_key: str | None = None


def new_record(
    payload: Payload,
    *,
    event_id: UUID,
    key: UUID,
    version: int,
    occurred_ms: int,
    actor: UUID | None,
    region: str,
    unique_key: str | None = None,
) -> NewRecord:
    """The record of a fact about the chat or person `key`, at a time in Unix ms."""
    fact = Fact(
        event_id=str(event_id),
        event_type=payload.event_type,
        aggregate_id=str(key),
        occurred_at=iso(occurred_ms),
        version=version,
        region=region,
        actor_id=str(actor) if actor else None,
        audience=payload.audience,
        traceparent=None,
        payload=payload,
    )
    return NewRecord(
        key=str(key),
        event_type=payload.event_type,
        event_id=fact.event_id,
        value=_encode(fact),
        unique_key=unique_key,
    )


class Record(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A fact as a log holds it; `appended_ms` is the log's own Unix time in ms.

    `pos` is the log's generation << 40 plus the offset: it rises per key and is
    never used again, whatever becomes of the log.
    """

    partition: int
    offset: int
    pos: int
    key: str
    event_type: str
    event_id: str
    value: bytes
    appended_ms: int

    @cached_property
    def fact(self) -> Fact:
        """The decoded fact; payload None where the type is not ours. Raises Unreadable."""
        try:
            raw = _decode(self.value)
            decoder = _decoders.get(raw.event_type)
            payload = decoder.decode(raw.payload) if decoder else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self.event_type}: {error}") from error
        return msgspec.structs.replace(raw, payload=payload)

    def again(self, *, unique_key: str) -> NewRecord:
        """The same fact for another log, kept there once."""
        return NewRecord(
            key=self.key,
            event_type=self.event_type,
            event_id=self.event_id,
            value=self.value,
            unique_key=unique_key,
        )
