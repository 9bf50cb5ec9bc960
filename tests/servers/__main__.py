"""Starts the servers that tests need, runs a command with their addresses, stops them.

    python -m tests.servers [--only postgres,redis,kafka,cassandra] [--durable] -- COMMAND ...

With --durable, PostgreSQL and Cassandra sync what they ack, as they do for real.
A server that a variable such as CHAT_TEST_REDIS names already is used as it is.
Whatever ends this process, `kill -9` too, nothing that it started stays.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from types import FrameType

from tests.servers import NAMES, variable
from tests.servers.cassandra import Cassandra
from tests.servers.guard import GUARD
from tests.servers.kafka import Kafka
from tests.servers.node import Node
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

KINDS: dict[str, Callable[[], Node]] = {"postgres": Postgres, "redis": Redis, "kafka": Kafka, "cassandra": Cassandra}
DURABLE: dict[str, Callable[[], Node]] = {
    "postgres": partial(Postgres, durable=True),
    "cassandra": partial(Cassandra, durable=True),
}
GRACE_SECONDS = 20.0  # for a suite to end the servers of its own tests


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command; 1 where a server did not get ready."""
    names, kinds, command = _read(arguments)
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job is born deaf to it.
    with ExitStack() as stack:
        nodes = {name: kinds[name]() for name in names if variable(name) not in os.environ}
        for node in nodes.values():
            stack.callback(node.close)
        try:
            with ThreadPoolExecutor(len(NAMES)) as threads:
                list(threads.map(_start, nodes.values()))
            return _run(command, {variable(name): node.address for name, node in nodes.items()})
        except (RuntimeError, FileNotFoundError) as error:
            sys.stderr.write(f"{error}\n")
            return 1


def _read(arguments: Sequence[str]) -> tuple[list[str], dict[str, Callable[[], Node]], list[str]]:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(NAMES), help=f"which of {', '.join(NAMES)}; all by default")
    parser.add_argument("--durable", action="store_true", help="what they ack is synced to the disk")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    chosen = parser.parse_args(arguments)
    names = [name for name in chosen.only.split(",") if name]
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no server {', '.join(sorted(unknown))}; choose of {', '.join(NAMES)}")
    return names, KINDS | DURABLE if chosen.durable else KINDS, chosen.command


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _start(node: Node) -> None:
    began = time.monotonic()
    node.start()
    sys.stdout.write(f"{node.name} was ready after {time.monotonic() - began:.1f} s\n")
    sys.stdout.flush()


def _run(command: Sequence[str], addresses: dict[str, str]) -> int:
    # A session of its own: Ctrl-C reaches it once, from here, and its own cleaning up is not broken off.
    process = subprocess.Popen(command, env=os.environ | addresses, start_new_session=True)
    GUARD.watch(process.pid)
    try:
        return process.wait()
    except (KeyboardInterrupt, SystemExit):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # It, or what it left: servers of a suite that crashed.
        process.wait()
        GUARD.forget(process.pid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
