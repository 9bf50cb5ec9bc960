"""A backlog of 100,000 messages that one process with all groups catches up with, and its memory meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.processes import make_folder, run_script, running, wait_for_quiet
from tests.bench.table import Row
from tests.inside import looking_into
from tests.installations import found

MESSAGES = 100_000
LOOK_SECONDS = 0.5
GROWTH_MIB = 32.0  # what a process may gain after a tenth of the way and count as flat


def measure(folder: Path, shape: str) -> list[Row]:
    """The row of one shape."""
    place = folder / f"backlog-{shape}"
    place.mkdir()
    found(place, shape=shape)
    make_folder(place)
    run_script(place, "tests.bench.talked")
    wait_for_quiet()
    with looking_into(place) as inside:
        started = time.monotonic()
        with _watched(place) as resident:
            inside.ask("finished")
        seconds = time.monotonic() - started
    early, most = resident[len(resident) // 10], max(resident)
    return [
        Row(
            name=f"catching up with {MESSAGES:,} messages, {shape}",
            unit="/s",
            ours=MESSAGES / seconds,
            target="memory flat",
            met=most - early <= GROWTH_MIB,
            detail={"MiB after a tenth": early, "MiB at most": most},
        )
    ]


@contextmanager
def _watched(folder: Path) -> Iterator[list[float]]:
    """A process that runs all groups; fills a list with its MiB over time."""
    resident: list[float] = []
    done = threading.Event()
    with running(folder, "manage.py", "project", "--all") as server:

        def look() -> None:
            while not done.wait(LOOK_SECONDS):
                resident.append(server.resident_kib() / 1_024)

        looker = threading.Thread(target=look)
        looker.start()
        try:
            yield resident
        finally:
            done.set()
            looker.join()
