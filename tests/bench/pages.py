"""Pages of 50 from one chat of 100,000 messages: newest, middle and oldest, by the store and by REST."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import msgspec

from tests.bench.processes import Server, copy_folder, run_script, serving, wait_for_quiet
from tests.bench.table import Row

PAGE = 50
RUNS, READS = 3, 60  # reads of each page a run
TARGET_RATIO = 1.5
TARGET_STATEMENTS = 3
TARGET_OVER_BARE_MS = 1.5


class Pages(msgspec.Struct, frozen=True):
    """What the store's pages took: medians of each run in ms by page, and the worst count of statements a bucket."""

    chat: str
    token: str
    before: dict[str, int | None]
    store_ms: list[dict[str, float]]
    bare_ms: list[dict[str, float]]
    statements: float


def measure(template: Path) -> list[Row]:
    """The rows of history."""
    with TemporaryDirectory() as name:
        folder = copy_folder(template, Path(name) / "data")
        wait_for_quiet()
        pages = msgspec.json.decode(run_script(folder, "tests.bench.history"), type=Pages)
        with serving(folder, "manage.py", "serve", "--port", "0") as server:
            rest = [_rest(server, pages) for _ in range(RUNS)]
    runs = zip(pages.store_ms, pages.bare_ms, strict=True)
    over = [max(store[page] - bare[page] for page in store) for store, bare in runs]
    return [
        _spread(f"page of {PAGE}, store", pages.store_ms, target=True),
        Row(
            name="page, over the bare driver",
            unit="ms",
            ours=median(over),
            baseline=median(max(run.values()) for run in pages.bare_ms),
            baseline_name="ms bare sqlite3",
            target=f"<= {TARGET_OVER_BARE_MS} ms",
            met=median(over) <= TARGET_OVER_BARE_MS,
            runs=over,
        ),
        Row(
            name="SQL statements a bucket",
            unit="",
            ours=pages.statements,
            target=f"<= {TARGET_STATEMENTS}",
            met=pages.statements <= TARGET_STATEMENTS,
        ),
        _spread(f"page of {PAGE}, REST", rest, target=False),
    ]


def _spread(name: str, runs: list[dict[str, float]], *, target: bool) -> Row:
    """The slowest page beside the fastest one."""
    medians = {page: median(run[page] for run in runs) for page in runs[0]}
    ratio = median(max(run.values()) / min(run.values()) for run in runs)
    return Row(
        name=name,
        unit="ms slowest",
        ours=max(medians.values()),
        baseline=min(medians.values()),
        baseline_name="ms fastest",
        ratio=ratio,
        target=f"<= {TARGET_RATIO} x" if target else "",
        met=ratio <= TARGET_RATIO if target else None,
        runs=[max(run.values()) for run in runs],
        detail={f"{page} ms": taken for page, taken in medians.items()},
    )


def _rest(server: Server, pages: Pages) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", server.port)
    taken: dict[str, list[float]] = {name: [] for name in pages.before}
    for _ in range(READS):
        for name, before in pages.before.items():
            query = urlencode({"limit": PAGE} | ({"before": before} if before is not None else {}))
            started = time.perf_counter()
            connection.request(
                "GET", f"/api/chats/{pages.chat}/messages?{query}", headers={"Authorization": f"Bearer {pages.token}"}
            )
            body = connection.getresponse().read()
            taken[name].append(time.perf_counter() - started)
            if len(json.loads(body).get("messages", ())) != PAGE:
                raise RuntimeError(f"The {name} page by REST was {body[:300]!r}")
    connection.close()
    return {name: median(times) * 1e3 for name, times in taken.items()}
