"""Rows of Django's tables, copied as they are and compared by their sums."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections, models, transaction
from django.db.models import sql

from chatsite.models import MoveStep

CHUNK = 500  # rows of one commit; of the longest messages some 4 MB
NO_NUL = "\N{REPLACEMENT CHARACTER}"  # PostgreSQL's text holds no NUL, SQLite's does

Model: TypeAlias = type[models.Model]
Rows: TypeAlias = Sequence[models.Model]


class Sum(NamedTuple):
    """How many rows, and a sum of their digests: in whatever order they came."""

    rows: int = 0
    digest: int = 0

    def plus(self, values: Iterable[Any]) -> "Sum":
        """With one more row."""
        text = json.dumps([_plain(value) for value in values], sort_keys=True, default=str)
        digest = int.from_bytes(blake2b(text.encode(), digest_size=16).digest())
        return Sum(self.rows + 1, (self.digest + digest) % (1 << 128))


def tables(database: str) -> list[Model]:
    """The models whose tables stand in a database, each after those that it refers to."""
    ours = [one for one in apps.get_models(include_auto_created=True) if one._meta.managed and _is_in(one, database)]
    graph = {one: {field.related_model for field in one._meta.concrete_fields if field.related_model} for one in ours}
    sorter: TopologicalSorter[Any] = TopologicalSorter(
        {one: {other for other in needed if other in graph and other is not one} for one, needed in graph.items()}
    )
    return list(sorter.static_order())


def _is_in(model: Model, database: str) -> bool:
    return getattr(model, "in_both_databases", False) or getattr(model, "database", "default") == database


def chunk_after(model: Model, alias: str, last: Any) -> list[models.Model]:
    """The next rows in the order of their keys."""
    rows = model._base_manager.using(alias).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=tuple(last) if isinstance(last, list) else last)
    return list(rows[:CHUNK])


def key_of(row: models.Model) -> Any:
    """A row's key, as JSON holds it."""
    key = row.pk
    return [_key(part) for part in key] if isinstance(key, tuple) else _key(key)


def _key(part: Any) -> Any:
    return part if isinstance(part, int) else str(part)


def insert(model: Model, rows: Rows, alias: str) -> None:
    """Add rows with every value as it is: a save would date them anew."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    for row in rows:
        for field in fields:
            setattr(row, field.attname, without_nul(getattr(row, field.attname)))
    query = sql.InsertQuery(model)
    query.insert_values(fields, list(rows), raw=True)
    query.get_compiler(using=alias).execute_sql()


def copy(model: Model, *, source: str, target: str) -> int:
    """Copy what is missing of a table; answers how many rows it took in all, over all runs."""
    name = model._meta.db_table
    while True:
        with transaction.atomic(using=target):
            step, _ = MoveStep.objects.using(target).select_for_update().get_or_create(name=name)
            if step.is_done:
                return step.rows
            rows = chunk_after(model, source, step.last)
            if rows:
                step.last, step.rows = key_of(rows[-1]), step.rows + len(rows)
                insert(model, rows, target)
            step.is_done = not rows
            step.save(using=target)


def empty(chosen: Sequence[Model], alias: str) -> None:
    """Drop the rows of tables, in the caller's transaction."""
    names = ", ".join(connections[alias].ops.quote_name(one._meta.db_table) for one in chosen)
    with connections[alias].cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} CASCADE")


def reset_sequences(chosen: Sequence[Model], alias: str) -> None:
    """Let new rows get numbers above those that were copied."""
    with connections[alias].cursor() as cursor:
        for statement in connections[alias].ops.sequence_reset_sql(no_style(), list(chosen)):
            cursor.execute(statement)


def sums(model: Model, alias: str, *, by: Sequence[str] = ()) -> dict[tuple[Any, ...], Sum]:
    """The sum of a table's rows, or of each part of it."""
    fields = [field.attname for field in model._meta.concrete_fields]
    found: dict[tuple[Any, ...], Sum] = defaultdict(Sum)
    for row in model._base_manager.using(alias).iterator(chunk_size=CHUNK):
        part = tuple(getattr(row, name) for name in by)
        found[part] = found[part].plus(getattr(row, name) for name in fields)
    return dict(found)


def differences(before: dict[tuple[Any, ...], Any], after: dict[tuple[Any, ...], Any]) -> Iterator[tuple[Any, ...]]:
    """The parts that are not the same."""
    return (part for part in sorted(before.keys() | after.keys(), key=str) if before.get(part) != after.get(part))


def without_nul(value: Any) -> Any:
    """A value that PostgreSQL can hold."""
    match value:
        case str():
            return value.replace("\0", NO_NUL)
        case list():
            return [without_nul(one) for one in value]
        case dict():
            return {without_nul(name): without_nul(one) for name, one in value.items()}
    return value


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
    return without_nul(value)
