"""Imports: a log of 100,000 lines into history, and that its length costs no memory."""

import json
import os
import subprocess
import sys
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.processes import CLIENT_CORE, ROOT, copy_folder, environment, run, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
LINES, FEW_LINES = 100_000, 10_000
NICKS = 500
TARGET_LINES = 2_000.0
TARGET_GROWTH_MB = 32.0
_TEXTS = ROOT / "tests" / "data" / "irc" / "2009-10-01_17.log"


def measure(template: Path) -> list[Row]:
    """The rows of imports."""
    wait_for_quiet()
    with TemporaryDirectory() as name:
        run(template, "manage.py", "createsuperuser", "--noinput", "--username", "admin")
        runs = [_import(copy_folder(template, Path(name) / f"{number}"), LINES) for number in range(RUNS)]
        _, few_mb = _import(copy_folder(template, Path(name) / "few"), FEW_LINES)
    speeds = [LINES / seconds for seconds, _ in runs]
    peak_mb = median(mb for _, mb in runs)
    return [
        Row(
            name=f"import, {LINES:,} lines into history",
            unit="lines/s",
            ours=median(speeds),
            target=f"> {TARGET_LINES:,.0f} lines/s",
            met=median(speeds) > TARGET_LINES,
            runs=speeds,
        ),
        Row(
            name=f"import, peak memory of {LINES:,} lines",
            unit="MB",
            ours=peak_mb,
            baseline=few_mb,
            baseline_name=f"MB for {FEW_LINES:,}",
            ratio=peak_mb / few_mb,
            target=f"< {TARGET_GROWTH_MB:.0f} MB more",
            met=peak_mb - few_mb < TARGET_GROWTH_MB,
            runs=[mb for _, mb in runs],
        ),
    ]


def _import(folder: Path, lines: int) -> tuple[float, float]:
    """The seconds and the peak of resident memory, in MB, of one import."""
    log = folder / "2009-10-01_00.log"
    with log.open("w") as file:
        texts = cycle(text.split("> ", 1)[-1] for text in _TEXTS.read_text().splitlines())
        for number, text in enumerate(islice(texts, lines)):
            minute = number * 1_400 // lines
            file.write(f"[{minute // 60:02}:{minute % 60:02}] <nick{number * 7 % NICKS}> {text}\n")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_chat", "--format", "irc", "--json", str(log)],
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        preexec_fn=partial(os.sched_setaffinity, 0, {CLIENT_CORE}),
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"The import ended with {process.returncode}.")
    return json.loads(printed)["seconds"], usage.ru_maxrss / 1_024
