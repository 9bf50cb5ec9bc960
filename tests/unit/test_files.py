"""A process takes all the files that it may have, in a table that need not grow under load."""

import resource
import subprocess
import sys

PROGRAM = """
import os
from chatsite.kernel.files import take_all
before = set(os.listdir("/proc/self/fd"))
take_all()
assert set(os.listdir("/proc/self/fd")) == before
print(open("/proc/self/status").read(), open("/proc/self/limits").read())
"""


def test_the_table_of_files_is_as_large_as_it_may_become() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 4_096)),
    ).stdout.split("\n")
    (size,) = [line for line in told if line.startswith("FDSize:")]
    (files,) = [line for line in told if line.startswith("Max open files")]
    assert size.split()[1:] == ["4096"]
    assert files.split()[3:5] == ["4096", "4096"]
