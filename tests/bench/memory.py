"""Memory: of the idle server beside the bare echo's, and of each idle socket beside stock Channels'."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench.client import Socket, driven
from tests.bench.fanout import HALL
from tests.bench.processes import copy_folder, serving
from tests.bench.table import Row
from tests.servers import variable

RUNS = 3
SOCKETS = 1_000  # two of each person
FIRST_SOCKETS = 20  # open and gone before it is counted: they start the threads and import what is late
TARGET_IDLE_MB = 150.0
TARGET_SOCKET_KIB = 20.0


class _Memory(NamedTuple):
    idle_mb: float
    socket_kib: float
    connects_per_s: float


def measure(template: Path, sockets: list[Socket]) -> list[Row]:
    """The rows of memory."""
    stock: list[_Memory] = []
    with TemporaryDirectory() as name:
        runs = []
        for number in range(RUNS):
            folder = copy_folder(template, Path(name) / str(number))
            runs.append(_measure_both(folder, sockets))
            if variable("redis") in os.environ:
                stock.append(_measure(folder, HALL, "-m", "tests.bench.stock"))
    ours, echo = (_Memory(*map(median, zip(*column, strict=True))) for column in zip(*runs, strict=True))
    return [
        Row(
            name="memory, idle",
            unit="MB",
            ours=ours.idle_mb,
            baseline=echo.idle_mb,
            baseline_name="MB bare echo",
            ratio=ours.idle_mb / echo.idle_mb,
            target=f"< {TARGET_IDLE_MB:.0f} MB",
            met=ours.idle_mb < TARGET_IDLE_MB,
            runs=[run[0].idle_mb for run in runs],
        ),
        _a_socket([run[0] for run in runs], echo, stock),
    ]


def _a_socket(runs: Sequence[_Memory], echo: _Memory, stock: Sequence[_Memory]) -> Row:
    ours = median(run.socket_kib for run in runs)
    theirs = median(run.socket_kib for run in stock) if stock else None
    return Row(
        name=f"memory a socket, {SOCKETS:,} subscribed",
        unit="KiB",
        ours=ours,
        baseline=theirs,
        baseline_name="KiB stock Channels" if stock else "stock Channels has no Redis here",
        ratio=ours / theirs if theirs else None,
        target=f"< {TARGET_SOCKET_KIB:.0f} KiB, and theirs",
        met=ours < min(TARGET_SOCKET_KIB, theirs or TARGET_SOCKET_KIB),
        runs=[run.socket_kib for run in runs],
        detail={
            "bare echo": echo.socket_kib,
            "connects/s (token, READY, SUBSCRIBED)": median(run.connects_per_s for run in runs),
            "by the bare echo": echo.connects_per_s,
        },
    )


def _measure_both(folder: Path, sockets: list[Socket]) -> tuple[_Memory, _Memory]:
    return (
        _measure(folder, sockets, "manage.py", "serve", "--port", "0"),
        _measure(folder, sockets, "-m", "tests.bench.echo", dialect="echo"),
    )


def _measure(folder: Path, sockets: list[Socket], *command: str, dialect: str = "ours") -> _Memory:
    everybody = (sockets * SOCKETS)[:SOCKETS]
    with serving(folder, *command) as server:
        idle = server.resident_kib()
        with driven(server, folder, everybody[:FIRST_SOCKETS], dialect=dialect):
            pass
        before = server.resident_kib()
        with driven(server, folder, everybody, dialect=dialect) as result:
            grown = server.resident_kib() - before
    return _Memory(idle * 1024 / 1e6, grown / SOCKETS, SOCKETS / result.connect_seconds)
