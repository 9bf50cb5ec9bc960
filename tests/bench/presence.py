"""Presence in Redis: signs of life against bare SET EX, a turn of the sweep, a batch read, memory of a person."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.processes import copy_folder, run_script, wait_for_quiet
from tests.bench.table import Row

TARGET_BEATS = 0.4  # of bare SET EX
TARGET_SWEEP_MS = 5.0
TARGET_READ = 1.5  # times a bare MGET
EVERYBODY = 100e6  # people who are there at once, of the seeds


class Presences(msgspec.Struct, frozen=True):
    """What a Redis with 100,000 people in it takes; a second, in ms, in bytes."""

    beats: list[float]
    active_beats: list[float]
    sets: list[float]
    sweeps_ms: list[float]
    busy_sweeps_ms: list[float]  # with people to find gone
    reads_ms: list[float]
    mgets_ms: list[float]
    bytes_each: float


def measure(template: Path) -> list[Row]:
    """The rows of presence; CHAT_TEST_REDIS says where one is."""
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        found = msgspec.json.decode(run_script(folder, "tests.bench.presences"), type=Presences)
    ratio = median(ours / bare for ours, bare in zip(found.beats, found.sets, strict=True))
    active = median(ours / bare for ours, bare in zip(found.active_beats, found.sets, strict=True))
    read = median(found.reads_ms) / median(found.mgets_ms)
    return [
        _beats("signs of life", found.beats, found.sets, ratio, met=ratio >= TARGET_BEATS),
        _beats("the same, of who does something", found.active_beats, found.sets, active, met=None),
        Row(
            name="a turn of the sweep, 100,000 there",
            unit="ms",
            ours=median(found.sweeps_ms),
            baseline_name="nobody is gone",
            target=f"<= {TARGET_SWEEP_MS} ms",
            met=median(found.sweeps_ms) <= TARGET_SWEEP_MS,
            runs=found.sweeps_ms,
        ),
        Row(
            name="a turn that finds 1,024 gone",
            unit="ms",
            ours=median(found.busy_sweeps_ms),
            baseline_name="the most of one turn",
            runs=found.busy_sweeps_ms,
        ),
        Row(
            name="presence of 50",
            unit="ms",
            ours=median(found.reads_ms),
            baseline=median(found.mgets_ms),
            baseline_name="ms bare MGET",
            ratio=read,
            target=f"<= {TARGET_READ}",
            met=read <= TARGET_READ,
        ),
        Row(
            name="memory of a person",
            unit="bytes",
            ours=found.bytes_each,
            baseline_name=f"100 million: {EVERYBODY * found.bytes_each / 2**30:.0f} GiB",
        ),
    ]


def _beats(name: str, ours: list[float], bare: list[float], ratio: float, *, met: bool | None) -> Row:
    return Row(
        name=name,
        unit="/s",
        ours=median(ours),
        baseline=median(bare),
        baseline_name="/s bare SET EX",
        ratio=ratio,
        target=f">= {TARGET_BEATS}" if met is not None else "",
        met=met,
        runs=ours,
    )
