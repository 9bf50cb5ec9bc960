"""The processes of the bench: the server on one core, all others on another."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from tests.installations import environment_of

ROOT = Path(__file__).resolve().parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
START_SECONDS, STOP_SECONDS = 30.0, 30.0
SCRIPT_SECONDS = 1_800.0
QUIET_SHARE = 0.1  # of the cores, by others, at which the machine counts as quiet
QUIET_SAMPLE = 0.5  # seconds
QUIET_SECONDS = 60.0  # how long the whole bench waits for that; then it measures all the same
_ADDRESS = " is at http://127.0.0.1:"
_SCRIPT = (
    "import django, runpy, sys; django.setup(); runpy.run_module(sys.argv[1], run_name='__main__', alter_sys=True)"
)


def environment(folder: Path) -> dict[str, str]:
    """The settings under test, as one runs them for others: no DEBUG, no limits, tokens that outlive it."""
    return environment_of(folder) | {
        "CHAT_DEBUG": "0",
        "CHAT_LIMITS": "0",
        "CHAT_TEST_STRICT": "off",
        "CHAT_ACCESS_TOKEN_SECONDS": "3600",
    }


def run(folder: Path, *arguments: str) -> str:
    """Run Python on the server's core; answers what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        preexec_fn=partial(os.sched_setaffinity, 0, {SERVER_CORE}),
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def run_script(folder: Path, module: str) -> str:
    """Run a module of this package with Django set up; answers what it printed."""
    return run(folder, "-c", _SCRIPT, module)


def make_folder(folder: Path) -> Path:
    """A new data folder with its tables."""
    run(folder, "manage.py", "migrate_all", "-v", "0")
    return folder


def settle(folder: Path) -> Path:
    """A data folder of the shape embedded whose groups have finished what its log holds."""
    run(folder, "manage.py", "migrate_profile", "--settle")
    return folder


def copy_folder(template: Path, folder: Path) -> Path:
    """A copy of a data folder that nobody has open."""
    shutil.copytree(template, folder)
    return folder


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    port: int

    def resident_kib(self) -> int:
        """Resident memory, in KiB."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1])
        raise RuntimeError("The kernel does not say how much memory a process has.")

    def peak_kib(self) -> int:
        """The most resident memory that it had so far, in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])


_patience = QUIET_SECONDS


def wait_for_quiet() -> None:
    """Wait until others leave the cores alone, within what is left of the bench's patience."""
    global _patience
    if _patience <= 0:
        return
    while _patience > 0:
        before, started = _busy_seconds(), time.monotonic()
        select.select((), (), (), QUIET_SAMPLE)  # A share of time is only seen over time.
        passed = time.monotonic() - started
        if (_busy_seconds() - before) / passed / len(CORES) <= QUIET_SHARE:
            return
        _patience -= passed
    sys.stdout.write("The machine does not get quiet: measuring all the same.\n")


def _busy_seconds() -> float:
    """The user and system time of all processes, in seconds."""
    return sum(_ticks()[:3]) / os.sysconf("SC_CLK_TCK")


def stolen_seconds() -> float:
    """How long the cores had work and their host gave the time to other machines, in seconds of all cores."""
    return _ticks()[7] / os.sysconf("SC_CLK_TCK")


def _ticks() -> list[int]:
    """Of all cores: user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5))."""
    return [int(one) for one in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]


@contextmanager
def serving(
    folder: Path, *arguments: str, settings: dict[str, str] | None = None, program: str = sys.executable
) -> Iterator[Server]:
    """A program, Python, that serves on the server's core, until the block ends; what it logs is passed on."""
    with _started(folder, *arguments, settings=settings, program=program) as process:
        yield Server(process.pid, _port(process))


@contextmanager
def running(folder: Path, *arguments: str, core: int = SERVER_CORE) -> Iterator[Server]:
    """The same with Python that serves nobody; its port is 0."""
    with _started(folder, *arguments, core=core) as process:
        yield Server(process.pid, 0)


@contextmanager
def _started(
    folder: Path,
    *arguments: str,
    settings: dict[str, str] | None = None,
    core: int = SERVER_CORE,
    program: str = sys.executable,
) -> Iterator["subprocess.Popen[str]"]:
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=ROOT,
            env=environment(folder) | (settings or {}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
        try:
            yield process
        finally:
            if (code := process.poll()) is not None:
                sys.stdout.write(f"The server ended before it was told to, with {code}.\n")
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()
                log.seek(0)
                sys.stdout.write(log.read())


def _port(process: subprocess.Popen[str]) -> int:
    """The port a server announces on its standard output."""
    out = process.stdout
    while out and select.select([out], [], [], START_SECONDS)[0] and (line := out.readline()):
        if _ADDRESS in line:
            return int(line.partition(_ADDRESS)[2].partition("/")[0])
    raise RuntimeError("The server did not start.")
