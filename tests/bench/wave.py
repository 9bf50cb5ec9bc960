"""A wave: 5,000 people are not heard of any more; how soon that is told, and what those who talk feel of it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.client import Measured, Phase, driven
from tests.bench.falling_silent import Plan
from tests.bench.hurried import TTL_SECONDS
from tests.bench.leavers import LEAVERS, People
from tests.bench.processes import (
    CLIENT_CORE,
    ROOT,
    copy_folder,
    make_folder,
    run_script,
    serving,
    settle,
    wait_for_quiet,
)
from tests.bench.table import Row
from tests.servers.ports import free_port

RUNS = 3
QUIET = Phase(rate=200, warm_up=1, seconds=6)
WAVE_SECONDS = 14.0
LATEST = 12.0  # seconds after the last deadline until all are told of
MOST_RATIO = 1.5  # of the quiet p99
WATCHED = 200  # of them, evenly, whose telling is timed
TOKEN = "0123456789abcdef" * 4


class _Run(msgspec.Struct, frozen=True):
    quiet: Measured
    wave: Measured
    late: list[float]  # seconds after the deadline of each who was watched


def measure(folder: Path) -> list[Row]:
    """The rows of a wave."""
    folder.mkdir()
    template = make_folder(folder / "template")
    people = msgspec.json.decode(run_script(template, "tests.bench.leavers"), type=People)
    settle(template)
    runs = [_run(template, people) for _ in range(RUNS)]
    ratios = [run.wave.delivery_p99 / run.quiet.delivery_p99 for run in runs]
    latest = median(max(run.late) for run in runs)
    return [
        Row(
            name=f"delivery p99 while {LEAVERS:,} are found gone",
            unit="ms",
            ours=median(run.wave.delivery_p99 for run in runs),
            baseline=median(run.quiet.delivery_p99 for run in runs),
            baseline_name="ms before",
            ratio=median(ratios),
            target=f"<= {MOST_RATIO}",
            met=median(ratios) <= MOST_RATIO,
            server_cpu=median(run.wave.server_cpu / run.wave.seconds for run in runs),
            client_cpu=max(run.wave.client_cpu / run.wave.seconds for run in runs),
            runs=ratios,
            detail={
                "p50 ms": median(run.wave.delivery_p50 for run in runs),
                "before": median(run.quiet.delivery_p50 for run in runs),
            },
        ),
        Row(
            name="the last of them is told of, after the deadline",
            unit="s",
            ours=latest,
            baseline_name=f"TTL {TTL_SECONDS:.0f} s here",
            target=f"<= {LATEST:.0f} s",
            met=latest <= LATEST,
            runs=[max(run.late) for run in runs],
        ),
    ]


def _run(template: Path, people: People) -> _Run:
    port = free_port()
    settings = {
        "CHAT_ADDRESS_CONNECTIONS": "10000",
        "CHAT_PRESENCE_GRPC_PORT": f"{port}",
        "CHAT_PRESENCE_GRPC_TOKENS": f"bench:read+beat:{TOKEN}",
    }
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        with serving(folder, "-m", "tests.bench.hurried", "serve", "--port", "0", settings=settings) as server:
            plan = Plan(port, TOKEN, people.leaving, people.leaving[:: LEAVERS // WATCHED])
            with _falling_silent(plan) as system:
                assert system.stdout
                deadline = float(system.stdout.readline()) + TTL_SECONDS
                # The wave is measured from a second before the first is found gone.
                warm_up = deadline - time.monotonic() - QUIET.warm_up - QUIET.seconds - 2.0
                wave = Phase(rate=200, warm_up=max(0.0, warm_up), seconds=WAVE_SECONDS)
                with driven(server, folder, people.staying, QUIET, wave) as result:
                    gone_at = msgspec.json.decode(system.stdout.readline(), type=list[float])
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
                _require_all(answer.read().decode())
    quiet, gone = result.phases
    return _Run(quiet, gone, [at - deadline for at in gone_at])


@contextmanager
def _falling_silent(plan: Plan) -> Iterator["subprocess.Popen[bytes]"]:
    """Another system beside the load client; it ends by itself when all are gone."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.falling_silent"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=partial(os.sched_setaffinity, 0, {CLIENT_CORE}),
    ) as system:
        assert system.stdin
        system.stdin.write(msgspec.json.encode(plan))
        system.stdin.close()
        try:
            yield system
        finally:
            system.kill()


def _require_all(metrics: str) -> None:
    series = 'presence_transitions_total{status="OFFLINE"} '
    found = [float(line.removeprefix(series)) for line in metrics.splitlines() if line.startswith(series)]
    if sum(found) < LEAVERS:
        raise RuntimeError(f"{found} of {LEAVERS} were announced")
