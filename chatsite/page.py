"""The page's script: its hundred modules in one answer."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from chatsite.kernel.modules import link

ENTRY = "chat/app"


class Script(NamedTuple):
    """The page's script, as it is and packed by gzip; its version changes with it."""

    text: bytes
    packed: bytes
    version: str


def script() -> Script:
    """The script of the modules as they are; they stay as they are while a server runs, but for DEBUG."""
    (folder,) = settings.STATICFILES_DIRS
    changed = max(path.stat().st_mtime_ns for path in Path(folder).rglob("*.js")) if settings.DEBUG else 0
    return _script(Path(folder), changed)


@lru_cache(maxsize=1)
def _script(folder: Path, changed: int) -> Script:
    def read(path: str) -> str | None:
        file = folder / f"{path}.js"
        return file.read_text(encoding="utf-8") if file.is_file() else None

    text = link(ENTRY, read=read).text.encode()
    return Script(text, gzip.compress(text, mtime=0), hashlib.sha256(text).hexdigest()[:16])
