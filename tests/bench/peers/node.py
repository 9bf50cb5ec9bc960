"""Fan-out beside servers on Node, in the run in which ours is measured beside stock Channels.

They are Socket.IO 4 on its Redis adapter, and ws, which knows no rooms.
"""

from pathlib import Path

from tests.bench import fanout, hub
from tests.bench.client import Measured, Phase, driven
from tests.bench.peers.race import Race, had
from tests.bench.processes import serving, wait_for_quiet
from tests.bench.table import Row
from tests.servers.programs import node_packages, on_path, require_program

HERE = Path(__file__).parent
RUNS = 3
TARGET = 1.0  # of the deliveries a second of each, and of Socket.IO's p99
TARGET_LATENCY = 0.7  # of Socket.IO's p50 and p99


def measure(folder: Path) -> list[Row]:
    """The rows of fan-out in two shapes: beside stock Channels, Socket.IO and ws."""
    node = had("Node with its packages", _fetch)
    stock: list[Measured] = []
    socketio: list[list[Measured]] = []
    ws: list[list[Measured]] = []
    alone: list[list[Measured]] = []
    runs: dict[str, list[list[Measured]]] = {"embedded": [], "standard": []}
    for number in range(RUNS):
        stock.append(fanout.drive_stock(folder))
        if node is not None:
            socketio.append(_drive(folder, *node, "socketio.mjs", fanout.FULL, fanout.STEADY, dialect="socketio"))
            ws.append(_drive(folder, *node, "ws.mjs", fanout.FULL, dialect="ours"))
        for shape, ours in runs.items():
            ours.append(fanout.drive_ours(folder / f"peers-{shape}{number}", shape))
        alone.append(hub.drive(folder / f"peers-hub{number}"))
    rows: list[Row] = []
    for shape, ours in runs.items():
        rows += fanout.rows(shape, ours, stock)[:1]  # the other is told below
        rows += _beside(shape, ours, socketio, ws)
    full = Race.of("Socket.IO", 0, alone, socketio)
    return [
        *rows,
        *hub.rows(alone, stock),
        full.at_most(TARGET, "delivery p99 under full load, hub alone", "ms", lambda one: one.delivery_p99),
    ]


def _fetch() -> tuple[Path, Path]:
    """Node, and the folder of packages."""
    return require_program(on_path("node"), package="nodejs"), node_packages("peers", lock=HERE / "npm")


def _drive(folder: Path, node: Path, packages: Path, script: str, *phases: Phase, dialect: str) -> list[Measured]:
    """One run of theirs."""
    wait_for_quiet()
    with (
        serving(folder, str(HERE / script), str(packages), program=str(node)) as server,
        driven(server, folder, fanout.HALL, *phases, dialect=dialect) as result,
    ):
        return result.phases


def _beside(
    shape: str, ours: list[list[Measured]], socketio: list[list[Measured]], ws: list[list[Measured]]
) -> list[Row]:
    name, latency = f"fan-out to 1,000, {shape}", f"at 20,000/s to 1,000, {shape}"
    bare = Race.of("ws", 0, ours, ws)
    full, steady = (Race.of("Socket.IO", phase, ours, socketio) for phase in (0, 1))
    return [
        bare.at_least(TARGET, name, "/s", fanout.rate),
        full.at_least(TARGET, name, "/s", fanout.rate),
        steady.at_most(TARGET_LATENCY, f"delivery p50 {latency}", "ms", lambda one: one.delivery_p50),
        steady.at_most(TARGET_LATENCY, f"delivery p99 {latency}", "ms", lambda one: one.delivery_p99),
    ]
