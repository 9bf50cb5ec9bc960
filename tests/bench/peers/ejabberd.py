"""Acked sends beside ejabberd, whose rooms are archived in PostgreSQL: 50 chats of 10 connected members."""

import glob
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from urllib.parse import urlsplit

import psycopg

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.peers.race import Race, had
from tests.bench.processes import SERVER_CORE, Server, copy_folder, serving, wait_for_quiet
from tests.bench.table import Row
from tests.servers import address
from tests.servers.node import Node
from tests.servers.ports import free_port, listens
from tests.servers.programs import require_program

RUNS = 3
STEADY = Phase(rate=500, warm_up=1, seconds=4)
FULL = Phase(window=2, warm_up=1, seconds=5)  # un-acked sends of each of the 500 sockets
TARGET = 2.0  # times its acked sends
TARGET_ACK = 1.0  # of its ack p50
LIBRARY = "/usr/lib/*/ejabberd-*/ebin"  # as Debian has them
DRIVER = "/usr/lib/erlang/lib/p1_pgsql-*/ebin"
SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
HOST = "localhost"
ROOMS = f"conference.{HOST}"


class Ejabberd(Node):
    """One ejabberd on the server's core, with a database that has its tables: no limits, no history but the archive."""

    name = "ejabberd"
    ready_seconds: ClassVar[float] = 120.0

    def __init__(self, libraries: Path, database: str) -> None:
        super().__init__(port=free_port())
        self._libraries, self._database = libraries, urlsplit(database)

    @property
    def environment(self) -> Mapping[str, str]:
        """Where it finds its configuration and itself."""
        return os.environ | {
            "EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
            "ERL_LIBS": str(self._libraries),
            "HOME": str(self.folder),
        }

    def prepare(self) -> None:
        """Write its configuration; JSON is YAML."""
        (self.folder / "ejabberd.yml").write_text(json.dumps(self._configuration()))

    def command(self) -> list[str]:
        """Erlang in the foreground, of no cluster."""
        return [
            "taskset", "-c", str(SERVER_CORE),
            "erl", "-noinput", "-mnesia", "dir", json.dumps(str(self.folder / "mnesia")), "-s", "ejabberd",
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether it takes connections."""
        return listens(self.host, self.port)

    def _configuration(self) -> dict[str, object]:
        listener = {
            "module": "ejabberd_http",
            "ip": self.host,
            "port": self.port,
            "request_handlers": {"/xmpp": "ejabberd_http_ws"},
        }
        room = {"persistent": True, "mam": True, "max_users": 200}
        return {
            "hosts": [HOST],
            "loglevel": "warning",
            "auth_method": "sql",
            "default_db": "sql",
            "sql_type": "pgsql",
            "sql_prepared_statements": False,  # Its driver writes them in parts, and TCP holds each for 40 ms.
            "sql_server": self._database.hostname,
            "sql_port": self._database.port,
            "sql_database": self._database.path[1:],
            "sql_username": self._database.username,
            "sql_password": self._database.password,
            "listen": [listener],
            "modules": {
                "mod_muc": {"history_size": 0, "default_room_options": room},
                "mod_mam": {"default": "never"},  # beside those of rooms
            },
        }


def measure(template: Path, sockets: list[Socket]) -> list[Row]:
    """The rows of sending beside ejabberd, in the shape embedded."""
    libraries = had("ejabberd", _fetch)
    ours: list[list[Measured]] = []
    theirs: list[list[Measured]] = []
    for _ in range(RUNS):
        if libraries is not None:
            theirs.append(_drive(libraries, sockets))
        ours.append(_drive_ours(template, sockets))
    steady, full = (Race.of("ejabberd", phase, ours, theirs) for phase in (0, 1))
    return [
        full.at_least(TARGET, "acked sends, 50 chats of 10", "/s", lambda one: one.acked / one.seconds),
        steady.at_most(TARGET_ACK, "ack p50 at 500 sends/s", "ms", lambda one: one.ack_p50),
    ]


def _fetch() -> Path:
    """The folder of its libraries; its driver for PostgreSQL is there too."""
    require_program(_first(DRIVER), package="erlang-p1-pgsql")
    return require_program(_first(LIBRARY), package="ejabberd").parents[1]


def _first(pattern: str) -> Callable[[], Path | None]:
    return lambda: next(map(Path, sorted(glob.glob(pattern))), None)


def _drive_ours(template: Path, sockets: list[Socket]) -> list[Measured]:
    """One run of ours, STEADY and FULL."""
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        with (
            serving(folder, "manage.py", "serve", "--port", "0") as server,
            driven(server, folder, sockets, STEADY, FULL) as result,
        ):
            return result.phases


def _drive(libraries: Path, sockets: list[Socket]) -> list[Measured]:
    """One run of theirs; what was sent is in the archive."""
    numbers = {room: number for number, room in enumerate(dict.fromkeys(one.room for one in sockets))}
    people = [Socket(f"user{number}", f"room{numbers[one.room]}@{ROOMS}") for number, one in enumerate(sockets)]
    with _database(people) as database, Ejabberd(libraries, database) as node:
        wait_for_quiet()
        with driven(Server(node.pid, node.port), node.folder, people, STEADY, FULL, dialect="xmpp") as result:
            with psycopg.connect(database) as connection:
                kept = connection.execute("SELECT count(*) FROM archive").fetchone()
            if kept != (result.sent,):
                raise RuntimeError(f"ejabberd kept {kept} of {result.sent} messages.")
            return result.phases


@contextmanager
def _database(people: list[Socket]) -> Iterator[str]:
    """A database with its tables and people, each with their name as password."""
    name = f"ejabberd_{secrets.token_hex(6)}"
    there = urlsplit(address("postgres"))._replace(path=f"/{name}").geturl()
    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            with psycopg.connect(there) as own, own.cursor() as cursor:
                cursor.execute(SCHEMA.read_bytes())
                cursor.executemany(
                    "INSERT INTO users (username, password) VALUES (%s, %s)", [(one.token, one.token) for one in people]
                )
            yield there
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
