"""No test of ours is skipped."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.guard import ROOT

RUN = "import pytest\n\ndef test_runs():\n    pass\n"
CASES = {
    "a test": ("@pytest.mark.skip(reason='no server')\ndef test_one():\n    pass\n", "1 passed, 1 error"),
    "in a test": ("def test_one():\n    pytest.skip('no server')\n", "1 failed, 1 passed"),
    "a file": ("pytest.skip('no server', allow_module_level=True)\n", "1 error"),
}


@pytest.mark.parametrize(("code", "outcome"), CASES.values(), ids=CASES)
def test_a_skip_is_a_failure(tmp_path: Path, code: str, outcome: str) -> None:
    status, said = run(tmp_path, code)
    assert status != 0
    assert outcome in said
    assert "no server" in said


def test_what_is_known_to_fail_is_none(tmp_path: Path) -> None:
    status, said = run(tmp_path, "@pytest.mark.xfail(strict=True)\ndef test_one():\n    raise ValueError\n")
    assert status == 0
    assert "1 passed, 1 xfailed" in said


def run(folder: Path, code: str) -> tuple[int, str]:
    """What pytest says of a file of tests, with its exit code."""
    (folder / "test_it.py").write_text(RUN + code)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "/dev/null",
        "-p",
        "tests.no_skips",
        "-p",
        "no:django",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout
