"""A storm: 5,000 clients are cut at once and come back with jitter; what those who stay feel of it."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.processes import copy_folder, make_folder, run_script, serving, settle, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
CLIENTS = 5_000  # ten of each person
QUIET = Phase(rate=200, warm_up=2, seconds=5)
CUT = Phase(rate=200, cut=True, warm_up=0, seconds=8)
MOST_MS = 100.0  # what may be seen of a delivery is 150 ms
# They all come from one address.
ROOMY = {"CHAT_ADDRESS_CONNECTIONS": "10000"}


def measure(folder: Path) -> list[Row]:
    """The row of a storm."""
    folder.mkdir()
    template = make_folder(folder / "template")
    talking = msgspec.json.decode(run_script(template, "tests.bench.rooms"), type=list[Socket])
    people = msgspec.json.decode(run_script(template, "tests.bench.circles"), type=list[Socket])
    settle(template)
    storm = [msgspec.structs.replace(one, storm=True) for one in (people * CLIENTS)[:CLIENTS]]
    runs = [_run(template, [*talking, *storm]) for _ in range(RUNS)]
    quiet, cut = ([run[which] for run in runs] for which in (0, 1))
    worst = median(one.delivery_p99 for one in cut)
    return [
        Row(
            name=f"delivery p99 while {CLIENTS:,} come back",
            unit="ms",
            ours=worst,
            baseline=median(one.delivery_p99 for one in quiet),
            baseline_name="ms before",
            ratio=worst / median(one.delivery_p99 for one in quiet),
            target=f"<= {MOST_MS:.0f} ms",
            met=worst <= MOST_MS,
            server_cpu=median(one.server_cpu / one.seconds for one in cut),
            client_cpu=max(one.client_cpu / one.seconds for one in cut),
            runs=[one.delivery_p99 for one in cut],
            detail={
                "all are back after s": median(one.back_in for one in cut),
                "refused on the way": median(one.refused for one in cut),
                "p50 ms": median(one.delivery_p50 for one in cut),
                "before": median(one.delivery_p50 for one in quiet),
            },
        )
    ]


def _run(template: Path, sockets: list[Socket]) -> list[Measured]:
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        with (
            serving(folder, "manage.py", "serve", "--port", "0", settings=ROOMY) as server,
            driven(server, folder, sockets, QUIET, CUT) as result,
        ):
            return result.phases
