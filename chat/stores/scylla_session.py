"""The way to ScyllaDB or Cassandra: one session a process, prepared statements, a bridge to asyncio.

The session comes from django-cassandra-engine's alias and is opened by the first
statement, in a thread of its own: after every fork, and without a server nothing
but the statement fails. Nothing here retries; a server that is away is Unavailable
at once, and whoever asked tries again: every statement may be repeated.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

from cassandra import ConsistencyLevel, OperationTimedOut, RequestExecutionException, UnresolvableContactPoints
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile, NoHostAvailable, Session
from cassandra.connection import ConnectionBusy, ConnectionException
from cassandra.cqlengine.connection import unregister_connection
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    FallthroughRetryPolicy,
    TokenAwarePolicy,
)
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import IsBootstrappingErrorMessage, OverloadedErrorMessage, ServerError
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType, PreparedStatement, tuple_factory
from django.db import connections

from chatsite.kernel.errors import Unavailable

logger = logging.getLogger(__name__)
R = TypeVar("R")

UNSET = UNSET_VALUE  # leaves a cell as it is; a null would be a tombstone
PROTOCOL = 4  # the newest that ScyllaDB and Cassandra both speak
IN_FLIGHT = 128  # requests of one loop; over it a statement waits its turn
READ_SECONDS, WRITE_SECONDS = 3.0, 10.0  # a client's wait; the servers' own are 5 s and 2 s, or as configured
SCHEMA_SECONDS = 60.0
RECONNECT_SECONDS = (0.5, 5.0)  # the driver's own reach ten minutes: a store that is back would stay unused
REFUSE_SECONDS = 0.5  # how long a failed connect stands for those that ask next
COMPLAIN_SECONDS = 1.0
ERASE_AHEAD_US = 60_000_000  # date of an erasure: above every version, which run ahead of other clocks by seconds

Row = tuple[Any, ...]
Bound = tuple["Statement", Sequence[Any]]


class Profile(Enum):
    """What a statement is for; both ask a quorum, as one replica may lack what was acked while it was away."""

    READ = "read"
    WRITE = "write"


class Statement(NamedTuple):
    """A statement with a qualified table, and what it needs."""

    text: str
    profile: Profile


async def all_of(work: Iterable[Awaitable[R]]) -> list[R]:
    """The results of work done side by side, once all of it has ended; raises the first failure."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return cast(list[R], outcomes)


def iso_of(moment: datetime) -> str:
    """A time as the driver gives it, in UTC without saying so, as ISO 8601 with ms and Z."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Cql:
    """The session of an alias, for every store of this process."""

    _sessions: dict[str, "Cql"] = {}

    def __init__(self, alias: str) -> None:
        self.alias = alias
        settings = connections.settings[alias]
        self.keyspace: str = settings["NAME"]
        # How many replicas each datacenter holds; the first is this process's own.
        self.replication: dict[str, int] = settings["OPTIONS"]["replication"]
        self._session: Session | None = None
        self._opening = threading.Lock()
        # Statements wait here for a store that is away, not in the threads that everybody shares; a window bounds them.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"cql-{alias}")
        self._failed_at = self._complained_at = -math.inf
        self._prepared: dict[Statement, PreparedStatement] = {}
        self._windows: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @classmethod
    def of(cls, alias: str) -> "Cql":
        """The session of this process for an alias."""
        if (cql := cls._sessions.get(alias)) is None:
            cql = cls._sessions.setdefault(alias, cls(alias))
        return cql

    async def rows(self, statement: Statement, *values: Any) -> list[Row]:
        """What a statement answers; Unavailable where too few servers do."""
        async with self._window():
            prepared = await self._prepare(statement)
            return await self._ask(prepared.bind(values), statement.profile)

    async def write(self, statement: Statement, *values: Any) -> None:
        """Execute a statement that answers nothing."""
        await self.rows(statement, *values)

    async def write_together(self, bound: Sequence[Bound]) -> None:
        """Execute writes to one partition, each with its own timestamp, as one."""
        async with self._window():
            batch = BatchStatement(BatchType.UNLOGGED)
            batch.is_idempotent = True
            for statement, values in bound:
                batch.add((await self._prepare(statement)).bind(values))
            await self._ask(batch, Profile.WRITE)

    async def open(self) -> None:
        """Connect now; Unavailable when no server answers."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def define(self, text: str, *values: Any) -> list[Row]:
        """Execute plain CQL, blocking, until all servers agree on the schema; for `migrate_messages`."""
        session = self._open()
        try:
            response = session.execute_async(
                text, values or None, timeout=SCHEMA_SECONDS, execution_profile=Profile.READ.value
            )
            rows: list[Row] = list(response.result())
        except AWAY as error:
            raise self._away(error) from error
        if not response.is_schema_agreed:
            raise Unavailable("The servers do not agree on the schema yet; run it again.", code="store_unavailable")
        return rows

    def use_keyspace(self) -> None:
        """Let plain CQL name its tables alone."""
        self._open().set_keyspace(self.keyspace)

    def nodes(self) -> dict[str, bool]:
        """Every node that the driver knows, and whether it is up."""
        hosts = self._open().cluster.metadata.all_hosts()
        return {f"{host.address}:{host.endpoint.port}": host.is_up is not False for host in hosts}

    def close(self) -> None:
        """Let go of the connections; the next statement opens them again."""
        with self._opening:
            self._session = None
            self._prepared.clear()
            unregister_connection(self.alias)

    def _window(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if (window := self._windows.get(loop)) is None:
            window = self._windows[loop] = asyncio.Semaphore(IN_FLIGHT)
        return window

    async def _prepare(self, statement: Statement) -> PreparedStatement:
        if (prepared := self._prepared.get(statement)) is None:
            asking = asyncio.get_running_loop().run_in_executor(self._thread, self._prepare_now, statement)
            prepared = await asking
        return prepared

    def _prepare_now(self, statement: Statement) -> PreparedStatement:
        session = self._open()
        with self._opening:
            if (known := self._prepared.get(statement)) is not None:
                return known
            try:
                prepared = session.prepare(statement.text.format(keyspace=self.keyspace))
            except AWAY as error:
                raise self._away(error) from error
            prepared.is_idempotent = True
            prepared.fetch_size = None  # Every read has its own limit.
            self._prepared[statement] = prepared
            return prepared

    async def _ask(self, statement: Any, profile: Profile) -> list[Row]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Row]] = loop.create_future()
        session = self._session
        if session is None:
            raise Unavailable(code="store_unavailable", retry_after_ms=1_000)
        try:
            response = session.execute_async(statement, execution_profile=profile.value)
            response.add_callbacks(
                lambda rows: _hand_over(loop, _resolve, answer, rows),
                lambda error: _hand_over(loop, _fail, answer, error),
            )
            return await answer
        except AWAY as error:
            raise self._away(error) from error

    # --- in a thread

    def _open(self) -> Session:
        with self._opening:
            if self._session is None:
                if time.monotonic() - self._failed_at < REFUSE_SECONDS:
                    raise Unavailable(code="store_unavailable", retry_after_ms=1_000)
                self._session = self._connect()
            return self._session

    def _connect(self) -> Session:
        engine = connections[self.alias]
        # Profiles are the driver's own objects, which settings do not import.
        for name, value in self._options().items():
            engine.settings_dict["OPTIONS"]["connection"].setdefault(name, value)
        try:
            # Registered again after a failure: the engine's lazy connection connects only once.
            engine.connection.register()
            return engine.connection.session
        except AWAY as error:
            unregister_connection(self.alias)
            self._failed_at = time.monotonic()
            raise self._away(error) from error

    def _away(self, error: Exception) -> Unavailable:
        """The refusal that clients see; what the driver said goes to the log, not for each statement."""
        if time.monotonic() - self._complained_at > COMPLAIN_SECONDS:
            self._complained_at = time.monotonic()
            logger.warning("the message store is away: %s", error)
        return Unavailable(code="store_unavailable", retry_after_ms=1_000)

    def _options(self) -> dict[str, Any]:
        datacenter = next(iter(self.replication))

        def profile(consistency: int, seconds: float) -> ExecutionProfile:
            return ExecutionProfile(
                load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=datacenter)),
                retry_policy=FallthroughRetryPolicy(),  # The default one hides Unavailable behind NoHostAvailable.
                consistency_level=consistency,
                request_timeout=seconds,
                row_factory=tuple_factory,
            )

        return {
            "protocol_version": PROTOCOL,
            "reconnection_policy": ExponentialReconnectionPolicy(*RECONNECT_SECONDS),
            "execution_profiles": {
                # The engine makes the default profile's rows into dicts; nothing of ours uses it.
                EXEC_PROFILE_DEFAULT: profile(ConsistencyLevel.LOCAL_QUORUM, READ_SECONDS),
                Profile.READ.value: profile(ConsistencyLevel.LOCAL_QUORUM, READ_SECONDS),
                Profile.WRITE.value: profile(ConsistencyLevel.LOCAL_QUORUM, WRITE_SECONDS),
            },
        }


# What a client's mistake or a bug of ours raises is not among them.
AWAY = (
    NoHostAvailable,
    NoConnectionsAvailable,
    RequestExecutionException,
    OperationTimedOut,
    UnresolvableContactPoints,
    ConnectionException,
    ConnectionBusy,
    OverloadedErrorMessage,
    IsBootstrappingErrorMessage,
    ServerError,
)


def _hand_over(loop: asyncio.AbstractEventLoop, settle: Callable[..., None], answer: Any, outcome: Any) -> None:
    """Settle a future from the driver's thread; nobody waits any more where its loop has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle, answer, outcome)


def _resolve(answer: "asyncio.Future[list[Row]]", rows: Any) -> None:
    if not answer.done():
        answer.set_result(rows or [])


def _fail(answer: "asyncio.Future[list[Row]]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
