"""The port of the log of facts: what its twins promise.

`chatsite.kernel.eventlog.log()` is the event log of this process, `outbox()` the
one in Django's database.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend
from chatsite.kernel.events import NewRecord, Record

if TYPE_CHECKING:
    import asyncio


class Appended(NamedTuple):
    """Where a record is. `first` is the earlier record that had its unique key, if one had."""

    pos: int
    offset: int
    first: Record | None


class GroupReader(Protocol):
    """One group's way through the log."""

    async def poll(self, *, limit: int, wait: float) -> list[Record]:
        """The next records, at most `limit`; empty after `wait` seconds without any."""

    def reached(self, pos: int) -> None:
        """Tell this process's `progress` how far the group is, ahead of what `finish` keeps."""

    async def finish(self, partition: int, offset: int) -> None:
        """Keep that everything at or below the offset is finished; a restart goes on after it."""

    async def close(self) -> None:
        """Stop reading; what was polled and not finished is read again."""


class EventLog(Protocol):
    """An ordered, durable log of facts, in partitions by key.

    Order within a partition is commit order. Every group gets every record at
    least once and goes on after a kill where it had finished.
    """

    async def open(self) -> str:
        """Make ready; answers the log's identity, the same for as long as its positions hold."""

    def append(self, record: NewRecord) -> "asyncio.Future[Appended]":
        """Queue a record; the future resolves once it is durable, Unavailable when it cannot be.

        Records of one key keep the order of the calls. A unique key that is taken
        answers with the first record and adds nothing.
        """

    def append_in(self, records: Sequence[NewRecord]) -> None:
        """Append inside the caller's open transaction: committed with it or not at all."""

    async def read(self, group: str) -> GroupReader:
        """Start reading as a group; its first start is registered and begins at the floor."""

    async def progress(self, group: str) -> int:
        """The pos up to which a group has finished everything."""

    async def end(self) -> int:
        """The pos of the newest record."""

    async def floor(self) -> int:
        """The pos at or below which records may be gone; 0 while nothing was trimmed."""

    async def find(self, unique_key: str) -> Record | None:
        """The record that took a unique key, while the log keeps it."""

    async def newest(self, *, limit: int) -> list[Record]:
        """The newest records of all keys, oldest first."""

    async def key_records(self, key: str, *, after: int, limit: int) -> list[Record]:
        """The oldest `limit` records of a key with a pos above `after`, oldest first."""

    async def newest_of(self, keys: Sequence[str], *, after: int, limit: int) -> dict[str, list[Record]]:
        """The newest `limit` records of each key with a pos above `after`, oldest first; many keys in one call."""

    async def park(self, record: Record, *, group: str, reason: str) -> None:
        """Keep an unreadable record among the dead letters, bytes and all."""

    async def rewind(self, group: str) -> None:
        """Let a group that is not running start again at the floor."""

    async def trim(self, *, now_ms: int, below: int | None = None) -> int:
        """Drop records older than the log keeps and finished by all groups; answers how many.

        Records from the offset `below` on stay whatever their age.
        """

    async def close(self) -> None:
        """Make what was appended durable and let go of the resources."""


def log() -> EventLog:
    """The event log, as EVENT_LOG names it."""
    return cast(EventLog, backend("EVENT_LOG"))


def outbox() -> EventLog:
    """The outbox, as OUTBOX names it: facts of Django's database on their way to the log."""
    return cast(EventLog, backend("OUTBOX"))
