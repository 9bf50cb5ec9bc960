"""From the data folder of the embedded shape into PostgreSQL.

Rows are copied as they are. The log's records get new places in more partitions, in a new
generation whose groups begin at its end: what was said keeps its position, and every new
one is above all of them. What stays of the records is the keys that find a nonce or an
event said before.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import F, Max

from chatsite.accounts.models import User
from chatsite.kernel.database import MESSAGES
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.groups import group_names
from chatsite.kernel.models import (
    DeadLetter,
    GroupMember,
    GroupOffset,
    HeldKey,
    LogPartition,
    LogRecord,
    WorkerLease,
)
from chatsite.management.moving import Differs, Refused, Say, rows
from chatsite.management.running import unapplied
from chatsite.models import MoveStep

FILES = {DEFAULT_DB_ALIAS: "site.sqlite3", MESSAGES: "messages.sqlite3"}
BEGUN = "from-data"
LOG = "log"
# The log's own tables get new places; who reads and who mints is of the processes that ran.
_OWN = {LogPartition, LogRecord, GroupOffset, DeadLetter}
_NOT_MOVED = {MoveStep, GroupMember}
_PARTS = {"history_messages": ("channel_id", "bucket"), "message_edits": ("channel_id",),
          "history_buckets": ("channel_id",), "message_reactions": ("channel_id",), "pinned_messages": ("channel_id",),
          "message_read_positions": ("channel_id",)}  # fmt: skip
_FACT = ("key", "event_type", "event_id", "unique_key", "value", "appended_ms")


@contextmanager
def opened(folder: Path) -> Iterator[dict[str, str]]:
    """The folder's databases under aliases of their own, by the name of each."""
    aliases = {name: f"source-{name}" for name in FILES}
    for name, alias in aliases.items():
        if not (folder / FILES[name]).exists():
            raise Refused(f"There is no {FILES[name]} in {folder}.")
        connections.databases[alias] = {
            **connections.databases[DEFAULT_DB_ALIAS],
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(folder / FILES[name]),
            "OPTIONS": {"timeout": 5},
            "CONN_MAX_AGE": None,
        }
    try:
        yield aliases
    finally:
        for alias in aliases.values():
            connections[alias].close()
            del connections[alias]
            del connections.databases[alias]


def move(sources: dict[str, str], *, folder: Path, say: Say) -> None:
    """Copy everything that is not there yet, then compare."""
    _require_finished(sources, folder)
    _begin(sources)
    for name in (MESSAGES, DEFAULT_DB_ALIAS):
        for model in _moved(name):
            say(f"{model._meta.db_table}: {rows.copy(model, source=sources[name], target=name):,} rows")
    say(f"log_records: {_copy_log(sources[MESSAGES]):,} records")
    for name in (MESSAGES, DEFAULT_DB_ALIAS):
        rows.reset_sequences(_moved(name), name)
    _compare(sources)


def _moved(name: str) -> list[rows.Model]:
    left = _NOT_MOVED | (_OWN if name == MESSAGES else set())
    return [model for model in rows.tables(name) if model not in left]


def _require_finished(sources: dict[str, str], folder: Path) -> None:
    """Refuse a folder whose groups have not finished: what they have not done nobody would do."""
    at = f"CHAT_SHAPE=embedded CHAT_DATA={folder} manage.py"
    for name, alias in sources.items():
        if unapplied(alias):
            raise Refused(f"The tables of {FILES[name]} are of an earlier release. Run: {at} migrate_all")
    if HeldKey.objects.using(sources[DEFAULT_DB_ALIAS]).exists():
        raise Refused(f"The groups hold keys. See: {at} project")
    for alias in sources.values():
        head = LogPartition.objects.using(alias).aggregate(head=Max("head"))["head"] or 0
        offsets = GroupOffset.objects.using(alias).filter(group__in=group_names())
        behind = sorted(offsets.filter(offset__lt=head).values_list("group", flat=True))
        if behind or (head and not offsets.exists()):
            raise Refused(f"{', '.join(behind) or 'The groups'} have not finished. Run: {at} migrate_profile --settle")


def _begin(sources: dict[str, str]) -> None:
    """Empty the tables of a target that holds nobody; a run that goes on finds its own first step."""
    identity = LogPartition.objects.using(sources[MESSAGES]).values_list("identity", flat=True).first() or ""
    begun = MoveStep.objects.filter(name=BEGUN).first()
    if begun is not None:
        if begun.last != identity:
            raise Refused("Another folder was moved into this database before.")
        return
    if User.objects.exists():
        raise Refused("The target has people already: name a new database in CHAT_DATABASE_URL.")
    if WorkerLease.objects.filter(expires_at__gt=datetime.now(UTC)).exists():
        raise Refused("Processes run on the target: stop them first; after a kill -9 wait for ten minutes.")
    for name in (MESSAGES, DEFAULT_DB_ALIAS):
        with transaction.atomic(using=name):
            rows.empty(rows.tables(name), name)
            if name == DEFAULT_DB_ALIAS:
                MoveStep.objects.create(name=BEGUN, last=identity)


def _copy_log(source: str) -> int:
    """Give the records new places, in a generation above the source's; groups will begin behind them."""
    if not LogPartition.objects.using(MESSAGES).exists():
        asyncio.run(_make_partitions())
    partitions = LogPartition.objects.using(MESSAGES)
    generation = LogPartition.objects.using(source).aggregate(newest=Max("generation"))["newest"] or 1
    # The first offset stays empty: a position of 0 would be below those that people have read.
    partitions.filter(generation__lte=generation).update(generation=generation + 1, head=1, floor=1)
    while True:
        with transaction.atomic(using=MESSAGES):
            step, _ = MoveStep.objects.using(MESSAGES).select_for_update().get_or_create(name=LOG)
            if step.is_done:
                return step.rows
            chunk = rows.chunk_after(LogRecord, source, step.last)
            if chunk:
                step.last, step.rows = rows.key_of(chunk[-1]), step.rows + len(chunk)
                _place([one for one in chunk if isinstance(one, LogRecord)])
            else:
                partitions.update(floor=F("head"))
                step.is_done = True
            step.save(using=MESSAGES)


async def _make_partitions() -> None:
    await log().open()
    await log().close()
    await outbox().close()


def _place(records: list[LogRecord]) -> None:
    """Append records in their order, each to the partition of its key."""
    heads = {one.partition: one for one in LogPartition.objects.using(MESSAGES).select_for_update()}
    for record in records:
        head = heads[log().partition_of(record.key)]
        head.head += 1
        record.partition, record.offset = head.partition, head.head
    rows.insert(LogRecord, records, MESSAGES)
    LogPartition.objects.using(MESSAGES).bulk_update(heads.values(), ["head"])


def _compare(sources: dict[str, str]) -> None:
    for name in (MESSAGES, DEFAULT_DB_ALIAS):
        for model in _moved(name):
            by = _PARTS.get(model._meta.db_table, ())
            differs = rows.differences(rows.sums(model, sources[name], by=by), rows.sums(model, name, by=by))
            if (part := next(differs, None)) is not None:
                raise Differs(f"{model._meta.db_table} {part or ''} is not what it was in {FILES[name]}.")
    before, after = _facts(sources[MESSAGES]), _facts(MESSAGES)
    if before != after:
        raise Differs(f"The log has {after.rows} of {before.rows} records, or others.")


def _facts(alias: str) -> rows.Sum:
    found = rows.Sum()
    for values in LogRecord.objects.using(alias).values_list(*_FACT).iterator(chunk_size=rows.CHUNK):
        found = found.plus(values)
    return found
