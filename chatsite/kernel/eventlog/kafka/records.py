"""Facts as Kafka carries them: key, envelope, and headers for whoever reads without us."""

from typing import TypeAlias

import msgspec
from confluent_kafka import Message, murmur2

from chatsite.kernel.events import NewRecord, Record
from chatsite.kernel.positions import generation_of, offset_of, pos_at

Headers: TypeAlias = list[tuple[str, str | bytes | None]]


class _Envelope(msgspec.Struct, rename="camel"):
    """The fields of the envelope that headers repeat, where it has them."""

    event_type: str = ""
    event_id: str = ""
    occurred_at: str = ""
    region: str = ""


_decode = msgspec.json.Decoder(_Envelope).decode


def _envelope(value: bytes) -> _Envelope:
    try:
        return _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Envelope()


def headers_of(record: NewRecord) -> Headers:
    """The headers of a record: ours, and those of CloudEvents in Kafka's binary mode."""
    envelope = _envelope(record.value)
    event_type, event_id = record.event_type.encode(), record.event_id.encode()
    headers: Headers = [
        ("eventType", event_type),
        ("eventId", event_id),
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id),
        ("ce_type", event_type),
        ("ce_source", f"/chatsite/{envelope.region}".encode()),
        ("ce_subject", record.key.encode()),
    ]
    return [*headers, ("ce_time", envelope.occurred_at.encode())] if envelope.occurred_at else headers


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, as Java's producer chooses it."""
    return murmur2(key.encode(), partitions)


def pos_of(generation: int, offset: int) -> int:
    """The pos of an offset; 0 for the one before the first."""
    return pos_at(generation, offset) if offset >= 0 else 0


def offset_after(pos: int, *, generation: int) -> int:
    """The first offset above a pos; of an earlier generation it is the log's first."""
    return offset_of(pos) + 1 if generation_of(pos) >= generation else 0


def record_of(message: Message, *, generation: int) -> Record:
    """A record as it was read; one that is not ours has a `fact` that nobody can read."""
    value, headers = message.value() or b"", dict(message.headers() or [])
    event_type, event_id = _text(headers.get("eventType")), _text(headers.get("eventId"))
    if not (event_type and event_id):
        envelope = _envelope(value)
        event_type, event_id = event_type or envelope.event_type, event_id or envelope.event_id
    partition, offset = place_of(message)
    return Record(
        partition=partition,
        offset=offset,
        pos=pos_of(generation, offset),
        key=_text(message.key()),
        event_type=event_type,
        event_id=event_id,
        value=value,
        appended_ms=message.timestamp()[1],
    )


def place_of(message: Message) -> tuple[int, int]:
    """The partition and offset of a message that was read or written."""
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise ValueError("The message has no place in its topic.")
    return partition, offset


def _text(value: str | bytes | None) -> str:
    """Headers and keys of others may be anything; ours are UTF-8."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
