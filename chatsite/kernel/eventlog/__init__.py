"""The port of the log of facts: what its twins promise.

`chatsite.kernel.eventlog.log()` is the event log of this process, `outbox()` the
one in Django's database.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, cast

from chatsite.kernel.backends import backend
from chatsite.kernel.events import NewRecord, Record
from chatsite.kernel.servers import Description

if TYPE_CHECKING:
    import asyncio

Positions: TypeAlias = Mapping[int, int]  # a pos of each partition


class Appended(NamedTuple):
    """Where a record is. `first` is the earlier record that had its unique key, if one had."""

    pos: int
    offset: int
    first: Record | None


class GroupReader(Protocol):
    """One process's share of a group's way through the log.

    Where several processes read as one group, each has some of the partitions; they
    come and go as processes do. What a process was still working on when a partition
    left it is read again by the next one.
    """

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are this reader's now."""

    async def poll(self, *, limit: int, wait: float) -> list[Record]:
        """The next records, at most `limit`; empty after `wait` seconds without any."""

    def finished(self, partition: int, offset: int) -> None:
        """Say that everything of a partition at or below an offset is done.

        This process's `progress` knows at once, a restart and other processes after
        `commit`, or when the partition is taken away. Of a partition that is not this
        reader's any more nothing is kept.
        """

    async def commit(self) -> None:
        """Keep what is finished; a restart goes on after it."""

    async def close(self) -> None:
        """Keep what is finished and stop reading; the rest is read again."""


class EventLog(Protocol):
    """An ordered, durable log of facts, in partitions by key.

    Order within a partition is commit order. Every group gets every record at
    least once and goes on after a kill where it had finished.
    """

    async def open(self) -> str:
        """Make ready; answers the log's identity, the same for as long as its positions hold."""

    def partition_of(self, key: str) -> int:
        """The partition of a key, the same for the life of the log."""

    def append(self, record: NewRecord) -> "asyncio.Future[Appended]":
        """Queue a record; the future resolves once it is durable, Unavailable when it cannot be.

        Records of one key keep the order of the calls. A unique key that is taken
        answers with the first record and adds nothing, in a log that keeps them.
        """

    async def read(self, group: str) -> GroupReader:
        """Start reading as a group; its first start is registered and begins at the floor."""

    async def progress(self, group: str) -> Positions:
        """The pos up to which a group has finished everything of each partition; it may be a second late."""

    async def behind(self, group: str) -> int:
        """How many records a group has not finished, of those that are kept; it may be a second late."""

    async def ends(self) -> Positions:
        """The pos of each partition's newest record."""

    async def floors(self) -> Positions:
        """The pos of each partition at or below which records may be gone; 0 while nothing was trimmed."""

    async def find(self, unique_key: str) -> Record | None:
        """The record that took a unique key, while the log keeps it; None in a log that keeps none."""

    async def newest(self, *, limit: int) -> list[Record]:
        """The newest records of each partition, in their order; at most `limit` of a partition."""

    async def key_records(self, key: str, *, after: int, limit: int) -> list[Record]:
        """The oldest `limit` records of a key with a pos above `after`, oldest first."""

    async def park(self, record: Record, *, group: str, reason: str) -> None:
        """Keep an unreadable record among the dead letters, bytes and all."""

    async def rewind(self, group: str) -> None:
        """Let a group that is not running start again at the floor."""

    async def trim(self, *, now_ms: int, below: Positions, groups: Collection[str]) -> int:
        """Drop records older than the log keeps and finished by all these groups; answers how many.

        One that is switched off by now, and will finish nothing more, is none of them.

        Records of a partition from the pos `below` on stay whatever their age.
        """

    async def describe(self) -> Description:
        """The server behind it, for operators; what is away is an error."""

    async def close(self) -> None:
        """Make what was appended durable and let go of the resources."""


class SqlLog(EventLog, Protocol):
    """A log in a database: a transaction there can append to it, and a key's records are found by an index."""

    def append_in(self, records: Sequence[NewRecord]) -> None:
        """Append inside the caller's open transaction: committed with it or not at all."""

    async def newest_of(self, keys: Sequence[str], *, limit: int) -> tuple[Positions, dict[str, list[Record]]]:
        """The newest `limit` records of each key, oldest first, and the floors that all newer ones are above.

        Many keys in one call; nothing was trimmed while they were read.
        """


def log() -> EventLog:
    """The event log, as EVENT_LOG names it."""
    return cast(EventLog, backend("EVENT_LOG"))


def outbox() -> SqlLog:
    """The outbox, as OUTBOX names it: facts of Django's database on their way to the log."""
    return cast(SqlLog, backend("OUTBOX"))
