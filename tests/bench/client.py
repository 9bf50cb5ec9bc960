"""The load client: a small Go program, built when it is missing or old."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from tests.bench.processes import CLIENT_CORE, SERVER_CORE, Server

SOURCES = Path(__file__).with_name("loadclient")
BINARY = Path(__file__).with_name("bin") / "loadclient"
DRIVE_SECONDS = 90.0  # over it something hangs


class NoGo(Exception):
    """There is no Go on this machine to build the load client with."""


class Socket(msgspec.Struct, frozen=True):
    """One connection: whose, by token or ticket, and to which rooms; a deaf one reads nothing once it hears them."""

    token: str
    room: str
    rooms: tuple[str, ...] = ()  # beside that one
    ticket: str = ""
    deaf: bool = False  # stands behind all others of its room
    storm: bool = False  # says nothing, and comes back when it is cut; stands behind all others


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """How to send: at `rate` a second, or with `window` un-acked of each socket where it is 0.

    With `heard` the window is a room's, of messages that not all its members have heard, sent by its first one;
    of one room, `senders` says how many of its members send at a rate, all where it is 0. With `cut` all sockets of
    the storm are cut once it is measured, and it is not over until they are back.
    """

    rate: float = 0.0
    window: int = 0
    senders: int = 0
    heard: bool = False
    cut: bool = False
    warm_up: float  # seconds that are not measured
    seconds: float


class Measured(msgspec.Struct, frozen=True):
    """What a phase counted, up to its last delivery; times in ms, CPU in seconds."""

    seconds: float
    acked: int
    delivered: int
    answered: int  # of the acked, before the phase stopped to send
    server_cpu: float
    client_cpu: float
    others_cpu: float  # what other processes took of the server's core
    back_in: float  # seconds after a cut until the whole storm was back
    refused: int  # tries to come back that the server refused
    ack_p50: float
    ack_p99: float
    delivery_p50: float
    delivery_p99: float


class Result(msgspec.Struct, frozen=True):
    """What the client did in all; every frame it counts was checked."""

    connect_seconds: float
    connect_cpu: float  # of the server
    sent: int
    acked: int
    delivered: int
    phases: list[Measured]


def build() -> None:
    """Build the load client if it is older than its sources. Raises NoGo."""
    newest = max(source.stat().st_mtime for source in SOURCES.iterdir())
    if BINARY.exists() and BINARY.stat().st_mtime > newest:
        return
    if shutil.which("go") is None:
        raise NoGo("The bench drives the server with a small Go program: install Go 1.19 or later (apt: golang-go).")
    BINARY.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "build", "-trimpath", "-o", BINARY, "."], cwd=SOURCES, check=True)


@contextmanager
def driven(
    server: Server,
    folder: Path,
    sockets: Sequence[Socket],
    *phases: Phase,
    dialect: str = "ours",
    content_bytes: int = 300,
) -> Iterator[Result]:
    """Connect, go through the phases, and stay connected until the block ends.

    `dialect` is how the server is spoken to, one of those of the load client.
    Raises RuntimeError with the first frame that was not the one to come.
    """
    plan = folder / "plan.json"
    plan.write_bytes(
        msgspec.json.encode(
            {
                "port": server.port,
                "pid": server.pid,
                "core": SERVER_CORE,
                "dialect": dialect,
                "hold": True,
                "bytes": content_bytes,
                "sockets": sockets,
                "phases": phases,
            }
        )
    )
    with subprocess.Popen(
        [BINARY, plan],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(os.sched_setaffinity, 0, {CLIENT_CORE}),
    ) as client:
        assert client.stdout and client.stderr
        if not (line := client.stdout.readline()):
            raise RuntimeError(f"The load client gave up: {client.stderr.read().decode()}")
        yield msgspec.json.decode(line, type=Result)
