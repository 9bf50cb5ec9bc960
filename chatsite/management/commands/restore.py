"""Puts a backup in the place of the data folder's files."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chatsite.kernel.clock import now_ms
from chatsite.kernel.errors import DomainError
from chatsite.kernel.events import iso
from chatsite.kernel.lock import FolderLock, FolderTaken
from chatsite.management import backups


class Command(BaseCommand):
    """`manage.py restore`."""

    help = (
        "Puts the databases and keys of a backup into the data folder, with no server running."
        " What was written after the backup is lost; clients reload what they hold."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Which backup, and whether the folder may hold something."""
        parser.add_argument("file", type=Path, metavar="FILE", help="what `manage.py backup` wrote")
        parser.add_argument("--force", action="store_true", help="move aside what the data folder holds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify everything first; the folder changes only once the backup is whole and ready."""
        folder, backup = settings.DATA, options["file"]
        try:
            with FolderLock(folder):
                if backups.databases_of(folder) and not options["force"]:
                    raise CommandError(f"{folder} holds databases; --force moves them aside.")
                made_at = self._restore(folder, backup)
        except FolderTaken as error:
            raise CommandError(str(error)) from None
        except DomainError as error:
            raise CommandError(f"{backup}: {error.detail}") from None
        except (OSError, DatabaseError) as error:
            raise CommandError(f"{backup} was not restored: {error}") from None
        self.stdout.write(f"{folder} is as it was at {made_at}.")
        self.stdout.write("Run: manage.py migrate_all && manage.py serve")

    def _restore(self, folder: Path, backup: Path) -> str:
        # In the folder itself, so that what is ready is moved within one file system.
        draft = Path(tempfile.mkdtemp(prefix=".restore-", dir=folder))
        try:
            manifest = backups.unpack(backup, draft)
            backups.renew(draft, manifest, now_ms=now_ms())
            # Keys alone are those that this very command made to start.
            if old := backups.databases_of(folder) and [*backups.databases_of(folder), *backups.keys_of(folder)]:
                aside = folder / f"replaced-{iso(now_ms()).replace(':', '')}"
                aside.mkdir(mode=0o700)
                for path in old:
                    path.rename(aside / path.name)
                self.stdout.write(f"What was there is in {aside}.")
            for name in manifest.files:
                (draft / name).rename(folder / name)
            _sync(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return manifest.made_at


def _sync(folder: Path) -> None:
    """Let the renames outlive a power cut."""
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
