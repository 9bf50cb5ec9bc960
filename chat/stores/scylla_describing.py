"""What operators are told of ScyllaDB or Cassandra; blocking."""

import time
from datetime import UTC

from chat.stores import NotMigrated
from chat.stores import scylla_schema as schema
from chat.stores.scylla_session import Cql
from chatsite.kernel.servers import COPIES, Description, Finding, ahead_ms, clock_findings, latency_now_ms

VERSION = "SELECT release_version FROM system.local"
SCYLLA_VERSION = "SELECT version FROM system.versions"
SYSTEM_TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system'"
NOW = "SELECT toTimestamp(now()) FROM system.local"
KEYSPACE = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"


def describe(cql: Cql) -> Description:
    """The cluster, the keyspace's copies, and which of the numbered files it has."""
    ahead = _ahead(cql)
    nodes = cql.nodes()
    away = [name for name, is_up in nodes.items() if not is_up]
    server = f"{_version(cql)} at {', '.join(nodes)}"
    findings = clock_findings(server, ahead)
    if away:
        findings.append(Finding(f"Nodes are away: {', '.join(away)}.", "start them, then: nodetool status"))
    copies, replication = _replication(cql)
    applied, missing = _files(cql, findings)
    facts = {"nodes": f"{len(nodes) - len(away)} of {len(nodes)} up", "keyspace": f"{cql.keyspace} {replication}"}
    facts["schema"] = f"{applied} files applied"
    if missing:
        what = f"The keyspace {cql.keyspace} lacks {', '.join(missing)}."
        findings.append(Finding(what, "manage.py migrate_messages"))
    return Description(
        server=server,
        latency_ms=latency_now_ms(lambda: cql.define(VERSION)),
        ahead_ms=round(ahead, 1),
        copies=copies,
        facts=facts,
        findings=findings + _copy_findings(cql, copies),
    )


def _version(cql: Cql) -> str:
    if ("versions",) in cql.define(SYSTEM_TABLES):
        return f"ScyllaDB {cql.define(SCYLLA_VERSION)[0][0]}"
    return f"Cassandra {cql.define(VERSION)[0][0]}"


def _ahead(cql: Cql) -> float:
    before = time.time() * 1_000
    ((told,),) = cql.define(NOW)
    return ahead_ms(told.replace(tzinfo=UTC).timestamp() * 1_000, before_ms=before, after_ms=time.time() * 1_000)


def _replication(cql: Cql) -> tuple[int | None, str]:
    """The copies in this process's datacenter, and how the keyspace says it."""
    rows = cql.define(KEYSPACE, cql.keyspace)
    if not rows:
        return None, "is missing"
    told = dict(rows[0][0])
    strategy = told.pop("class").rpartition(".")[2]
    own = told.get(next(iter(cql.replication)), told.get("replication_factor", "0"))
    return int(own), f"{strategy} {', '.join(f'{name}={count}' for name, count in told.items())}"


def _files(cql: Cql, findings: list[Finding]) -> tuple[int, list[str]]:
    try:
        files = schema.files(cql)
    except NotMigrated as error:
        findings.append(Finding(str(error), "manage.py migrate_messages --status"))
        return 0, []
    return sum(file.applied for file in files), [file.name for file in files if not file.applied]


def _copy_findings(cql: Cql, copies: int | None) -> list[Finding]:
    if copies is None or copies >= COPIES:
        return []
    datacenter = next(iter(cql.replication))
    fix = (
        f"ALTER KEYSPACE {cql.keyspace} WITH replication ="
        f" {{'class': 'NetworkTopologyStrategy', '{datacenter}': {COPIES}}}, then: nodetool repair --full"
    )
    return [Finding(f"The keyspace {cql.keyspace} keeps {copies} of {COPIES} copies.", fix, is_wrong=False)]
