"""A large installation: 100,000 chats and 1,000,000 messages; lists, pages and searches of its people."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import quote

import msgspec

from tests.bench.processes import Server, copy_folder, run_script, serving, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
TARGET_RATIO = 10.0  # a common word beside a rare one


class Viewer(msgspec.Struct, frozen=True):
    """Somebody of the installation: a token, and chats of theirs with few and with many messages."""

    token: str
    small: str
    large: str


class Scale(msgspec.Struct, frozen=True):
    """What there is to look at; statements by what is looked at, of the first who looks and of the second."""

    viewers: list[Viewer]
    rare: str
    seconds: float
    statements: dict[str, tuple[int, int]]


def measure(template: Path) -> list[Row]:
    """The rows of a large installation."""
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        scale = msgspec.json.decode(run_script(folder, "tests.bench.scaled"), type=Scale)
        wait_for_quiet()
        with serving(folder, "manage.py", "serve", "--port", "0") as server:
            runs = [_ask(server, scale) for _ in range(RUNS)]
    return [_row(asked, [run[asked] for run in runs], scale, runs) for asked in runs[0]]


def paths(viewer: Viewer, rare: str) -> dict[str, str]:
    """What somebody looks at, and where."""
    return {
        "list of chats": "/api/chats",
        "newest page, small chat": f"/api/chats/{viewer.small}/messages?limit=50",
        "newest page, large chat": f"/api/chats/{viewer.large}/messages?limit=50",
        "oldest page, large chat": f"/api/chats/{viewer.large}/messages?limit=50&after={-(2**62)}",
        "search of a rare word": f"/api/search/messages?q={quote(rare)}",
        "search of a common word": "/api/search/messages?q=the",
    }


def _ask(server: Server, scale: Scale) -> dict[str, list[float]]:
    """How many ms each look of each viewer took."""
    connection = HTTPConnection("127.0.0.1", server.port)
    taken: dict[str, list[float]] = {}
    for viewer in scale.viewers:
        for asked, path in paths(viewer, scale.rare).items():
            started = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"Bearer {viewer.token}"})
            answer = connection.getresponse()
            body = answer.read()
            taken.setdefault(asked, []).append((time.perf_counter() - started) * 1e3)
            if answer.status != 200 or not any(json.loads(body).get(one) for one in ("chats", "messages", "hits")):
                raise RuntimeError(f"{path} was {answer.status} {body[:300]!r}")
    connection.close()
    return taken


def _row(asked: str, runs: list[list[float]], scale: Scale, every: list[dict[str, list[float]]]) -> Row:
    p99 = median(quantiles(run, n=100)[98] for run in runs)
    first, second = scale.statements[asked]
    detail = {"p99 ms": p99, "statements, first": first, "statements, second": second, "s to fill": scale.seconds}
    if asked != "search of a common word":
        return Row(
            name=asked, unit="ms", ours=median(map(median, runs)), runs=[median(one) for one in runs], detail=detail
        )
    rare = [median(run["search of a rare word"]) for run in every]
    ratio = median(median(run) / other for run, other in zip(runs, rare, strict=True))
    return Row(
        name=asked,
        unit="ms",
        ours=median(map(median, runs)),
        baseline=median(rare),
        baseline_name="ms a rare one",
        ratio=ratio,
        target=f"<= {TARGET_RATIO:.0f} x",
        met=ratio <= TARGET_RATIO,
        runs=[median(one) for one in runs],
        detail=detail,
    )
