"""Appends to the event log in Kafka, against the driver's producer awaiting the same records."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.processes import copy_folder, run_script, wait_for_quiet
from tests.bench.table import Row

TARGET_RATIO = 0.5
TARGET_OVER_BARE_MS = 2.0


class Appends(msgspec.Struct, frozen=True):
    """Appends a second of each run, and the median delivery in ms at 200 a second."""

    ours: list[float]
    bare: list[float]
    quiet_ms: float
    bare_quiet_ms: float


def measure(template: Path) -> list[Row]:
    """The rows of the log in Kafka; CHAT_TEST_KAFKA says where one is."""
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        found = msgspec.json.decode(run_script(folder, "tests.bench.appends"), type=Appends)
    ratio = median(ours / bare for ours, bare in zip(found.ours, found.bare, strict=True))
    over = found.quiet_ms - found.bare_quiet_ms
    return [
        Row(
            name="appends to Kafka",
            unit="/s",
            ours=median(found.ours),
            baseline=median(found.bare),
            baseline_name="/s bare producer",
            ratio=ratio,
            target=f">= {TARGET_RATIO}",
            met=ratio >= TARGET_RATIO,
            runs=found.ours,
        ),
        Row(
            name="delivery at 200/s",
            unit="ms",
            ours=found.quiet_ms,
            baseline=found.bare_quiet_ms,
            baseline_name="ms bare producer",
            target=f"<= {TARGET_OVER_BARE_MS} ms above",
            met=over <= TARGET_OVER_BARE_MS,
        ),
    ]
