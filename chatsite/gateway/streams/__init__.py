"""The port of a room's recent events: what its twins promise.

`chatsite.gateway.streams.stream()` is the one of this process. A stream knows
subjects and bytes, no app.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from chatsite.gateway.bodies import Body
from chatsite.kernel.backends import backend
from chatsite.kernel.events import Record
from chatsite.kernel.servers import Description


class Entry(NamedTuple):
    """A room event in its stream."""

    pos: int
    prev: int
    event_id: str
    body: Body


class Head(NamedTuple):
    """Where a room's stream ends, and from where on it is complete."""

    epoch: str
    pos: int
    floor: int


class RoomStream(Protocol):
    """The recent events of each subject, in rising pos, with no hole between them."""

    async def append(self, record: Record, body: Body) -> Entry | None:
        """Add an event; one that is held is answered as it stands, an older one by None."""

    async def since(self, subject: str, pos: int) -> Sequence[Entry] | None:
        """The events above a pos, oldest first; None when some of them are gone."""

    async def heads(self, subjects: Sequence[str]) -> dict[str, Head]:
        """The head of each subject, in one call."""

    async def epoch(self) -> str:
        """The epoch that a message appended now will carry."""

    async def wait_for(self, subject: str, pos: int, *, seconds: float) -> bool:
        """Wait until the head has reached a pos; False when it is late."""

    async def describe(self) -> Description:
        """The server behind it, for operators; what is away is an error."""


def stream() -> RoomStream:
    """The stream, as ROOM_STREAM names it."""
    return cast(RoomStream, backend("ROOM_STREAM"))
