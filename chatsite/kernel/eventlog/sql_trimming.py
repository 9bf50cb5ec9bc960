"""Drops what a log in a database need not keep."""

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

CHUNK = 2_000  # records dropped in one commit, some 20 ms


class Trim(NamedTuple):
    """What may go of a partition: older than a moment, finished by some groups, below an offset where one is given."""

    partition: int
    cutoff_ms: int
    below: int | None
    groups: Collection[str]


def trim_many(cursor: CursorWrapper, items: Sequence[Trim]) -> list[int]:
    """Drop the oldest records that nobody needs, few enough not to hold up a send; answers how many of each."""
    return [_trim(cursor, *item) for item in items]


def _trim(cursor: CursorWrapper, partition: int, cutoff_ms: int, below: int | None, groups: Collection[str]) -> int:
    cursor.execute("SELECT group_name, log_offset FROM log_group_offsets WHERE partition = %s", [partition])
    finished = min((offset for group, offset in cursor.fetchall() if group in groups), default=None)
    cursor.execute(
        "SELECT log_offset, appended_ms FROM log_records WHERE partition = %s ORDER BY log_offset LIMIT %s",
        [partition, CHUNK],
    )
    last = min(finished or 0, below - 1 if below is not None else finished or 0)
    old = list(takewhile(lambda row: row[1] < cutoff_ms and row[0] <= last, cursor.fetchall()))
    if not old:
        return 0
    floor = old[-1][0]
    cursor.execute(
        "UPDATE log_partitions SET floor = %s WHERE partition = %s AND floor < %s", [floor, partition, floor]
    )
    cursor.execute("DELETE FROM log_records WHERE partition = %s AND log_offset <= %s", [partition, floor])
    return len(old)
