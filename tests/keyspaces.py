"""Keyspaces of tests: an alias over the Cassandra or ScyllaDB that the environment names."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from chat.stores import scylla_schema as schema
from chat.stores.scylla_session import Cql
from tests.servers import address


@contextmanager
def named(alias: str, *, keyspace: str, host: str, port: int) -> Iterator[Cql]:
    """The session of an alias that is there meanwhile; it connects when it is first used."""
    connections.databases[alias] = {
        **connections.databases["default"],
        "ENGINE": "django_cassandra_engine",
        "NAME": keyspace,
        "HOST": host,
        "USER": "",
        "PASSWORD": "",
        "OPTIONS": {"connection": {"lazy_connect": True, "port": port}, "replication": {"datacenter1": 1}},
    }
    cql = Cql.of(alias)
    try:
        yield cql
    finally:
        cql.close()
        del Cql._sessions[alias]
        connections.databases.pop(alias, None)


@contextmanager
def empty_keyspace(alias: str, name: str) -> Iterator[Cql]:
    """The session of an alias whose keyspace is dropped in the end; its tables are for the caller to make."""
    host, port = address("cassandra").rsplit(":", 1)
    with named(alias, keyspace=name, host=host, port=int(port)) as cql:
        try:
            yield cql
        finally:
            cql.define(f"DROP KEYSPACE IF EXISTS {name}")


@contextmanager
def keyspace(alias: str, name: str) -> Iterator[Cql]:
    """The session of an alias with all tables."""
    with empty_keyspace(alias, name) as cql:
        for _ in schema.migrate(cql):
            pass
        # What is connected needs the alias no more; tests of "all databases" would take it for one of Django's.
        del connections.databases[alias]
        yield cql
