"""A process that outlives a test run and ends what the run has left behind.

It reads from a pipe what the run started; when the run ends, by `kill -9` too, the
pipe closes, and the guard kills those processes and removes their folders. The
kernel's own parent-death signal would not do: it follows the thread that started
the process, is lost where a server changes its user, and removes no folder.
"""

import atexit
import contextlib
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.servers.patience import wait_until
from tests.servers.processes import born, family, signal_all

ROOT = Path(__file__).resolve().parents[2]


class Guard:
    """The guard of this process; it starts with the first thing to be guarded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def watch(self, pid: int) -> None:
        """Have a process and its descendants killed when this process ends."""
        self._tell(f"watch {pid} {born(pid) or 0}")

    def forget(self, pid: int) -> None:
        """This process has ended."""
        self._tell(f"forget {pid}")

    def keep(self, folder: Path) -> None:
        """Have a folder removed when this process ends."""
        self._tell(f"folder {folder}")

    def close(self) -> None:
        """Have everything ended now."""
        with self._lock:
            if self._process is not None:
                self._process.communicate()
                self._process = None

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.servers.guard"],
                    cwd=ROOT, stdin=subprocess.PIPE, text=True, start_new_session=True,
                )  # fmt: skip
                atexit.register(self.close)
            if self._process.stdin is None:
                raise RuntimeError("no pipe")
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()


GUARD = Guard()


def main() -> None:
    """Read what to guard until the pipe closes, then end it."""
    watched: dict[int, int] = {}
    folders: list[Path] = []
    for line in sys.stdin:
        match line.split(maxsplit=1):
            case ["watch", words]:
                pid, ticks = words.split()
                watched[int(pid)] = int(ticks)
            case ["forget", pid]:
                watched.pop(int(pid), None)
            case ["folder", path]:
                folders.append(Path(path.rstrip("\n")))
    left = [one for pid, ticks in watched.items() if born(pid) == ticks for one in family(pid)]
    signal_all(left, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):  # Who still writes would fill the folder again.
        wait_until(lambda: not any(born(pid) for pid in left), seconds=10, story="what was left ends")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
