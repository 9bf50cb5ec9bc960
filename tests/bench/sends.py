"""Acked sends: 50 chats of 10 connected members, every delivery received and checked."""

import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.processes import copy_folder, serving, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
WINDOW = 2  # un-acked sends of each of the 500 sockets, in the echo too
STEADY = Phase(rate=200, warm_up=1, seconds=4)
FULL = Phase(window=WINDOW, warm_up=0, seconds=5)
ECHO = Phase(window=WINDOW, warm_up=1, seconds=3)
SYNCS = 50
TARGET = 0.05  # of the echo


class _Run(NamedTuple):
    sync_ms: float
    echo: Measured
    steady: Measured
    full: Measured

    @property
    def ratio(self) -> float:
        return _rate(self.full) / _rate(self.echo)


def measure(template: Path, sockets: list[Socket]) -> list[Row]:
    """The rows of sending."""
    runs = [_run(template, sockets) for _ in range(RUNS)]
    full, steady, echo = ([getattr(run, name) for run in runs] for name in ("full", "steady", "echo"))
    ratio = median(run.ratio for run in runs)
    return [
        Row(
            name="acked sends, 50 chats of 10",
            unit="/s",
            ours=median(map(_rate, full)),
            baseline=median(map(_rate, echo)),
            baseline_name="/s bare echo",
            ratio=ratio,
            target=f">= {TARGET} of echo",
            met=ratio >= TARGET,
            server_cpu=median(one.server_cpu / one.seconds for one in full),
            client_cpu=max(one.client_cpu / one.seconds for one in full + echo),
            runs=[_rate(one) for one in full],
            detail={
                "deliveries/s": median(one.delivered / one.seconds for one in full),
                "acked/s while sending": median(one.answered / FULL.seconds for one in full),
                "server CPU us a send": median(map(_cpu_us, full)),
                "an echo": median(map(_cpu_us, echo)),
                "ratio by CPU": median(_cpu_us(run.echo) / _cpu_us(run.full) for run in runs),
                "ack p50 ms": median(one.ack_p50 for one in full),
                "ack p99 ms": median(one.ack_p99 for one in full),
                "delivery p50 ms": median(one.delivery_p50 for one in full),
                "delivery p99 ms": median(one.delivery_p99 for one in full),
                "others on the server's core %": 100 * max(one.others_cpu / one.seconds for one in full + echo),
            },
        ),
        Row(
            name="ack p50 at 200 sends/s",
            unit="ms",
            ours=median(one.ack_p50 for one in steady),
            baseline=median(run.sync_ms for run in runs),
            baseline_name="ms write and sync",
            ratio=median(run.steady.ack_p50 / run.sync_ms for run in runs),
            server_cpu=median(one.server_cpu / one.seconds for one in steady),
            client_cpu=max(one.client_cpu / one.seconds for one in steady),
            runs=[one.ack_p50 for one in steady],
            detail={
                "ack p99 ms": median(one.ack_p99 for one in steady),
                "delivery p50 ms": median(one.delivery_p50 for one in steady),
                "delivery p99 ms": median(one.delivery_p99 for one in steady),
                "server CPU us a send": median(map(_cpu_us, steady)),
                "others on the server's core %": 100 * max(one.others_cpu / one.seconds for one in steady),
            },
        ),
    ]


def _run(template: Path, sockets: list[Socket]) -> _Run:
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        sync_ms = _sync_ms(folder / "sync")
        with (
            serving(folder, "-m", "tests.bench.echo") as server,
            driven(server, folder, sockets, ECHO, dialect="echo") as result,
        ):
            echo = result.phases[0]
        with (
            serving(folder, "manage.py", "serve", "--port", "0") as server,
            driven(server, folder, sockets, STEADY, FULL) as result,
        ):
            return _Run(sync_ms, echo, *result.phases)


def _sync_ms(path: Path) -> float:
    """The median of what it takes to append one page to a file and see it on the disk."""
    taken = []
    with path.open("ab", buffering=0) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(bytes(4_096))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return median(taken) * 1e3


def _rate(one: Measured) -> float:
    return one.acked / one.seconds


def _cpu_us(one: Measured) -> float:
    return one.server_cpu * 1e6 / one.acked
