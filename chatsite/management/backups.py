"""A backup: one tar.gz of both databases and the keys, with a manifest of their sums.

The databases are copied by `VACUUM INTO`, each at one moment, while the server goes on. The site's
comes first: what its relay says it passed on is then in the log's later copy. What the groups had
finished is noted before both, since their effects stand in the earlier copy.
"""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections

from chatsite.kernel.database import MESSAGES
from chatsite.kernel.errors import Invalid, NotSupported
from chatsite.kernel.restored import group_offsets, raise_leases, renew_log, rewind_groups

DATABASES = {DEFAULT_DB_ALIAS: "site.sqlite3", MESSAGES: "messages.sqlite3"}
KEYS = ("*.key", "*.pem")
FORMAT = "chatsite-backup-1"
MANIFEST = "manifest.json"
MAX_MANIFEST = 1 << 20  # bytes
_CHUNK = 1 << 20
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


class File(msgspec.Struct, frozen=True):
    """A file of a backup."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds; `finished` is how far each group of the event log was before it."""

    format: str
    made_at: str
    finished: dict[str, int]
    files: dict[str, File]


def pack(folder: Path, target: Path, *, draft: Path, made_at: str) -> Manifest:
    """Write a backup of a data folder, working in the folder `draft`; the target appears once it is whole."""
    if any(connections[alias].vendor != "sqlite" for alias in DATABASES):
        raise NotSupported("This installation keeps its data in a database server: use that one's own backup.")
    finished = group_offsets(MESSAGES)
    for alias, name in DATABASES.items():
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(draft / name)])
    files = [draft / name for name in DATABASES.values()] + keys_of(folder)
    manifest = Manifest(
        FORMAT, made_at, finished, {path.name: File(path.stat().st_size, _sum_of(path)) for path in files}
    )
    (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    packed = draft / "packed"
    with open(packed, "xb", opener=_private) as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
            for path in (draft / MANIFEST, *files):
                tar.add(path, arcname=path.name, filter=_without_owner)
        out.flush()
        os.fsync(out.fileno())
    packed.replace(target)
    return manifest


def unpack(backup: Path, draft: Path) -> Manifest:
    """Unpack a backup into the empty folder `draft`; Invalid unless every file is as its manifest says."""
    try:
        with tarfile.open(backup, mode="r:gz") as tar:
            manifest = _read_manifest(tar)
            while (member := tar.next()) is not None:
                expected = manifest.files.get(member.name)
                if expected is None or not member.isfile() or member.size != expected.size:
                    raise Invalid(f"{member.name!r} is not what its manifest names: this backup is damaged.")
                if _copy(tar.extractfile(member), draft / member.name) != expected.sha256:
                    raise Invalid(f"{member.name} has another sum than its manifest says: this backup is damaged.")
    except _DAMAGE as error:
        raise Invalid(f"this is no backup, or it is damaged or cut short ({error}).") from None
    if missing := set(manifest.files) - {path.name for path in draft.iterdir()}:
        raise Invalid(f"{', '.join(sorted(missing))} is missing: this backup is damaged.")
    return manifest


def renew(draft: Path, manifest: Manifest, *, now_ms: int) -> None:
    """Make unpacked databases fit to be served again: nothing that was used since is used twice."""
    with _opened(draft / DATABASES[DEFAULT_DB_ALIAS]) as alias:
        renew_log(alias)
        raise_leases(alias, now_ms=now_ms)
    with _opened(draft / DATABASES[MESSAGES]) as alias:
        renew_log(alias)
        rewind_groups(alias, finished=manifest.finished)


def keys_of(folder: Path) -> list[Path]:
    """The keys that the first start made."""
    return sorted(path for pattern in KEYS for path in folder.glob(pattern))


def databases_of(folder: Path) -> list[Path]:
    """The files of the databases, those that SQLite keeps beside them too."""
    names = [name + suffix for name in DATABASES.values() for suffix in ("", "-wal", "-shm", "-journal")]
    return [folder / name for name in names if (folder / name).exists()]


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    file = tar.extractfile(first) if first and first.name == MANIFEST and first.size <= MAX_MANIFEST else None
    if file is None:
        raise Invalid("it begins with no manifest: this is no backup of ours.")
    try:
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise Invalid(f"its manifest cannot be read ({error}).") from None
    if manifest.format != FORMAT:
        raise Invalid(f"its format is {manifest.format!r}, and this release reads {FORMAT!r}.")
    keys = {name for name in manifest.files if Path(name).match(KEYS[0]) or Path(name).match(KEYS[1])}
    if not set(DATABASES.values()) <= set(manifest.files) <= set(DATABASES.values()) | keys:
        raise Invalid("its manifest does not name both databases and keys: this is no backup of ours.")
    if any(Path(name).name != name for name in manifest.files):
        raise Invalid("its manifest names a path: this is no backup of ours.")
    return manifest


def _copy(source: IO[bytes] | None, target: Path) -> str:
    """Write a file that only its owner may read; answers its sum."""
    digest = hashlib.sha256()
    assert source is not None
    with open(target, "xb", opener=_private) as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


@contextmanager
def _opened(path: Path) -> Iterator[str]:
    """A database file under an alias of its own."""
    alias = f"restored-{path.stem}"
    connections.databases[alias] = {**connections.databases[DEFAULT_DB_ALIAS], "NAME": str(path)}
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]
