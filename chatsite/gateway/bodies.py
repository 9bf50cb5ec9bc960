"""How a record becomes the body of a frame: registered by the apps, used by every stream. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from chatsite.kernel.events import Record

EVERYBODY = "*"


class Body(NamedTuple):
    """A room event before it has a place: its frame body and what it changes for its hearers.

    `members_version` is 0 where membership stays as it is; `farewell` names who
    hears this event as their last. `joins` is the subject that its hearers, where
    they hear everything of theirs, hear from now on, by its members at
    `joins_version` or later. `minted` is the id that came
    with the event: whoever answers it gets a higher one.
    """

    bytes: bytes
    members_version: int = 0
    farewell: str | None = None
    joins: str | None = None
    joins_version: int = 0
    minted: int | None = None


Encoder = Callable[[Record], Body | None]
_encoders: dict[str, Encoder] = {}


def encodes(*event_types: str) -> Callable[[Encoder], Encoder]:
    """Register how records of some types become frame bodies; only these enter a stream."""

    def register(encoder: Encoder) -> Encoder:
        for event_type in event_types:
            _encoders[event_type] = encoder
        return encoder

    return register


def body_of(record: Record) -> Body | None:
    """The frame body of a record, or None where it is no room event."""
    encoder = _encoders.get(record.event_type)
    return encoder(record) if encoder else None
