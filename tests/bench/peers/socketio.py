"""Fan-out beside Socket.IO 4 on its Redis adapter, in the run in which ours is measured beside stock Channels."""

from pathlib import Path

from tests.bench import fanout
from tests.bench.client import Measured, driven
from tests.bench.peers.race import Race, had
from tests.bench.processes import serving, wait_for_quiet
from tests.bench.table import Row
from tests.servers.programs import node_packages, on_path, require_program

VERSION = "4.8.4"
HERE = Path(__file__).parent
RUNS = 3
TARGET = 1.0  # of its deliveries a second
TARGET_LATENCY = 0.7  # of its p50 and p99


def measure(folder: Path) -> list[Row]:
    """The rows of fan-out in two shapes: beside stock Channels, and beside Socket.IO."""
    command = had("Socket.IO", _fetch)
    stock: list[Measured] = []
    theirs: list[list[Measured]] = []
    runs: dict[str, list[list[Measured]]] = {"embedded": [], "standard": []}
    for number in range(RUNS):
        stock.append(fanout.drive_stock(folder))
        if command is not None:
            theirs.append(_drive(folder, command))
        for shape, ours in runs.items():
            ours.append(fanout.drive_ours(folder / f"peers-{shape}{number}", shape))
    rows: list[Row] = []
    for shape, ours in runs.items():
        rows += fanout.rows(shape, ours, stock)[:1]  # the other is told below
        rows += _beside(shape, ours, theirs)
    return rows


def _fetch() -> list[str]:
    """The command that runs it."""
    node = require_program(on_path("node"), package="nodejs")
    packages = node_packages(f"socket.io-{VERSION}", lock=HERE / "npm")
    return [str(node), str(HERE / "socketio.mjs"), str(packages)]


def _drive(folder: Path, command: list[str]) -> list[Measured]:
    """One run of theirs, FULL and STEADY as ours."""
    wait_for_quiet()
    with (
        serving(folder, *command[1:], program=command[0]) as server,
        driven(server, folder, fanout.HALL, fanout.FULL, fanout.STEADY, dialect="socketio") as result,
    ):
        return result.phases


def _beside(shape: str, ours: list[list[Measured]], theirs: list[list[Measured]]) -> list[Row]:
    full, steady = (
        Race(peer="Socket.IO", ours=[run[phase] for run in ours], theirs=[run[phase] for run in theirs])
        for phase in (0, 1)
    )
    latency = f"at 20,000/s to 1,000, {shape}"
    return [
        full.at_least(TARGET, f"fan-out to 1,000, {shape}", "/s", fanout.rate),
        steady.at_most(TARGET_LATENCY, f"delivery p50 {latency}", "ms", lambda one: one.delivery_p50),
        steady.at_most(TARGET_LATENCY, f"delivery p99 {latency}", "ms", lambda one: one.delivery_p99),
    ]
