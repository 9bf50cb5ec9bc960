"""Acked sends of one process that serves and runs all groups, in the shapes with servers of their own.

The servers go with the load client: they share its core with it.
"""

from dataclasses import replace
from pathlib import Path
from statistics import median

import msgspec

from tests.bench import backlog
from tests.bench.client import Measured, Phase, Socket, driven
from tests.bench.processes import make_folder, run_script, serving, wait_for_quiet
from tests.bench.producer import Alone
from tests.bench.table import Row
from tests.inside import looking_into
from tests.installations import found

STEADY = Phase(rate=200, warm_up=2, seconds=5)
FULL = Phase(window=2, warm_up=1, seconds=6)
RUNS = 3
TARGET_RATIO = 0.2
TARGET_ABOVE_MS = 2.0


def measure(folder: Path, shape: str) -> list[Row]:
    """The rows of one shape; that of the cluster beside Kafka's producer alone."""
    runs = [_run(folder / f"{shape}{number}", shape) for number in range(RUNS)]
    rows = _rows(shape, runs)
    if shape == "cluster":
        bare = msgspec.json.decode(run_script(folder / f"{shape}0", "tests.bench.producer"), type=Alone)
        rows = [_beside(rows[0], bare), _above(rows[1], bare)]
    return [*rows, *backlog.measure(folder, shape)]


def _beside(sends: Row, bare: Alone) -> Row:
    ratio = sends.ours / bare.speed
    return replace(
        sends, baseline=bare.speed, baseline_name="/s bare producer", ratio=ratio,
        target=f">= {TARGET_RATIO}", met=ratio >= TARGET_RATIO,
    )  # fmt: skip


def _above(acks: Row, bare: Alone) -> Row:
    return replace(
        acks, baseline=bare.quiet_ms, baseline_name="ms bare producer",
        target=f"< {TARGET_ABOVE_MS} ms above", met=acks.ours - bare.quiet_ms < TARGET_ABOVE_MS,
    )  # fmt: skip


def _rows(shape: str, runs: list[tuple[Measured, Measured, int]]) -> list[Row]:
    steady, full = [run[0] for run in runs], [run[1] for run in runs]
    return [
        Row(
            name=f"acked sends, 50 chats of 10, {shape}",
            unit="/s",
            ours=median(one.acked / one.seconds for one in full),
            server_cpu=median(one.server_cpu / one.seconds for one in full),
            client_cpu=max(one.client_cpu / one.seconds for one in full),
            runs=[one.acked / one.seconds for one in full],
            detail={
                "server CPU us a send": median(one.server_cpu * 1e6 / one.acked for one in full),
                "ack p50 ms": median(one.ack_p50 for one in full),
                "delivery p99 ms": median(one.delivery_p99 for one in full),
                "resident MiB": median(run[2] for run in runs) / 1_024,
            },
        ),
        Row(
            name=f"ack p50 at 200 sends/s, {shape}",
            unit="ms",
            ours=median(one.ack_p50 for one in steady),
            runs=[one.ack_p50 for one in steady],
            detail={
                "ack p99 ms": median(one.ack_p99 for one in steady),
                "delivery p50 ms": median(one.delivery_p50 for one in steady),
                "delivery p99 ms": median(one.delivery_p99 for one in steady),
                "server CPU us a send": median(one.server_cpu * 1e6 / one.acked for one in steady),
            },
        ),
    ]


def _run(place: Path, shape: str) -> tuple[Measured, Measured, int]:
    """One run on an installation of its own, as the load client's nonces are always the same."""
    place.mkdir()
    found(place, shape=shape)
    make_folder(place)
    sockets = msgspec.json.decode(run_script(place, "tests.bench.rooms"), type=list[Socket])
    with serving(place, "manage.py", "serve", "--all", "--port", "0"), looking_into(place) as inside:
        inside.ask("finished")  # The rooms are known to everybody before anybody talks.
    wait_for_quiet()
    with (
        serving(place, "manage.py", "serve", "--all", "--port", "0") as server,
        driven(server, place, sockets, STEADY, FULL) as result,
    ):
        steady, full = result.phases
        return steady, full, server.resident_kib()
