"""What is read of the log's tables; blocking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatsite.kernel.database import plain_cursor
from chatsite.kernel.eventlog import Positions
from chatsite.kernel.events import Record
from chatsite.kernel.positions import pos_at

_KEYS_CHUNK = 250  # keys of one SELECT: SQLite joins at most 500
COLUMNS = "r.partition, r.log_offset, p.generation, r.record_key, r.event_type, r.event_id, r.value, r.appended_ms"
FROM = "FROM log_records r JOIN log_partitions p ON p.partition = r.partition"


@dataclass(frozen=True)
class Head:
    """Where a partition ends and begins."""

    partition: int
    offset: int
    floor: int
    generation: int

    def pos(self, offset: int) -> int:
        """The pos of an offset of this partition."""
        return pos_of(self.generation, offset)


def pos_of(generation: int, offset: int) -> int:
    """The pos of an offset; 0 for the one before the first, which is 1."""
    return pos_at(generation, offset) if offset else 0


def heads(alias: str) -> list[Head]:
    """The heads of all partitions."""
    with plain_cursor(alias) as cursor:
        cursor.execute("SELECT partition, head, floor, generation FROM log_partitions")
        return [Head(*row) for row in cursor.fetchall()]


def committed(alias: str, group: str) -> Positions:
    """What all readers of a group have kept."""
    with plain_cursor(alias) as cursor:
        cursor.execute(
            "SELECT p.partition, o.log_offset, p.floor, p.generation FROM log_group_offsets o"
            " JOIN log_partitions p ON p.partition = o.partition WHERE o.group_name = %s",
            [group],
        )
        return {row[0]: Head(*row).pos(row[1]) for row in cursor.fetchall()}


def records(alias: str, where: str, params: list[Any], *, limit: int, newest: bool = False) -> list[Record]:
    """The oldest records that fit, or the newest, in rising offset."""
    order = "DESC" if newest else "ASC"
    with plain_cursor(alias) as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} {FROM} WHERE {where} ORDER BY r.log_offset {order} LIMIT %s",
            [*params, limit],
        )
        found = [record_of(row) for row in cursor.fetchall()]
    return found[::-1] if newest else found


def records_after(alias: str, offsets: Mapping[int, int], limit: int) -> list[Record]:
    """Records of partitions after their offsets; a partition's own in order."""
    if len(offsets) > 1:
        ends = {head.partition: head.offset for head in heads(alias)}
        offsets = {partition: offset for partition, offset in offsets.items() if ends[partition] > offset}
    found = []
    for partition, offset in offsets.items():
        where = "r.partition = %s AND r.log_offset > %s"
        found += records(alias, where, [partition, offset], limit=max(1, limit // len(offsets)))
    return found


def newest_records(alias: str, partitions: int, limit: int) -> list[Record]:
    """The newest records of each partition."""
    return [
        record
        for partition in range(partitions)
        for record in records(alias, "r.partition = %s", [partition], limit=limit, newest=True)
    ]


def newest_of(alias: str, keys: Sequence[str], limit: int) -> tuple[Positions, dict[str, list[Record]]]:
    """The newest records of each key, in rising offset, and the floors that they are above."""
    ends = heads(alias)
    while True:
        floors = {head.partition: head.floor for head in ends}
        found: dict[str, list[Record]] = {key: [] for key in keys}
        for start in range(0, len(keys), _KEYS_CHUNK):
            for record in _newest_of(alias, keys[start : start + _KEYS_CHUNK], limit):
                if record.offset > floors[record.partition]:  # Others are about to be trimmed.
                    found[record.key].append(record)
        ends = heads(alias)
        if {head.partition: head.floor for head in ends} == floors:
            return {head.partition: head.pos(head.floor) for head in ends}, found


def _newest_of(alias: str, keys: Sequence[str], limit: int) -> list[Record]:
    """The newest records of each key, by one statement."""
    one = (
        f"SELECT * FROM (SELECT {COLUMNS} {FROM} WHERE r.record_key = %s"  # noqa: S608
        " ORDER BY r.log_offset DESC LIMIT %s) AS newest"
    )
    with plain_cursor(alias) as cursor:
        cursor.execute(
            f"{' UNION ALL '.join([one] * len(keys))} ORDER BY 2",
            [value for key in keys for value in (key, limit)],
        )
        return [record_of(row) for row in cursor.fetchall()]


def record_of(row: Sequence[Any]) -> Record:
    """The record that a row of COLUMNS says."""
    partition, offset, generation, key, event_type, event_id, value, appended_ms = row
    return Record(
        partition=partition,
        offset=offset,
        pos=pos_at(generation, offset),
        key=key,
        event_type=event_type,
        event_id=event_id,
        value=bytes(value),
        appended_ms=appended_ms,
    )
