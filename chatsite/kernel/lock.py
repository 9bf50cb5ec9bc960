"""The lock on the data folder: who holds it runs the groups."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FolderTaken(Exception):
    """Another process of this folder runs the groups."""


class FolderLock:
    """An exclusive lock that ends with its process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "serve.lock"
        self._file = -1

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise FolderTaken(f"A server runs on {self._path.parent} already; stop it first.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
