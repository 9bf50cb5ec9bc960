"""How far a long command is: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 5.0  # between plain lines


class Report(Protocol):
    """Takes how far it is."""

    def __call__(self, done: int, said: str) -> None:
        """So many bytes are done, and what to say beside them."""


@contextmanager
def progress(out: TextIO, *, title: str, total: int) -> Iterator[Report]:
    """Show how far `total` bytes are done until the block ends."""
    if not out.isatty():
        yield _Lines(out, title, total)
        return
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=Console(file=out)) as bar:
        task = bar.add_task(title, total=total, said="")
        yield lambda done, said: bar.update(task, completed=done, said=said)


class _Lines:
    def __init__(self, out: TextIO, title: str, total: int) -> None:
        self._out, self._title, self._total = out, title, total
        self._next = time.monotonic() + LINE_SECONDS

    def __call__(self, done: int, said: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_SECONDS
            self._out.write(f"{self._title}: {100 * done // max(1, self._total)} %, {said}\n")
            self._out.flush()
