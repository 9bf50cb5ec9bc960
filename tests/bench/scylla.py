"""The message store in ScyllaDB or Cassandra beside the bare driver: what is written a second, what a page takes."""

import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.processes import copy_folder, run_script, wait_for_quiet
from tests.bench.table import Row

TARGET_WRITES = 0.5
TARGET_OVER_BARE_MS = 1.5


class Measured(msgspec.Struct, frozen=True):
    """Rates of each run in messages a second, and medians of pages in ms."""

    ours: list[float]
    bare: list[float]
    page_ms: list[float]
    bare_page_ms: list[float]


def measure(template: Path) -> list[Row]:
    """The rows of the store of the shape cluster; none where no server is named."""
    if "CHAT_TEST_CASSANDRA" not in os.environ:
        return []
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        found = msgspec.json.decode(run_script(folder, "tests.bench.scylla_store"), type=Measured)
    rate, bare_rate = median(found.ours), median(found.bare)
    page, bare_page = median(found.page_ms), median(found.bare_page_ms)
    return [
        Row(
            name="CQL store, messages written",
            unit="/s",
            ours=rate,
            baseline=bare_rate,
            baseline_name="/s bare driver",
            ratio=rate / bare_rate,
            target=f">= {TARGET_WRITES}",
            met=rate / bare_rate >= TARGET_WRITES,
            runs=found.ours,
        ),
        Row(
            name="CQL store, page of 50",
            unit="ms",
            ours=page,
            baseline=bare_page,
            baseline_name="ms bare driver",
            target=f"<= {TARGET_OVER_BARE_MS} ms over it",
            met=page - bare_page <= TARGET_OVER_BARE_MS,
            runs=found.page_ms,
        ),
    ]
