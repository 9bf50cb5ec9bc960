"""Servers that run on Java."""

from pathlib import Path
from typing import ClassVar

from tests.servers.node import Node
from tests.servers.programs import cache, jars, java

ENDED_CLEANLY = 143  # what Java answers after SIGTERM
CONF = Path(__file__).with_name("conf")


class JvmNode(Node):
    """One server on Java; its loaded classes are archived once, so that later starts are faster."""

    version: ClassVar[str]
    heap = "512m"

    def jars(self) -> list[Path]:
        """What it is made of."""
        return jars(f"{self.name}-{self.version}", pom=CONF / self.name / "pom.xml")

    def jvm(self, *arguments: str, archived: bool = False) -> list[str]:
        """A Java command with the server's jars: main class and arguments, flags before them."""
        return [
            str(java()), "-Xms64m", f"-Xmx{self.heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", *(self._sharing() if archived else []),
            "-cp", ":".join(map(str, self.jars())), *arguments,
        ]  # fmt: skip

    def close(self) -> None:
        """End it and remove its folder; the first of its kind ends cleanly, to leave its archive."""
        if self.runs and not self._archive().exists():
            self.stop()
        super().close()

    def _ended(self) -> None:
        made = self._made()
        if made.exists():
            whole = self._process is not None and self._process.returncode == ENDED_CLEANLY
            made.rename(self._archive()) if whole else made.unlink()
        super()._ended()

    def _sharing(self) -> list[str]:
        archive = self._archive()
        how = f"-XX:SharedArchiveFile={archive}" if archive.exists() else f"-XX:ArchiveClassesAtExit={self._made()}"
        return ["-XX:+UnlockDiagnosticVMOptions", "-XX:+AllowArchivingWithJavaAgent", "-Xlog:cds=off", how]

    def _made(self) -> Path:
        """The archive that this process leaves, in the cache, where a rename puts it in place whole."""
        return cache() / f"{self.folder.name}.jsa"

    def _archive(self) -> Path:
        release = (java().parents[1] / "release").read_text()
        runtime = release.partition('JAVA_RUNTIME_VERSION="')[2].partition('"')[0]
        return cache() / f"{self.name}-{self.version}-{runtime}.jsa"
