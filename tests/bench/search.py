"""Searches in 200,000 messages: a common word beside a rare one."""

import os
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.processes import make_folder, run_script, wait_for_quiet
from tests.bench.table import Row
from tests.installations import found
from tests.servers import variable

RUNS, SEARCHES = 3, 30  # searches of each kind a run
TARGET_RATIO = 10.0


class Searched(msgspec.Struct, frozen=True):
    """Medians of each run in ms by kind of search, and the CPU of this process that a message took to index, in us."""

    ms: list[dict[str, float]]
    cpu_us: float


def measure(place: Path) -> list[Row]:
    """The rows of searching: on SQLite, and on PostgreSQL where one is named."""
    shapes = ["embedded", *(["standard"] if {variable("postgres"), variable("redis")} <= set(os.environ) else [])]
    return [_measure(place / f"search-{shape}", shape) for shape in shapes]


def _measure(folder: Path, shape: str) -> Row:
    folder.mkdir()
    found(folder, shape=shape)
    make_folder(folder)
    wait_for_quiet()
    searched = msgspec.json.decode(run_script(folder, "tests.bench.searches"), type=Searched)
    kinds = {kind: median(run[kind] for run in searched.ms) for kind in searched.ms[0]}
    common, rare = ([run[kind] for run in searched.ms] for kind in ("common", "rare"))
    ratio = median(one / other for one, other in zip(common, rare, strict=True))
    return Row(
        name=f"search of a common word in 200,000, {shape}",
        unit="ms",
        ours=median(common),
        baseline=median(rare),
        baseline_name="ms a rare one",
        ratio=ratio,
        target=f"<= {TARGET_RATIO:.0f} x",
        met=ratio <= TARGET_RATIO,
        runs=common,
        detail={f"{kind} ms": taken for kind, taken in kinds.items()} | {"us a message to index": searched.cpu_us},
    )
