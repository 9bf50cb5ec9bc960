"""Runs the suite: everything once, then in the two other shapes what belongs to them.

With `shapes` as its argument it plays the other stories of what people do in those two.
"""

import os
import subprocess
import sys
import time

PYTEST = [sys.executable, "-m", "pytest", "-q", "--dist", "loadgroup", "-m", "not stack"]
# The import rules are two thousand small tests, and `make check` runs them.
PYTEST += ["--ignore", "tests/test_architecture.py"]
# Test processes: four share two cores well, but where each has a system of several processes. To collect all in each
# of them takes half a minute, so the two other shapes collect the stories alone, which is where theirs are.
PARTS = {"embedded": ("4", "tests"), "standard": ("2", "tests/flow"), "cluster": ("2", "tests/flow")}


def main() -> int:
    """Run each part, the later ones too when one fails; answers 1 where one did."""
    failed = []
    parts, more = PARTS, dict[str, str]()
    if sys.argv[1:] == ["shapes"]:
        parts = {shape: part for shape, part in PARTS.items() if shape != "embedded"}
        more = {"CHAT_TEST_STORIES": "features"}
    for shape, (processes, folder) in parts.items():
        began = time.monotonic()
        done = subprocess.run(
            [*PYTEST, "-n", processes, "--durations=15", folder], env=os.environ | {"CHAT_TEST_SHAPE": shape} | more
        )
        sys.stdout.write(f"{shape}: {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
        failed += [shape] if done.returncode else []
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
