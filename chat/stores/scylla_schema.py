"""The tables of the message store: numbered files, each applied once, in order.

What was applied stands in `schema_files` with its checksum. A file that changed
after it was applied is refused. Each statement may be repeated, so a run that was
killed is finished by the next one.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cassandra import InvalidRequest

from chat.stores import NotMigrated
from chat.stores.scylla_session import Cql

FOLDER = Path(__file__).parent / "cql"
KEYSPACE = (
    "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', {copies}}}"
)
APPLIED_TABLE = """CREATE TABLE IF NOT EXISTS schema_files (name text PRIMARY KEY, checksum text, applied_at timestamp)
 WITH compaction = {'class': 'SizeTieredCompactionStrategy'} AND gc_grace_seconds = 864000"""
NOTE_APPLIED = "INSERT INTO {keyspace}.schema_files (name, checksum, applied_at) VALUES (%s, %s, %s) USING TIMESTAMP %s"
APPLIED = "SELECT name, checksum FROM {keyspace}.schema_files"
KEYSPACES = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s"
COLUMNS = "SELECT column_name FROM system_schema.columns WHERE keyspace_name = %s AND table_name = %s"
_ADDS = re.compile(r"ALTER TABLE (\w+) ADD (\w+) \w+")
TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"


class File(NamedTuple):
    """One numbered file, and whether it was applied."""

    name: str
    text: str
    applied: bool

    @property
    def checksum(self) -> str:
        """What it must still be when it is looked at again."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Its statements, without comments."""
        return statements_of(self.text)


def statements_of(text: str) -> list[str]:
    """The statements of CQL text that holds no semicolon in a string."""
    plain = re.sub(r"--[^\n]*", "", text)
    return [statement.strip() for statement in plain.split(";") if statement.strip()]


def keyspace_statement(cql: Cql) -> str:
    """What makes the keyspace, with its copies in each datacenter."""
    copies = ", ".join(f"'{datacenter}': {count}" for datacenter, count in cql.replication.items())
    return KEYSPACE.format(keyspace=cql.keyspace, copies=copies)


def files(cql: Cql, folder: Path = FOLDER) -> list[File]:
    """The files in order, as the keyspace knows them; NotMigrated names one that changed after it was applied."""
    applied: dict[str, str] = {}
    if ("schema_files",) in cql.define(TABLES, cql.keyspace):
        applied = dict(cql.define(APPLIED.format(keyspace=cql.keyspace)))
    found = [File(path.name, path.read_text(), path.name in applied) for path in sorted(folder.glob("*.cql"))]
    if changed := [file.name for file in found if file.applied and file.checksum != applied[file.name]]:
        raise NotMigrated(
            f"{', '.join(changed)} changed after it was applied to {cql.keyspace}."
            " Put it back as it was, and add a file with the next number."
        )
    return found


def migrate(cql: Cql, folder: Path = FOLDER) -> Iterator[str]:
    """Make the keyspace and apply what is missing; says each file as it is done."""
    _require_nodes(cql)
    cql.define(keyspace_statement(cql))
    cql.use_keyspace()
    cql.define(APPLIED_TABLE)
    for file in files(cql, folder):
        if file.applied:
            continue
        for statement in file.statements:
            _define(cql, statement)
        now = datetime.now(UTC)
        note = NOTE_APPLIED.format(keyspace=cql.keyspace)
        cql.define(note, file.name, file.checksum, now, int(now.timestamp() * 1_000_000))
        yield file.name


def _define(cql: Cql, statement: str) -> None:
    """Execute a statement of a file; a column that another run adds meanwhile is as good as one of ours."""
    if _has_column(cql, statement):
        return
    try:
        cql.define(statement)
    except InvalidRequest:
        if not _has_column(cql, statement):
            raise


def _has_column(cql: Cql, statement: str) -> bool:
    """Whether a statement adds a column that is there: a killed run had come so far, and not all stores can say it."""
    adds = _ADDS.fullmatch(statement)
    return adds is not None and (adds[2],) in cql.define(COLUMNS, cql.keyspace, adds[1])


def _require_nodes(cql: Cql) -> None:
    """Make no keyspace that nothing can be written to: it would keep its number of copies."""
    copies = next(iter(cql.replication.values()))
    if (nodes := len(cql.nodes())) < copies and not cql.define(KEYSPACES, cql.keyspace):
        raise NotMigrated(
            f"{copies} copies of {cql.keyspace} need as many nodes, and there are {nodes}: start them, or set"
            " SCYLLA_REPLICATION (fewer than three copies are only served on with CHAT_ACCEPT_UNREPLICATED=on)."
        )


def require_applied(cql: Cql) -> None:
    """Refuse to work without a table; NotMigrated says what makes it."""
    if missing := [file.name for file in files(cql) if not file.applied]:
        raise NotMigrated(f"The keyspace {cql.keyspace} lacks {', '.join(missing)}. Run: manage.py migrate_messages")
