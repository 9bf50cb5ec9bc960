"""A server process that tests start, stop, kill and pause.

    with Redis() as redis:
        redis.kill()
        redis.start()

The folder of a node is thrown away at the end of the block, and at the end of the
run however that ends. Ports and folder stay over restarts.
"""

import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from tests.servers.guard import GUARD
from tests.servers.patience import wait_until
from tests.servers.processes import born, family, signal_all
from tests.servers.proxy import Proxy

LOG_TAIL = 4_000  # characters of its log that a failed start shows


class Node(ABC):
    """One server process."""

    name: ClassVar[str]
    ready_seconds: ClassVar[float] = 60.0  # a machine with two busy cores
    stop_seconds: ClassVar[float] = 20.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, port
        self.clients_at = f"{host}:{port}"
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients reach it, as its variable says it."""
        return self.clients_at

    def proxied(self) -> Proxy:
        """A proxy that clients are led to from now on; asked for before the first start."""
        proxy = Proxy(self.host, self.port)
        self.clients_at = proxy.address
        return proxy

    @abstractmethod
    def prepare(self) -> None:
        """Write what the first start needs into the folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves clients."""

    @property
    def user(self) -> str | None:
        """Another user to run as; None runs as the tests do."""
        return None

    @property
    def environment(self) -> Mapping[str, str] | None:
        """Its variables; None has it inherit those of the tests."""
        return None

    @property
    def folder(self) -> Path:
        """The throw-away folder with data, configuration and log."""
        if self._folder is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._folder

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run.")
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError shows its log."""
        if self._folder is None:
            self._make_folder()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, user=self.user, group=self.user, extra_groups=None if self.user is None else (),
            )  # fmt: skip
        GUARD.watch(self.pid)
        try:
            wait_until(lambda: not self.runs or self.answers(), seconds=self.ready_seconds, story=f"{self.name} starts")
        except TimeoutError:
            self.kill()
        if not self.runs:
            self._ended()
            raise RuntimeError(f"{self.name} did not get ready:\n{self.log()[-LOG_TAIL:]}")

    def log(self) -> str:
        """What it wrote to its log so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it as an operator does; by force where it does not end."""
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._ended()

    def kill(self) -> None:
        """End it and all its processes as a power cut does."""
        if self._process is None:
            return
        pids = family(self.pid)
        signal_all(pids, signal.SIGKILL)
        self._process.wait()
        # A new PostgreSQL refuses the folder while a process of the old one lives.
        wait_until(lambda: not any(born(pid) for pid in pids), seconds=10, story=f"{self.name} dies")
        self._ended()

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze all its processes: connections stay open and nothing answers."""
        signal_all(family(self.pid), signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        signal_all(family(self.pid), signal.SIGCONT)

    def close(self) -> None:
        """End it at once and remove its folder."""
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_folder(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=f"chat-{self.name}-"))
        GUARD.keep(self._folder)
        if self.user is not None:
            shutil.chown(self._folder, self.user, self.user)
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise

    def _ended(self) -> None:
        if self._process is not None:
            GUARD.forget(self._process.pid)
            self._process = None


N = TypeVar("N", bound=Node)


def start_all(nodes: Sequence[Node]) -> None:
    """Start nodes beside each other; the first that fails is told of once all have settled."""
    with ThreadPoolExecutor(len(nodes)) as threads:
        started = [threads.submit(node.start) for node in nodes]
    for one in started:
        one.result()


class Cluster(ABC, Generic[N]):
    """Several nodes that know each other; all end with the block."""

    nodes: Sequence[N]

    @abstractmethod
    def know_each_other(self) -> None:
        """Wait until each node knows the others."""

    @property
    def address(self) -> str:
        """Where all of them are, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.callback(node.close)
            start_all(self.nodes)
            self.know_each_other()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
