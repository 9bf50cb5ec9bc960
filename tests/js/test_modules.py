"""The page's modules in Node: each `*_test.mjs` beside this file."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_the_modules_do_what_they_say() -> None:
    if (node := shutil.which("node")) is None:
        pytest.fail("needs node on the PATH: apt-get install nodejs")
    tests = sorted(HERE.glob("*_test.mjs"))
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
