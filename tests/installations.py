"""The tests' world in the shape that CHAT_TEST_SHAPE names: each installation has a database, a topic, keys of its own.

An installation is a data folder; where it has servers, a file there says which. The
servers themselves are those of `tests.servers`.
"""

import atexit
import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from chatsite.settings.keys import secret_key, token_key
from tests.servers import address

ROOT = Path(__file__).resolve().parents[1]
SHAPE = os.environ.get("CHAT_TEST_SHAPE", "embedded")
SHARED = SHAPE != "embedded"
PROCESSES = (
    2 if SHARED else 1
)  # each serves and runs the groups: two servers, two history writers, two delivery workers
_FILE = "installation.json"
_FIRST_REDIS, _LAST_REDIS = 1, 2_900  # databases that installations take; others are for the contract suites


def environment_of(folder: Path) -> dict[str, str]:
    """The variables under which a process works on a data folder."""
    file = folder / _FILE
    ours = {"CHAT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "chatsite.settings.test", "PYTHONUNBUFFERED": "1"}
    own: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    # The contract suites' database is theirs alone.
    return {name: value for name, value in os.environ.items() if name != "CHAT_TEST_POSTGRES"} | ours | own


def found(folder: Path, *, shape: str = SHAPE) -> None:
    """Name the servers of a new installation."""
    if shape != "embedded":
        name = f"chat_{secrets.token_hex(6)}"
        _sql(f'CREATE DATABASE "{name}"')
        keys = keys_of(folder) if shape == "cluster" else {}
        keep(folder, {"SCYLLA_KEYSPACE": name} | keys | _servers(name, shape))


def keys_of(folder: Path) -> dict[str, str]:
    """Keys of an installation, as the shape cluster asks for them; and no error pages that show settings."""
    return {"CHAT_SECRET_KEY": secret_key(folder), "CHAT_TOKEN_KEY": token_key(folder), "CHAT_DEBUG": "off"}


def branch(folder: Path) -> None:
    """Make a copied folder an installation of its own: a copy of the database, new keys in Redis, a new topic."""
    if SHARED:
        before = json.loads((folder / _FILE).read_text())
        name = f"chat_{secrets.token_hex(6)}"
        _sql(f'CREATE DATABASE "{name}" TEMPLATE "{urlsplit(before["CHAT_DATABASE_URL"]).path[1:]}"')
        keep(folder, before | _servers(name, SHAPE))
        if SHAPE == "cluster":
            command = [sys.executable, "manage.py", "migrate_log"]
            subprocess.run(command, cwd=ROOT, env=environment_of(folder), check=True, capture_output=True, timeout=120)


def _servers(name: str, shape: str) -> dict[str, str]:
    """Where an installation's servers are, in names of its own."""
    atexit.register(_sql, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    number = secrets.randbelow(_LAST_REDIS - _FIRST_REDIS) + _FIRST_REDIS
    has_cluster = shape == "cluster"
    return servers_of(
        shape,
        name,
        database=urlsplit(address("postgres"))._replace(path=f"/{name}").geturl(),
        redis=f"{address('redis')}/{number}",
        kafka=address("kafka") if has_cluster else "",
        cassandra=address("cassandra") if has_cluster else "",
    )


def servers_of(
    shape: str, name: str, *, database: str, redis: str, kafka: str = "", cassandra: str = "", copies: int = 1
) -> dict[str, str]:
    """The variables that lead to servers, and give an installation names of its own there."""
    servers = {"CHAT_SHAPE": shape, "CHAT_DATABASE_URL": database, "CHAT_REDIS_URL": redis}
    if shape == "standard":
        return servers
    nodes = [node.partition(":") for node in cassandra.split(",")]
    return servers | {
        "CHAT_KAFKA_SERVERS": kafka,
        "CHAT_KAFKA_TOPIC": name,
        "CHAT_KAFKA_GROUP_PREFIX": f"{name}.",
        "CHAT_KAFKA_PARTITIONS": "8",
        "CHAT_KAFKA_REPLICATION": f"{copies}",
        "SCYLLA_CONTACT_POINTS": ",".join(host for host, _, _ in nodes),
        "SCYLLA_PORT": nodes[0][2],
        "SCYLLA_REPLICATION": f"{copies}",
        "CHAT_ACCEPT_UNREPLICATED": "yes",
    }


def keep(folder: Path, variables: Mapping[str, str]) -> None:
    """Say in a data folder where its servers are."""
    (folder / _FILE).write_text(json.dumps(variables, indent=1))


def site(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What Django's own database of an installation answers to a statement, with `%s` where a value belongs."""
    if SHARED:
        with psycopg.connect(environment_of(folder)["CHAT_DATABASE_URL"], autocommit=True) as connection:
            found = connection.execute(statement.encode(), values)
            return found.fetchall() if found.description else []
    with closing(sqlite3.connect(folder / "site.sqlite3")) as database, database:
        return database.execute(statement.replace("%s", "?"), values).fetchall()


def _sql(statement: str) -> None:
    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(statement)
