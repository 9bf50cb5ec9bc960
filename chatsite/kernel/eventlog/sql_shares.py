"""Who reads which partition of a group in PostgreSQL: leases of six seconds.

Every reader of a group says again and again that it lives. The living ones,
sorted, take the partitions in turn; what is no longer its own a reader gives up at
its next beat, and whoever is due takes it at its own. A reader that cannot beat for
as long as its lease reads no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from chatsite.kernel.database import plain_cursor

LEASE_SECONDS = 6.0  # how long what a killed process had waits for the next one
BEAT_SECONDS = 1.5
_EXPIRED = f"now() - interval '{LEASE_SECONDS} seconds'"


class Keep(NamedTuple):
    """How far a reader has finished a partition of its group."""

    group: str
    partition: int
    offset: int
    holder: str


def keep_offsets(cursor: CursorWrapper, finished: Sequence[Keep]) -> None:
    """Keep offsets that rise, of partitions that are still their holder's."""
    cursor.executemany(
        "UPDATE log_group_offsets SET log_offset = %s"
        " WHERE group_name = %s AND partition = %s AND holder = %s AND log_offset < %s",
        [(one.offset, one.group, one.partition, one.holder, one.offset) for one in finished],
    )


def beat(alias: str, group: str, member: str, partitions: int) -> frozenset[int]:
    """Say that a reader lives; answers the partitions that it should have."""
    with transaction.atomic(using=alias), plain_cursor(alias) as cursor:
        cursor.execute(
            "INSERT INTO log_group_members (group_name, member, seen_at) VALUES (%s, %s, now())"
            " ON CONFLICT (group_name, member) DO UPDATE SET seen_at = excluded.seen_at",
            [group, member],
        )
        members = sorted(_living(cursor, group))
    rank = members.index(member)
    return frozenset(range(rank, partitions, len(members)))


def take(alias: str, group: str, member: str, wanted: Iterable[int]) -> dict[int, int]:
    """Lease what is free of some partitions, or is this reader's; answers their finished offsets."""
    with transaction.atomic(using=alias), plain_cursor(alias) as cursor:
        cursor.execute(
            "UPDATE log_group_offsets SET holder = %s, held_until = now() + make_interval(secs => %s)"
            " WHERE group_name = %s AND partition = ANY(%s) AND (holder IN (%s, '') OR held_until < now())"
            " RETURNING partition, log_offset",
            [member, LEASE_SECONDS, group, sorted(wanted), member],
        )
        return dict(cursor.fetchall())


def give_up(alias: str, group: str, member: str, finished: Mapping[int, int], *, leave: bool = False) -> None:
    """Keep how far partitions are finished and free them; leave the group too when the reader stops."""
    with transaction.atomic(using=alias), plain_cursor(alias) as cursor:
        keep_offsets(cursor, [Keep(group, partition, offset, member) for partition, offset in finished.items()])
        cursor.execute(
            "UPDATE log_group_offsets SET holder = '' WHERE group_name = %s AND holder = %s AND partition = ANY(%s)",
            [group, member, sorted(finished)],
        )
        if leave:
            cursor.execute("DELETE FROM log_group_members WHERE group_name = %s AND member = %s", [group, member])


def has_members(alias: str, group: str) -> bool:
    """Whether a reader of a group lives."""
    with plain_cursor(alias) as cursor:
        return bool(_living(cursor, group))


def _living(cursor: CursorWrapper, group: str) -> list[str]:
    cursor.execute(f"DELETE FROM log_group_members WHERE group_name = %s AND seen_at < {_EXPIRED}", [group])  # noqa: S608
    cursor.execute("SELECT member FROM log_group_members WHERE group_name = %s", [group])
    return [member for (member,) in cursor.fetchall()]
