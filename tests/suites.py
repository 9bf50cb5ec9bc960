"""Runs the suite: everything once, then in the two other shapes what belongs to them."""

import os
import subprocess
import sys
import time

PYTEST = [sys.executable, "-m", "pytest", "-q", "--dist", "loadgroup", "-m", "not stack"]
# Test processes: four share two cores well, but where each has a system of several processes. To collect all in each
# of them takes half a minute, so the two other shapes collect the stories alone, which is where theirs are.
PARTS = {"embedded": ("4", "tests"), "standard": ("2", "tests/flow"), "cluster": ("2", "tests/flow")}


def main() -> int:
    """Run each part, the later ones too when one fails; answers 1 where one did."""
    failed = []
    for shape, (processes, folder) in PARTS.items():
        began = time.monotonic()
        done = subprocess.run(
            [*PYTEST, "-n", processes, "--durations=15", folder], env=os.environ | {"CHAT_TEST_SHAPE": shape}
        )
        sys.stdout.write(f"{shape}: {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
        failed += [shape] if done.returncode else []
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
