"""What ScyllaDB and Cassandra have in common, as far as our statements go."""

import re

WRITES = re.compile(r"(INSERT|UPDATE|DELETE|BEGIN)\b", re.IGNORECASE)
FORBIDDEN = {
    r"\bIF\s+(?!NOT\s+EXISTS\s+[\w.{}]+\s*(\(|WITH\b))": "a lightweight transaction",
    r"\bINSERT\b.*\bIF\b": "a lightweight transaction",
    r"\bcounter\b": "a counter",
    r"\bMATERIALIZED\b": "a materialised view",
    r"\bCREATE\s+(CUSTOM\s+)?INDEX\b": "an index",
    r"\bALLOW\s+FILTERING\b": "a scan",
    r"\bTRUNCATE\b|\bDROP\b": "something that drops data",
    r"\bSimpleStrategy\b": "a strategy that knows no datacenters",
    r"(=|,|\()\s*null\b": "a null, which is a tombstone",
    r"\b(vector|duration|tinyint|smallint|varint)\b": "a type that is not needed",
    r"\bPER\s+PARTITION\b|\bGROUP\s+BY\b|\bLIKE\b|\bIN\s*\(": "more than one partition, or what one of them lacks",
}
COLUMN_TYPES = {"uuid", "text", "bigint", "int", "boolean", "timestamp", "blob"}
TABLE_OPTIONS = {"compaction", "gc_grace_seconds", "default_time_to_live", "clustering order by"}
COMPACTIONS = {"TimeWindowCompactionStrategy", "SizeTieredCompactionStrategy"}
GC_GRACE = 864_000


def complaints(statement: str) -> list[str]:
    """Why a statement is not in the common part, or not one of ours; empty when it is."""
    text = " ".join(statement.split())
    found = [f"has {what}" for pattern, what in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]
    if WRITES.match(text) and "USING TIMESTAMP" not in text:
        found.append("has no timestamp of its own")
    if text.upper().startswith("CREATE TABLE"):
        found += _table_complaints(text)
    return found


def _table_complaints(text: str) -> list[str]:
    if not (table := re.fullmatch(r"CREATE TABLE IF NOT EXISTS \w+ \((.+)\) WITH (.+)", text)):
        return ["cannot be repeated, or says nothing of its compaction"]
    columns, options = table.groups()
    found = []
    for column in re.split(r",(?![^(]*\))", columns.split("PRIMARY KEY (")[0]):
        if column.strip() and not _is_allowed(column.split(None, 1)[1].removesuffix(" PRIMARY KEY").strip()):
            found.append(f"has the column {column.strip()}")
    names = [re.split(r"\s*=|\s*\(", option)[0].strip().lower() for option in options.split(" AND ")]
    found += [f"has the option {name}" for name in names if name not in TABLE_OPTIONS]
    if not any(f"'{strategy}'" in options for strategy in COMPACTIONS):
        found.append("has another compaction")
    if f"gc_grace_seconds = {GC_GRACE}" not in options:
        found.append("forgets tombstones before a node may be back")
    return found


def _is_allowed(kind: str) -> bool:
    """A plain type, or a frozen collection: another one would leave tombstones when it is written anew."""
    frozen = re.fullmatch(r"frozen<(?:list|set)<(\w+)>>", kind)
    return (frozen.group(1) if frozen else kind) in COLUMN_TYPES
