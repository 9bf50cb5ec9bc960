"""What the contract suites run over: each port's twins."""

import os
import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models.signals import post_migrate

from chat.stores.scylla_session import Cql
from chatsite.gateway import hub as hub_module
from chatsite.gateway import registry
from chatsite.kernel import clock
from chatsite.kernel.backends import backend, close_connections
from chatsite.kernel.eventlog import log
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import NewRecord
from tests.contract.hubs import MEMBERS
from tests.keyspaces import keyspace
from tests.servers import address
from tests.servers.proxy import Proxy
from tests.standard import proxy_of

DATABASES = 4_096


@pytest.fixture(scope="session", autouse=True)
def _only_ours(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End the sessions that the port's threads keep open, or PostgreSQL would not drop the test database."""
    yield
    if "postgres" in connections:
        with django_db_blocker.unblock(), connections["postgres"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def _without_permissions(django_db_setup: None) -> None:
    """Emptied tables stay empty: to write Django's permissions anew after each test took most of its time."""
    post_migrate.receivers = []


@pytest.fixture
def lease(transactional_db: None) -> Iterator[None]:
    """A worker number, to mint ids and versions under."""
    with clock.leased():
        yield


SQL_TWINS = ("sqlite", "sqlite outbox", "postgres")


@pytest.fixture(params=SQL_TWINS)
async def sql_log(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[SqlEventLog]:
    """An event log in a database, as log and as outbox."""
    made = make_sql_log(request.param)
    await made.open()
    yield made
    await made.close()
    await sync_to_async(connections.close_all)()


def make_sql_log(twin: str) -> SqlEventLog:
    """The log of a twin, over what it holds."""
    if twin == "postgres":
        return SqlEventLog(sql_alias(twin), keep_seconds=60, partitions=4)
    return SqlEventLog("default" if "outbox" in twin else "messages", keep_seconds=60)


def sql_alias(twin: str) -> str:
    """The database that holds log and store of an SQL twin."""
    if twin != "postgres":
        return "messages"
    address("postgres")
    return "postgres"


@pytest.fixture(scope="session")
def cassandra(worker_id: str) -> Iterator[Cql]:
    """A session over a keyspace that this test process has to itself."""
    with keyspace("test_cassandra", f"test_{worker_id}_{os.getpid()}") as cql:
        yield cql


def fact(key: str = "k", *, unique_key: str | None = None, value: bytes = b"{}") -> NewRecord:
    """A record that means nothing."""
    return NewRecord(
        key=key, event_type="test.happened.v1", event_id=uuid.uuid4().hex, value=value, unique_key=unique_key
    )


Fact = Callable[..., NewRecord]


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to the Redis under test that can be cut or held up."""
    with proxy_of(redis_url) as proxy:
        yield proxy


@pytest.fixture
async def redis_url(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An empty database of the Redis under test, which nobody else uses; a busy machine may keep it from answering."""
    monkeypatch.setattr("chatsite.kernel.redis.ANSWER_SECONDS", 10.0)
    monkeypatch.setattr("chatsite.kernel.redis.CONNECT_SECONDS", 10.0)
    while True:
        url = f"{address('redis')}/{random.randrange(1, DATABASES)}"
        with redis.Redis.from_url(url) as client:
            if client.set("taken", 1, nx=True, ex=600):
                break
    yield url
    await close_connections()
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture
async def ready(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A log, members as these tests say, and hasty comparisons of heads."""
    ours = {
        "WHO_MAY_HEAR": "tests.contract.hubs.members",
        "HEARD_BY": "tests.contract.hubs.heard",
        "FORESEE": "tests.contract.hubs.foreseen",
    }
    settings.GATEWAY = settings.GATEWAY | ours
    monkeypatch.setattr(hub_module, "HEADS_SECONDS", 0.01)
    registry._named.cache_clear()
    backend.cache_clear()
    MEMBERS.clear()
    MEMBERS.update({"ada", "ben"})
    await log().open()
    yield
    await log().close()
    registry._named.cache_clear()
    backend.cache_clear()
    await sync_to_async(connections.close_all)()
