"""PostgreSQL for tests."""

import os
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

import psycopg

from tests.servers.node import Node
from tests.servers.ports import free_port
from tests.servers.programs import require_program

USER, PASSWORD = "chat", "chat"
HASTY = ("fsync=off", "full_page_writes=off")
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=500",  # several servers with pools, for each worker of the suite
    "shared_buffers=64MB",
)


class Postgres(Node):
    """One PostgreSQL; what it acked survives a kill of its processes, and of the machine where `durable`."""

    name = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # It waits for no client.

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__(port=free_port())
        self._durable = durable

    @property
    def address(self) -> str:
        """The address of a superuser."""
        return _superuser(self.clients_at)

    @property
    def user(self) -> str | None:
        """PostgreSQL refuses to run as root; its package brings a user."""
        return "postgres" if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make the cluster."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [
            str(_programs() / "initdb"), "--no-sync", "--auth=scram-sha-256",
            f"--username={USER}", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8",
            str(self.folder / "data"),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, user=self.user, group=self.user,
            extra_groups=None if self.user is None else (),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        """The postmaster."""
        settings = (*SETTINGS, *(() if self._durable else HASTY), f"port={self.port}")
        options = [word for setting in settings for word in ("-c", setting)]
        return [str(_programs() / "postgres"), "-D", str(self.folder / "data"), *options]

    def answers(self) -> bool:
        """Whether a client can sign in and ask."""
        try:
            with psycopg.connect(_superuser(f"{self.host}:{self.port}"), connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


def _superuser(at: str) -> str:
    return f"postgresql://{USER}:{PASSWORD}@{at}/postgres"


def _programs() -> Path:
    return require_program(_find_initdb, package="postgresql").parent


def _find_initdb() -> Path | None:
    """The newest of the versions that Debian puts beside each other."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max(found, key=lambda path: int(path.parts[-3]), default=None)
