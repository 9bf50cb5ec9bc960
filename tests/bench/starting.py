"""Starting: how long `manage.py check` takes, beside that of a bare Django project."""

import time
from pathlib import Path
from statistics import median

from tests.bench.processes import run, wait_for_quiet
from tests.bench.table import Row

RUNS = 3
TARGET_SECONDS = 1.5
_BARE = """
import django
from django.conf import settings
from django.core.management import call_command
apps = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
templates = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}
settings.configure(
    INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[templates],
    STATIC_URL="static/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
call_command("check")
"""


def measure(folder: Path) -> list[Row]:
    """The row of starting."""
    wait_for_quiet()
    _seconds(folder, "manage.py", "check")  # The first one compiles what was edited.
    runs = [(_seconds(folder, "manage.py", "check"), _seconds(folder, "-c", _BARE)) for _ in range(RUNS)]
    ours, bare = (median(column) for column in zip(*runs, strict=True))
    return [
        Row(
            name="manage.py check",
            unit="s",
            ours=ours,
            baseline=bare,
            baseline_name="s bare Django",
            ratio=ours / bare,
            target=f"< {TARGET_SECONDS} s",
            met=ours < TARGET_SECONDS,
            runs=[run[0] for run in runs],
        )
    ]


def _seconds(folder: Path, *arguments: str) -> float:
    started = time.perf_counter()
    run(folder, *arguments)
    return time.perf_counter() - started
