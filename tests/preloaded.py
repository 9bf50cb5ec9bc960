"""Python processes as forks of one that has imported what takes long: a server that starts anew takes twice the CPU.

    process = popen(["manage.py", "serve"], env={...}, stdout=PIPE, stderr=log)

What is imported before knows no settings yet, so any of them can be those of a fork. It runs as in a process of
its own, and ends as Python does.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, TimeoutExpired
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 200_000  # of a request: the arguments and the environment
IMPORTS = (
    "argon2",
    "channels.consumer",
    "chat.emoji",
    "chat.events",
    "chat.fold",
    "chat.markdown",
    "chat.policy",
    "chat.protocol",
    "chat.rules",
    "chat.words",
    "chatsite.accounts.protocol",
    "chatsite.gateway.protocol",
    "chatsite.kernel.addresses",
    "chatsite.settings.registry",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.x509",
    "django.contrib.admin.decorators",
    "django.core.management",
    "django.core.serializers.json",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.template.loader",
    "django.test.client",
    "django.urls",
    "django.views.generic",
    "httptools",
    "httpx",
    "jwt",
    "msgspec",
    "nh3",
    "orjson",
    "presence.protocol",
    "prometheus_client",
    "psycopg",
    "pygments",
    "pygments.filters",
    "pygments.formatters.html",
    "requests",
    "sqlite3",
    "sqlparse",
    "uvicorn",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvloop",
    "websockets.server",
    "xml.dom.minidom",
    "yaml",
)


class Process:
    """What the tests use of `subprocess.Popen`."""

    def __init__(self, parent: "_Parent", pid: int, stdin: IO[str] | None, stdout: IO[str] | None) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._parent = parent
        self._ended = os.pidfd_open(pid)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Its exit code, or None where it runs."""
        return self._collect(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; TimeoutExpired."""
        code = self._collect(timeout)
        if code is None:
            raise TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _collect(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], seconds)[0]:
            self.returncode = self._parent.ask({"wait": self.pid})
            os.close(self._ended)
        return self.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.stdin, self.stdout):
            if end:
                end.close()
        self.wait()


class _Parent:
    """The process that forks, and what it is asked."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.preloaded", str(theirs.fileno())],
                cwd=ROOT, pass_fds=[theirs.fileno()], stdin=DEVNULL,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            )  # fmt: skip
        self._asking = threading.Lock()

    def ask(self, question: Mapping[str, object], *ends: int) -> int:
        """The number that answers a question."""
        with self._asking:
            socket.send_fds(self._channel, [json.dumps(question).encode()], ends)
            return int(self._channel.recv(100))


@cache
def _parent() -> _Parent:
    return _Parent()


def popen(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    stderr: int | IO[str] = DEVNULL,
) -> Process:
    """Run `python ARGUMENTS` under these variables alone, in the project's folder."""
    with open(os.devnull, "r+b", buffering=0) as nothing:
        read, write = os.pipe() if stdin == PIPE else (nothing.fileno(), -1)
        heard, said = os.pipe() if stdout == PIPE else (-1, nothing.fileno())
        complained = nothing.fileno() if isinstance(stderr, int) else stderr.fileno()
        pid = _parent().ask({"arguments": list(arguments), "environment": dict(env)}, read, said, complained)
        if stdin == PIPE:
            os.close(read)
        if stdout == PIPE:
            os.close(said)
    return Process(
        _parent(), pid, os.fdopen(write, "w") if stdin == PIPE else None, os.fdopen(heard) if stdout == PIPE else None
    )


def main() -> None:
    """Fork for each process that is asked for; the fork runs it and returns."""
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # What is here stays: no fork looks through it for garbage, or copies its pages for that.
    channel = socket.socket(fileno=int(sys.argv[1]))
    while True:
        text, ends, _, _ = socket.recv_fds(channel, MOST_BYTES, 3)
        if not text:
            return None
        asked = json.loads(text)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
        elif child := os.fork():
            for end in ends:
                os.close(end)
            channel.send(str(child).encode())
        else:
            channel.close()
            return _run(asked["arguments"], asked["environment"], ends)


def _run(arguments: Sequence[str], environment: Mapping[str, str], ends: Sequence[int]) -> None:
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    os.environ.clear()
    os.environ.update(environment)
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
