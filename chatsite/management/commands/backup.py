"""Writes a backup of the data folder, beside a running server too."""

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
from chatsite.management import backups


class Command(BaseCommand):
    """`manage.py backup`."""

    help = (
        "Writes both databases and the keys into one tar.gz, while the server runs."
        " It holds every secret of the installation: keep it as safe as the data folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, metavar="FILE", help="a new file, like chat.tar.gz")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it; the file appears only once it is whole."""
        target: Path = options["file"]
        if target.exists():
            raise CommandError(f"{target} is there already.")
        missing = [name for name in backups.DATABASES.values() if not (settings.DATA / name).exists()]
        if missing:
            raise CommandError(f"There is no {' and no '.join(missing)} in {settings.DATA}.")
        draft = None
        try:
            # Beside the target: there must be room for it there, and /tmp may be small.
            draft = Path(tempfile.mkdtemp(prefix=".backup-", dir=target.resolve().parent))
            manifest = backups.pack(settings.DATA, target, draft=draft, made_at=iso(now_ms()))
        except DomainError as error:
            raise CommandError(error.detail) from None
        except (OSError, DatabaseError) as error:
            raise CommandError(f"{target} was not written: {error}") from None
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)
        size = sum(file.size for file in manifest.files.values())
        self.stdout.write(f"{target}: {len(manifest.files)} files of {size:,} bytes, {target.stat().st_size:,} packed.")
