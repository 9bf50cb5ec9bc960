"""The newest records of a log that one process reads, in memory. Pure."""

from collections.abc import Sequence

from chatsite.kernel.events import Record

TAIL_RECORDS = 4_096  # 4 to 8 MB


class Tail:
    """The newest records of one partition, in rising offset without a gap."""

    def __init__(self) -> None:
        self._records: list[Record] = []  # at most twice TAIL_RECORDS

    def extend(self, records: Sequence[Record]) -> None:
        """Take what was appended."""
        if self._records and self._records[-1].offset + 1 != records[0].offset:
            self._records.clear()  # Another process appended in between: readers fetch that from the table.
        self._records.extend(records)
        if len(self._records) > 2 * TAIL_RECORDS:
            del self._records[:-TAIL_RECORDS]

    def after(self, offset: int, limit: int) -> list[Record] | None:
        """Records after an offset, or None where only the table can say."""
        if not self._records or not self._records[0].offset <= offset + 1 <= self._records[-1].offset + 1:
            return None
        start = offset + 1 - self._records[0].offset
        return self._records[start : start + limit]
