"""Checks that the locked requirements answer to what was asked for: `python -m tests.locked`."""

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\]+)", re.MULTILINE)


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def faults(asked: Path, locked: Path) -> list[str]:
    """What the lock misses or pins otherwise than asked."""
    text = locked.read_text()
    pins = {_name(name): version for name, version in _PIN.findall(text)}
    found = [] if text.count("--hash=") >= len(pins) else [f"{locked.name} has pins without hashes"]
    for line in asked.read_text().splitlines():
        if not line or line.startswith(("#", "-")):
            continue
        wanted = Requirement(line)
        version = pins.get(_name(wanted.name))
        if version is None or not wanted.specifier.contains(version):
            found.append(f"{asked.name} asks for {wanted}, {locked.name} has {version}: run `make lock`")
    return found


PAIRS = [(name, name) for name in ("uv", "base", "standard", "cluster", "grpc", "dev")]
IN_DEV = [(name, "dev") for name in ("uv", "base", "standard", "cluster", "grpc")]  # what runs is what is tested


if __name__ == "__main__":
    wrong = [
        fault for asked, locked in PAIRS + IN_DEV for fault in faults(FOLDER / f"{asked}.in", FOLDER / f"{locked}.txt")
    ]
    sys.stderr.writelines(f"{fault}\n" for fault in wrong)
    sys.exit(bool(wrong))
