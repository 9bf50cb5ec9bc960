"""Measures the embedded server and prints one table: `make bench`, or `python -m tests.bench [ROW ...]`.

Rows: sends, fanout, hub, connects, slow, storm, wave, hostile, pages, search, scylla, kafka, presence, standard and
cluster (those with servers where CHAT_TEST_* names them), imports, check, memory. `make bench-peers` measures node
and ejabberd, which race other servers; where one cannot be had its rows say so. `scale` takes half an hour and runs
where it is named alone. Nothing here is a test: a missed target is shown, and only a frame that was lost, doubled or
out of order ends the bench.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.bench import (
    client,
    connects,
    fanout,
    hostile,
    hub,
    imports,
    kafka,
    memory,
    pages,
    presence,
    scale,
    scylla,
    search,
    sends,
    shapes,
    slow,
    starting,
    storm,
    table,
    wave,
)
from tests.bench.client import NoGo, Socket
from tests.bench.peers import ejabberd, node
from tests.bench.processes import CORES, copy_folder, make_folder, run_script, settle, stolen_seconds
from tests.servers import variable

ROWS = (
    *("sends", "fanout", "hub", "standard", "cluster", "connects", "slow", "storm", "wave", "hostile"),
    *("pages", "search", "scylla", "kafka", "presence", "imports", "check", "memory"),
)
PEERS = ("node", "ejabberd")  # only where they are asked for: they are fetched
LONG = ("scale",)  # likewise: it takes half an hour to fill
SERVERS = {
    "fanout": "postgres",
    "hub": "redis",
    "scylla": "cassandra",
    "kafka": "kafka",
    "presence": "redis",
    "standard": "postgres",
    "cluster": "cassandra",
}  # the server that a row needs
LOST = 0.03  # of the cores' time, from which on figures of one run say little
OPEN_FILES = 8_192  # a socket each, on both sides, and some


def main(chosen: list[str]) -> int:
    """Measure the chosen rows, or all; 1 when the load client cannot be built."""
    if unknown := set(chosen) - {*ROWS, *PEERS, *LONG}:
        sys.stderr.write(f"There is no row {', '.join(sorted(unknown))}; choose of {', '.join(ROWS + PEERS + LONG)}.\n")
        return 2
    try:
        client.build()
    except NoGo as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _raise_file_limit()
    if len(CORES) < 2:
        sys.stdout.write("WARNING: server and load client share one core: no row that drives sockets means much.\n")
    with TemporaryDirectory() as name:
        empty = make_folder(Path(name) / "empty")
        crowd = cache(partial(_crowd, copy_folder(empty, Path(name) / "crowd")))  # for the rows that want one
        measures: dict[str, Callable[[], list[table.Row]]] = {
            "sends": lambda: sends.measure(*crowd()),
            "standard": lambda: shapes.measure(Path(name), "standard"),
            "cluster": lambda: shapes.measure(Path(name), "cluster"),
            "fanout": lambda: fanout.measure(Path(name)),
            "hub": lambda: hub.measure(Path(name)),
            "slow": lambda: slow.measure(Path(name)),
            "storm": lambda: storm.measure(Path(name) / "storm"),
            "wave": lambda: wave.measure(Path(name) / "wave"),
            "connects": lambda: connects.measure(Path(name) / "connects"),
            "hostile": lambda: hostile.measure(*crowd()),
            "pages": lambda: pages.measure(empty),
            "search": lambda: search.measure(Path(name)),
            "scale": lambda: scale.measure(empty),
            "scylla": lambda: scylla.measure(empty),
            "imports": lambda: imports.measure(copy_folder(empty, Path(name) / "imports")),
            "check": lambda: starting.measure(empty),
            "memory": lambda: memory.measure(*crowd()),
            "node": lambda: node.measure(Path(name)),
            "ejabberd": lambda: ejabberd.measure(*crowd()),
            "kafka": lambda: kafka.measure(empty),
            "presence": lambda: presence.measure(empty),
        }
        rows: list[table.Row] = []
        with _theft_told():
            try:
                for row in chosen or _rows():
                    rows += measures[row]()
            finally:
                table.show(rows)
                table.keep(rows)
    return 0


def _crowd(folder: Path) -> tuple[Path, list[Socket]]:
    """A folder with a crowd, and its sockets; what making them left to do would be done while others are measured."""
    sockets = msgspec.json.decode(run_script(folder, "tests.bench.rooms"), type=list[Socket])
    return settle(folder), sockets


@contextmanager
def _theft_told() -> Iterator[None]:
    """Say in the end how much of the cores' time the host gave to other machines, where it was much."""
    began, stolen = time.monotonic(), stolen_seconds()
    try:
        yield
    finally:
        lost = (stolen_seconds() - stolen) / (time.monotonic() - began) / len(CORES)
        if lost >= LOST:
            sys.stdout.write(f"WARNING: the host took {lost:.0%} of the cores' time meanwhile.\n")


def _rows() -> list[str]:
    """All that can be measured here."""
    return [row for row in ROWS if row not in SERVERS or variable(SERVERS[row]) in os.environ]


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
