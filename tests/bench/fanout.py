"""Fan-out: one chat of a thousand connected members, beside Channels as everybody begins with it."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.processes import CLIENT_CORE, Server, make_folder, run_script, running, serving, wait_for_quiet
from tests.bench.table import Row
from tests.inside import looking_into
from tests.installations import found

RUNS = 3
FULL = Phase(window=16, heard=True, warm_up=1, seconds=5)
STEADY = Phase(rate=20, senders=10, warm_up=1, seconds=5)  # 20,000 deliveries a second
HALL = [Socket("", "hall")] * 1_000  # of a server that knows nobody
TARGET = 50.0  # times stock, through log, delivery worker, Redis and hub


def measure(folder: Path) -> list[Row]:
    """The rows of fan-out."""
    stock: list[Measured] = []
    runs: dict[str, list[list[Measured]]] = {"embedded": [], "standard": []}
    for number in range(RUNS):
        stock.append(drive_stock(folder))
        for shape, ours in runs.items():
            ours.append(drive_ours(folder / f"hall-{shape}{number}", shape))
    return [row for shape, ours in runs.items() for row in rows(shape, ours, stock)]


def rows(shape: str, runs: list[list[Measured]], stock: list[Measured]) -> list[Row]:
    """The rows of one shape beside stock Channels: of each run of ours FULL and STEADY."""
    full, steady = [run[0] for run in runs], [run[1] for run in runs]
    ratio = median(map(rate, full)) / median(map(rate, stock))
    return [
        Row(
            name=f"fan-out to 1,000, {shape}",
            unit="/s",
            ours=median(map(rate, full)),
            baseline=median(map(rate, stock)),
            baseline_name="/s stock Channels",
            ratio=ratio,
            target=f">= {TARGET:.0f} x stock" if shape == "standard" else "",
            met=ratio >= TARGET if shape == "standard" else None,
            server_cpu=median(one.server_cpu / one.seconds for one in full),
            client_cpu=max(one.client_cpu / one.seconds for one in full),
            runs=[rate(one) for one in full],
            detail={
                "messages/s": median(one.acked / one.seconds for one in full),
                "server CPU us a delivery": median(one.server_cpu * 1e6 / one.delivered for one in full),
                "delivery p50 ms": median(one.delivery_p50 for one in full),
                "delivery p99 ms": median(one.delivery_p99 for one in full),
            },
        ),
        Row(
            name=f"delivery p99 at 20,000/s to 1,000, {shape}",
            unit="ms",
            ours=median(one.delivery_p99 for one in steady),
            server_cpu=median(one.server_cpu / one.seconds for one in steady),
            client_cpu=max(one.client_cpu / one.seconds for one in steady),
            runs=[one.delivery_p99 for one in steady],
            detail={"p50 ms": median(one.delivery_p50 for one in steady)},
        ),
    ]


def rate(one: Measured) -> float:
    """Deliveries a second."""
    return one.delivered / one.seconds


def drive_ours(folder: Path, shape: str) -> list[Measured]:
    """One run, FULL and STEADY, on an installation of its own, as the load client's nonces are always the same."""
    folder.mkdir()
    found(folder, shape=shape)
    make_folder(folder)
    sockets = msgspec.json.decode(run_script(folder, "tests.bench.hall"), type=list[Socket])
    if shape != "embedded":
        with serving(folder, "manage.py", "serve", "--all", "--port", "0"), looking_into(folder) as inside:
            inside.ask("finished")  # The room is known to everybody before anybody talks.
    wait_for_quiet()
    with ExitStack() as stack:
        if shape != "embedded":
            stack.enter_context(running(folder, "manage.py", "project", "--all", core=CLIENT_CORE))
        server = stack.enter_context(serving(folder, "manage.py", "serve", "--port", "0"))
        return _driven(server, folder, sockets, FULL, STEADY)


def drive_stock(folder: Path) -> Measured:
    """One run of stock Channels."""
    wait_for_quiet()
    stock: AbstractContextManager[Server] = serving(folder, "-m", "tests.bench.stock")
    with stock as server:
        return _driven(server, folder, HALL, FULL)[0]


def _driven(server: Server, folder: Path, sockets: list[Socket], *phases: Phase) -> list[Measured]:
    with driven(server, folder, sockets, *phases) as result:
        return result.phases
