"""What servers are made of: Debian's packages, jars from Maven's registry, packages from npm's."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "--no-install-recommends"]
JVMS = Path("/usr/lib/jvm")


class NotInstalled(RuntimeError):
    """A program is missing and cannot be installed by us."""


def cache() -> Path:
    """The folder of downloads, kept over runs: $CHAT_TEST_CACHE, or one of the user's."""
    folder = Path(os.environ.get("CHAT_TEST_CACHE") or Path.home() / ".cache" / "chatsite-servers")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time, of all that use the cache."""
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def require_program(find: Callable[[], Path | None], *, package: str) -> Path:
    """A program's path; its Debian package is installed first where this is root and it is missing."""
    if found := find():
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotInstalled(f"Install {package}: it is missing here, and only root can install it with apt-get.")
    with alone("apt"):
        if not find():
            _run(["apt-get", "-q", "update"])
            _run([*APT, "install", package], DEBIAN_FRONTEND="noninteractive")
    if found := find():
        return found
    raise NotInstalled(f"{package} is installed, but what is needed of it was not found.")


def on_path(name: str) -> Callable[[], Path | None]:
    """A finder of a program on PATH."""

    def find() -> Path | None:
        found = shutil.which(name)
        return Path(found) if found else None

    return find


def java() -> Path:
    """Java 17, which Kafka 4 and Cassandra 5 both run on; Cassandra refuses newer ones."""
    return require_program(_find_java, package="openjdk-17-jre-headless")


def _find_java() -> Path | None:
    named = os.environ.get("CHAT_TEST_JAVA")
    found = [Path(named)] if named else sorted(JVMS.glob("*17*/bin/java"))
    return next((path for path in found if path.exists()), None)


def jars(name: str, *, pom: Path) -> list[Path]:
    """A server's jars in a fixed order, downloaded once as its pom says."""
    folder = cache() / name
    with alone(name):
        if not folder.exists():
            maven = require_program(on_path("mvn"), package="maven")
            with tempfile.TemporaryDirectory(dir=cache()) as part:
                command = [str(maven), "-q", "-B", "-f", str(pom), COPY, "-DincludeScope=runtime"]
                _run([*command, f"-DoutputDirectory={part}/jars"], JAVA_HOME=str(java().parents[1]))
                Path(part, "jars").rename(folder)
    return sorted(folder.glob("*.jar"))


def node_packages(name: str, *, lock: Path) -> Path:
    """The folder of npm packages, downloaded once as package.json and its lock file in `lock` say."""
    pins = hashlib.sha256((lock / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = cache() / f"{name}-{pins}"
    with alone(folder.name):
        if not folder.exists():
            npm = require_program(on_path("npm"), package="npm")
            with tempfile.TemporaryDirectory(dir=cache()) as part:
                packages = shutil.copytree(lock, Path(part, "packages"))
                _run([str(npm), "ci", "--prefix", str(packages), "--ignore-scripts", "--no-audit", "--no-fund"])
                packages.rename(folder)
    return folder


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise NotInstalled(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
