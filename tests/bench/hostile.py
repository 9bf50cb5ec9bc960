"""A hundred hostile clients beside four hundred good ones: what the good ones feel of them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.processes import CLIENT_CORE, ROOT, Server, copy_folder, serving, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
HOSTILE = 100
STEADY = Phase(rate=200, warm_up=1, seconds=4)
TARGET = 2.0  # times the p99 without them
# The limits that people meet, save that all these clients come from one address at once.
LIMITED = {"CHAT_LIMITS": "1", "CHAT_LIMIT_RULES": "handshakes=10000/10000"}


def measure(template: Path, sockets: list[Socket]) -> list[Row]:
    """The row of hostile clients."""
    runs = [_run(template, sockets[:-HOSTILE], sockets[-HOSTILE:]) for _ in range(RUNS)]
    alone, beside = zip(*runs, strict=True)
    ratio = median(one.delivery_p99 / other.delivery_p99 for other, one in runs)
    return [
        Row(
            name=f"delivery p99 beside {HOSTILE} hostile clients",
            unit="ms",
            ours=median(one.delivery_p99 for one in beside),
            baseline=median(one.delivery_p99 for one in alone),
            baseline_name="ms without",
            ratio=ratio,
            target=f"<= {TARGET:.0f} times",
            met=ratio <= TARGET,
            server_cpu=median(one.server_cpu / one.seconds for one in beside),
            client_cpu=max(one.client_cpu / one.seconds for one in beside),
            runs=[one.delivery_p99 for one in beside],
            detail={
                "ack p99 ms": median(one.ack_p99 for one in beside),
                "without": median(one.ack_p99 for one in alone),
                "server CPU without %": 100 * median(one.server_cpu / one.seconds for one in alone),
            },
        )
    ]


def _run(template: Path, good: Sequence[Socket], bad: Sequence[Socket]) -> tuple[Measured, Measured]:
    return _steady(template, good, ()), _steady(template, good, bad)


def _steady(template: Path, good: Sequence[Socket], bad: Sequence[Socket]) -> Measured:
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        with (
            serving(folder, "manage.py", "serve", "--port", "0", settings=LIMITED) as server,
            _attacked(server, bad),
            driven(server, folder, good, STEADY) as result,
        ):
            return result.phases[0]


@contextmanager
def _attacked(server: Server, sockets: Sequence[Socket]) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.crowd", str(server.port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=partial(os.sched_setaffinity, 0, {CLIENT_CORE}),
    ) as crowd:
        assert crowd.stdin and crowd.stdout
        crowd.stdin.write(msgspec.json.encode(sockets) + b"\n")
        crowd.stdin.flush()
        if not crowd.stdout.readline():
            raise RuntimeError("The hostile clients did not connect.")
        yield
        crowd.stdin.close()
