"""The hub and the sockets alone: events injected at the layer, to a thousand members, beside stock Channels."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.bench import fanout
from tests.bench.client import Measured, Socket, driven
from tests.bench.processes import make_folder, run_script, serving, settle, wait_for_quiet
from tests.bench.table import Row

TARGET = 165.0  # times stock


def measure(folder: Path) -> list[Row]:
    """The row of the hub alone."""
    stock: list[Measured] = []
    ours: list[list[Measured]] = []
    for number in range(fanout.RUNS):
        stock.append(fanout.drive_stock(folder))
        ours.append(drive(folder / f"hub{number}"))
    return rows(ours, stock)


def rows(runs: Sequence[list[Measured]], stock: Sequence[Measured]) -> list[Row]:
    """The row of runs, of each FULL and STEADY, beside stock Channels."""
    full, steady = [run[0] for run in runs], [run[1] for run in runs]
    ratio = median(map(fanout.rate, full)) / median(map(fanout.rate, stock))
    return [
        Row(
            name="fan-out to 1,000, hub and sockets alone",
            unit="/s",
            ours=median(map(fanout.rate, full)),
            baseline=median(map(fanout.rate, stock)),
            baseline_name="/s stock Channels",
            ratio=ratio,
            target=f">= {TARGET:.0f} x stock",
            met=ratio >= TARGET,
            server_cpu=median(one.server_cpu / one.seconds for one in full),
            client_cpu=max(one.client_cpu / one.seconds for one in full),
            runs=[fanout.rate(one) for one in full],
            detail={
                "server CPU us a delivery": median(one.server_cpu * 1e6 / one.delivered for one in full),
                "stock": median(one.server_cpu * 1e6 / one.delivered for one in stock),
                "delivery p50 ms": median(one.delivery_p50 for one in full),
                "delivery p99 ms": median(one.delivery_p99 for one in full),
                "p99 ms at 20,000/s": median(one.delivery_p99 for one in steady),
            },
        )
    ]


def drive(folder: Path) -> list[Measured]:
    """One run of ours, FULL and STEADY."""
    folder.mkdir()
    make_folder(folder)
    sockets = msgspec.json.decode(run_script(folder, "tests.bench.hall"), type=list[Socket])
    settle(folder)
    wait_for_quiet()
    with (
        serving(folder, "-c", INJECTED) as server,
        driven(server, folder, sockets, fanout.FULL, fanout.STEADY, dialect="injecting") as result,
    ):
        return result.phases


INJECTED = "import django, runpy; django.setup(); runpy.run_module('tests.bench.injected', run_name='__main__')"
