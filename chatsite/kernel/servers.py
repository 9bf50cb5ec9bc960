"""What adapters tell operators of the servers behind them."""

import statistics
import time
from collections.abc import Awaitable, Callable

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.utils import CursorWrapper

from chatsite.kernel.database import plain_cursor
from chatsite.kernel.errors import DomainError

ROUND_TRIPS = 5  # the median of so few is not moved by the first one, which may connect
COPIES = 3  # of what is acked: one may be away, and the other two agree
MOST_AHEAD_MS = 1_000.0  # ids of processes whose clocks differ by more come out of order
# What asking a server raises that is away, not set up, or will not say.
AWAY = (TimeoutError, DatabaseError, InterfaceError, DomainError, ImproperlyConfigured, OSError)


class Finding(msgspec.Struct, frozen=True):
    """Something about a server that somebody should change, and how."""

    what: str
    fix: str
    is_wrong: bool = True  # else only weaker than it could be


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A server: what it is, how fast and on time it answers, how it keeps what it is given."""

    server: str
    latency_ms: float | None = None
    ahead_ms: float | None = None  # of our clock; None where it does not tell its time
    copies: int | None = None  # of all that is written to it, where it says so itself
    facts: dict[str, str] = {}
    findings: list[Finding] = []


def ahead_ms(told_ms: float, *, before_ms: float, after_ms: float) -> float:
    """How far at least a clock is ahead of ours, negative behind, told between two of our moments. Pure."""
    return min(0.0, told_ms - before_ms) + max(0.0, told_ms - after_ms)


def clock_findings(server: str, ahead: float) -> list[Finding]:
    """What is wrong where a server's clock and ours differ too much."""
    if abs(ahead) <= MOST_AHEAD_MS:
        return []
    what = f"The clock of {server} is {abs(ahead):,.0f} ms {'ahead of' if ahead > 0 else 'behind'} this machine's."
    return [Finding(what, "keep both on time: timedatectl set-ntp true")]


async def latency_ms(ask: Callable[[], Awaitable[object]]) -> float:
    """The median of a few round trips, in ms."""
    taken = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1_000)
    return round(statistics.median(taken), 2)


def latency_now_ms(ask: Callable[[], object]) -> float:
    """The same in a thread that may wait."""
    taken = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1_000)
    return round(statistics.median(taken), 2)


def database_ahead_ms(alias: str) -> float | None:
    """How far a database's clock is ahead of ours, by one statement; None where it has none of its own."""
    with plain_cursor(alias) as cursor:
        if cursor.db.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return None
        before = time.time() * 1_000
        cursor.execute("SELECT extract(epoch FROM clock_timestamp()) * 1000")
        (told,) = cursor.fetchone()
        return ahead_ms(float(told), before_ms=before, after_ms=time.time() * 1_000)


def describe_database(alias: str) -> Description:
    """One of Django's databases."""
    with plain_cursor(alias) as cursor:
        latency = latency_now_ms(lambda: cursor.execute("SELECT 1"))
        return _postgres(cursor, alias, latency) if cursor.db.vendor == "postgresql" else _sqlite(cursor, latency)


def _sqlite(cursor: CursorWrapper, latency: float) -> Description:
    cursor.execute("SELECT sqlite_version()")
    (version,) = cursor.fetchone()
    cursor.execute("PRAGMA journal_mode")
    (mode,) = cursor.fetchone()
    name = cursor.db.settings_dict["NAME"]
    findings = [Finding("Several processes cannot share SQLite.", "set CHAT_DATABASE_URL")] if settings.SHARED else []
    return Description(
        server=f"SQLite {version}, {name}", latency_ms=latency, facts={"journal": mode}, findings=findings
    )


_STATE = """SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('fsync'),
 current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
 current_setting('max_connections'), (SELECT count(*) FROM pg_stat_activity)"""
_REPLICAS = "SELECT application_name, state, sync_state FROM pg_stat_replication"


def _postgres(cursor: CursorWrapper, alias: str, latency: float) -> Description:
    cursor.execute(_STATE)
    version, is_replica, fsync, commit, synchronous, most, used = cursor.fetchone()
    cursor.execute(_REPLICAS)
    replicas = [" ".join(filter(None, row)) for row in cursor.fetchall()]
    found = connections[alias].settings_dict
    server = f"PostgreSQL {version.split()[0]} at {found['HOST']}:{found['PORT']}/{found['NAME']}"
    ahead = database_ahead_ms(alias) or 0.0
    facts = {
        "role": "replica" if is_replica else "primary",
        "replicas": ", ".join(replicas) or "none",
        "synchronous": synchronous or "none",
        "connections": f"{used} of {most}",
    }
    findings = clock_findings(server, ahead)
    if is_replica:
        findings.append(Finding(f"{server} is a replica and takes no writes.", "name the primary in CHAT_DATABASE_URL"))
    if fsync == "off":
        findings.append(Finding("A power cut loses commits.", "ALTER SYSTEM SET fsync = on", is_wrong=False))
    if commit == "off":
        fix = "ALTER SYSTEM SET synchronous_commit = on"
        findings.append(Finding("A crash loses commits that were acked.", fix, is_wrong=False))
    if not (replicas or is_replica):
        fix = "add a standby, and name it in synchronous_standby_names"
        findings.append(Finding("No replica has a second copy of the database.", fix, is_wrong=False))
    return Description(server=server, latency_ms=latency, ahead_ms=round(ahead, 1), facts=facts, findings=findings)
