"""Whatever ends a run, no server of it stays."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers import NoServer, address
from tests.servers.guard import ROOT
from tests.servers.node import Node
from tests.servers.patience import wait_until
from tests.servers.ports import free_port, listens
from tests.servers.processes import born, family
from tests.servers.programs import NotInstalled, require_program

FSYNC = "import os, psycopg; print(*psycopg.connect(os.environ['CHAT_TEST_POSTGRES']).execute('SHOW fsync').fetchone())"
STAYS = ("sh", "-c", "sleep 600 & echo $CHAT_TEST_REDIS $CHAT_TEST_POSTGRES; wait")


class Wrapper:
    """A run of the wrapper that has started its servers and whose command runs."""

    def __init__(self, process: subprocess.Popen[str], ports: list[int]) -> None:
        self.process, self.ports = process, ports
        self.pids = family(process.pid)

    def left_nothing(self) -> bool:
        """Whether no process of it is there; its ports may be somebody else's by now."""
        return not any(born(pid) for pid in self.pids)


@contextmanager
def wrapped(*command: str, only: str = "redis,postgres") -> Iterator[Wrapper]:
    """A run of the wrapper, up to the first line of its command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_TEST_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers", "--only", only, "--", *command],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        if process.stdout is None:
            raise RuntimeError("no pipe")
        for line in process.stdout:
            if "127.0.0.1" in line:
                break
        yield Wrapper(process, [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line)])


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP], ids=lambda how: how.name
)
def test_nothing_stays_of_a_run_that_is_ended(how: signal.Signals) -> None:
    with wrapped(*STAYS) as run:
        assert len(run.ports) == 2
        assert all(listens("127.0.0.1", port) for port in run.ports)
        run.process.send_signal(how)
        run.process.wait(30)
        wait_until(run.left_nothing, seconds=30, story=f"everything ends after {how.name}")


def test_a_run_answers_with_the_code_of_its_command() -> None:
    with wrapped("sh", "-c", "echo $CHAT_TEST_REDIS; exit 7", only="redis") as run:
        assert run.process.wait(30) == 7
        assert run.left_nothing()


def test_a_server_that_is_named_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_TEST_REDIS", "redis://elsewhere:1")
    command = [sys.executable, "-m", "tests.servers", "--only", "redis", "--", "sh", "-c", "echo $CHAT_TEST_REDIS"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout == "redis://elsewhere:1\n"


@pytest.mark.parametrize(("options", "said"), [((), "off"), (("--durable",), "on")])
def test_only_servers_asked_for_as_durable_sync(
    options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAT_TEST_POSTGRES", raising=False)
    command = [sys.executable, "-m", "tests.servers", "--only", "postgres", *options, "--", sys.executable, "-c", FSYNC]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == said


def test_a_missing_server_is_a_failure_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_TEST_KAFKA", raising=False)
    with pytest.raises(NoServer, match=r"CHAT_TEST_KAFKA .*`python -m tests\.servers --only kafka"):
        address("kafka")


def test_what_only_root_can_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotInstalled, match="Install postgresql"):
        require_program(lambda: None, package="postgresql")


class Broken(Node):
    """A server that ends at once."""

    name = "broken"

    def prepare(self) -> None:
        """Nothing."""

    def command(self) -> list[str]:
        """Says why it ends."""
        return ["sh", "-c", "echo no memory >&2; exit 1"]

    def answers(self) -> bool:
        """Never."""
        return False


class Mute(Broken):
    """A server that runs and never answers."""

    name = "mute"
    ready_seconds = 0.5

    def command(self) -> list[str]:
        """Says what it does."""
        return ["sh", "-c", "echo still loading; exec sleep 600"]


@pytest.mark.parametrize(("kind", "said"), [(Broken, "no memory"), (Mute, "still loading")])
def test_a_server_that_does_not_get_ready_shows_its_log(kind: type[Node], said: str) -> None:
    node = kind(port=free_port())
    with pytest.raises(RuntimeError, match=said), node:
        pass
    assert not node.runs
