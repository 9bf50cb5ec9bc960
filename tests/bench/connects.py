"""Connects: a ticket each, READY, and SUBSCRIBE of ten chats, beside what a bare uvicorn accepts."""

import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.circles import MEMBERS
from tests.bench.client import Result, Socket, driven
from tests.bench.processes import Server, copy_folder, make_folder, run_script, serving, settle, wait_for_quiet
from tests.bench.table import Row

RUNS = 9  # of a second each, which a neighbour of the machine can double
SOCKETS = 1_000  # two of each person: their tickets live 30 s, and are asked for before
ROOMY = {"CHAT_ADDRESS_CONNECTIONS": "10000"}  # They all come from one address.
ASKERS = 4  # connections that tickets are asked for on
TARGET = 0.5  # of its rate


class _Ticket(msgspec.Struct):
    ticket: str


def measure(folder: Path) -> list[Row]:
    """The row of connecting."""
    folder.mkdir()
    template = make_folder(folder / "template")
    people = msgspec.json.decode(run_script(template, "tests.bench.circles"), type=list[Socket])
    settle(template)
    ours, bare = [], []
    for _ in range(RUNS):
        bare.append(_drive_bare(folder))
        ours.append(_drive(template, people))
    ratio = median(_rate(one) for one in ours) / median(_rate(one) for one in bare)
    return [
        Row(
            name="connects by ticket, ten chats each",
            unit="/s",
            ours=median(_rate(one) for one in ours),
            baseline=median(_rate(one) for one in bare),
            baseline_name="/s bare uvicorn accepts",
            ratio=ratio,
            target=f">= {TARGET}",
            met=ratio >= TARGET,
            server_cpu=median(one.connect_cpu / one.connect_seconds for one in ours),
            runs=[_rate(one) for one in ours],
            detail={
                "server CPU us a connect": median(one.connect_cpu / SOCKETS * 1e6 for one in ours),
                "an accept": median(one.connect_cpu / SOCKETS * 1e6 for one in bare),
            },
        )
    ]


def tickets(server: Server, sockets: Sequence[Socket]) -> list[Socket]:
    """The same sockets, each with a ticket in place of its token."""
    with ThreadPoolExecutor(ASKERS) as askers:
        parts = askers.map(lambda start: _ask(server, sockets[start::ASKERS]), range(ASKERS))
    return [socket for part in parts for socket in part]


def _ask(server: Server, sockets: Sequence[Socket]) -> list[Socket]:
    asker = http.client.HTTPConnection("127.0.0.1", server.port)
    asked = []
    for socket in sockets:
        asker.request("POST", "/api/auth/ws-ticket", headers={"Authorization": f"Bearer {socket.token}"})
        answer = msgspec.json.decode(asker.getresponse().read(), type=_Ticket)
        asked.append(msgspec.structs.replace(socket, token="", ticket=answer.ticket))
    asker.close()
    return asked


def _drive(template: Path, people: list[Socket]) -> Result:
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        with (
            serving(folder, "manage.py", "serve", "--port", "0", settings=ROOMY) as server,
            # One of each circle is there already: the server knows the chats, and nobody else.
            driven(server, folder, people[::MEMBERS]),
            driven(server, folder, tickets(server, (people * SOCKETS)[:SOCKETS])) as result,
        ):
            return result


def _drive_bare(folder: Path) -> Result:
    wait_for_quiet()
    with (
        serving(folder, "-m", "tests.bench.echo") as server,
        driven(server, folder, [Socket("", "echo")] * SOCKETS, dialect="echo") as result,
    ):
        return result


def _rate(one: Result) -> float:
    return SOCKETS / one.connect_seconds
