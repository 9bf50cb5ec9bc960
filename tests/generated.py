"""Checks that generated code is what the pinned grpcio-tools make (`python -m tests.generated`); `--write` makes it."""

import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
PROTOS = ("presence/v1/presence.proto",)


def make(folder: Path) -> None:
    """Generate into a folder."""
    kinds = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python")]
    known = [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}"]
    if protoc.main(["protoc", *known, *kinds, *PROTOS]):
        raise SystemExit("A .proto file is wrong.")


def faults() -> list[str]:
    """Which files are not what would be generated."""
    with TemporaryDirectory() as name:
        make(folder := Path(name))
        made = {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.py*"))}
    stale = [path for path, text in made.items() if not (ROOT / path).exists() or (ROOT / path).read_bytes() != text]
    return [f"{path} is not what its .proto makes: run `make proto`" for path in stale]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        make(ROOT)
    else:
        wrong = faults()
        sys.stderr.writelines(f"{fault}\n" for fault in wrong)
        sys.exit(bool(wrong))
