"""Slow consumers: 200 of 1,000 members read nothing; what the other 800 feel of it, and the server's memory."""

from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.fanout import rate
from tests.bench.processes import make_folder, run_script, serving, settle, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
DEAF = 200
# The system takes some for each before the server can know that nobody reads; then it is measured until the budgets
# are full, and they are closed.
FULL = Phase(window=16, heard=True, warm_up=4, seconds=10)
BUDGET_MIB = 1.0  # of each
OTHER_MB = 20.0
TARGET = 0.9  # of the deliveries without them


class _Run(NamedTuple):
    measured: Measured
    peak_mib: float


def measure(folder: Path) -> list[Row]:
    """The rows of slow consumers."""
    runs = [_run_both(folder / f"slow{number}") for number in range(RUNS)]
    alone, beside = ([run[which] for run in runs] for which in (0, 1))
    ratio = median(rate(with_them.measured) / rate(without.measured) for without, with_them in runs)
    grown = median(with_them.peak_mib - without.peak_mib for without, with_them in runs)
    most = DEAF * BUDGET_MIB + OTHER_MB * 1e6 / 2**20
    return [
        Row(
            name=f"deliveries to 800 beside {DEAF} who read nothing",
            unit="/s",
            ours=median(rate(one.measured) for one in beside),
            baseline=median(rate(one.measured) for one in alone),
            baseline_name="/s without",
            ratio=ratio,
            target=f">= {TARGET}",
            met=ratio >= TARGET,
            server_cpu=median(one.measured.server_cpu / one.measured.seconds for one in beside),
            client_cpu=max(one.measured.client_cpu / one.measured.seconds for one in beside),
            runs=[rate(one.measured) for one in beside],
            detail={
                "delivery p99 ms": median(one.measured.delivery_p99 for one in beside),
                "without": median(one.measured.delivery_p99 for one in alone),
                "server CPU us a delivery": median(_cpu_us(one.measured) for one in beside),
                "without them": median(_cpu_us(one.measured) for one in alone),
            },
        ),
        Row(
            name=f"memory at most beside {DEAF} who read nothing",
            unit="MiB more",
            ours=grown,
            target=f"<= {most:.0f} MiB",
            met=grown <= most,
            runs=[with_them.peak_mib - without.peak_mib for without, with_them in runs],
            detail={"resident MiB at most": median(one.peak_mib for one in beside)},
        ),
    ]


def _cpu_us(one: Measured) -> float:
    return one.server_cpu * 1e6 / one.delivered


def _run_both(folder: Path) -> tuple[_Run, _Run]:
    return _run(folder.with_name(f"{folder.name}-without"), deaf=0), _run(folder, deaf=DEAF)


def _run(folder: Path, *, deaf: int) -> _Run:
    """One run on an installation of its own, as the load client's nonces are always the same."""
    folder.mkdir()
    make_folder(folder)
    members = msgspec.json.decode(run_script(folder, "tests.bench.hall"), type=list[Socket])
    settle(folder)
    good, bad = members[:-DEAF], members[len(members) - DEAF :][:deaf]
    sockets = [*good, *(msgspec.structs.replace(one, deaf=True) for one in bad)]
    wait_for_quiet()
    with (
        serving(folder, "manage.py", "serve", "--port", "0") as server,
        driven(server, folder, sockets, FULL) as result,
    ):
        return _Run(result.phases[0], server.peak_kib() / 1_024)
