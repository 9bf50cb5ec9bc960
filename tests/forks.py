"""Management commands in forks of a process that has Django set up: to start anew takes longer than most of them.

    run("manage", ["migrate_all"], environment={...}, folder=data)

Each installation has a process of its own, which ends with its standard input. A
command runs in a fork of it as in a process of its own: it may leave behind what it
likes, and ends as Python does.
"""

import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from tests.preloaded import ROOT, Process, popen

MOST = 3  # processes that wait for commands: few tests go from one installation to another
SECONDS = 120  # for a command
_waiting: OrderedDict[str, Process] = OrderedDict()  # the one used last at the end


def run(
    module: str, arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a management command, or another module, under these variables alone."""
    environment = {name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"}
    # Settings hold the keys of a data folder: who got others is another installation.
    keys = [(path.name, path.stat().st_mtime_ns) for path in sorted((*folder.glob("*.key"), *folder.glob("*.pem")))]
    name = json.dumps([keys, sorted(environment.items())])
    process = _waiting.pop(name, None) or _start(environment)
    _waiting[name] = process
    if len(_waiting) > MOST:
        _end(_waiting.popitem(last=False)[1])
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        code = _ask(process, [module, *arguments], out, err)
        if code is not None:
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())
    _end(_waiting.pop(name))
    # It got no further than to its settings: what they say of that is wanted.
    command = [sys.executable, *(["manage.py"] if module == "manage" else ["-m", module]), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)


def _ask(process: Process, command: Sequence[str], out: Path, err: Path) -> int | None:
    """The exit code of a command; None where there is nobody to run it."""
    assert process.stdin
    assert process.stdout
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps([command, str(out), str(err)]) + "\n")
        process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], SECONDS)
    if not ready:
        _end(process)
        raise RuntimeError(f"{' '.join(command)} does not end")
    answer = process.stdout.readline()
    return int(answer) if answer else None


def _start(environment: Mapping[str, str]) -> Process:
    return popen(["-m", "tests.forks"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _end(process: Process) -> None:
    process.kill()
    with suppress(BrokenPipeError), process:
        pass


def main() -> None:
    """Fork for each command that standard input asks for; the fork runs it and returns."""
    django.setup()
    for line in sys.stdin:
        command, out, err = json.loads(line)
        child = os.fork()
        if not child:
            return _run(command, out, err)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


def _run(command: Sequence[str], out: str, err: str) -> None:
    # Nothing of its parent's: it reads nobody's questions and answers none.
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(path, how | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    module, *arguments = command
    sys.argv = [module, *arguments]
    if module == "manage":
        execute_from_command_line(["manage.py", *arguments])
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
