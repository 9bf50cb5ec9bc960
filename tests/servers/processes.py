"""Processes of this machine as /proc shows them."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def _fields(pid: int) -> list[str] | None:
    """State, parent and so on; None for a process that is gone or only waits to be reaped."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields


def born(pid: int) -> int | None:
    """When a process started, in ticks since boot: with the pid it is one process only; None if it is gone."""
    fields = _fields(pid)
    return None if fields is None else int(fields[19])


def family(pid: int) -> list[int]:
    """A process and all that descend from it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid] if born(pid) is not None else []
    for one in found:
        found += children.get(one, [])
    return found


def signal_all(pids: Iterable[int], how: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass
