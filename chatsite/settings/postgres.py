"""How an address of PostgreSQL becomes one of Django's databases."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def postgres(url: str, *, schema: str, pool: int | None) -> dict[str, Any]:
    """A database of an address, in one of its schemas; the address's query goes to libpq.

    Requests take their connections from a pool of so many; without one each thread
    keeps its own.
    """
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0 if pool else None,
        "OPTIONS": {
            "connect_timeout": "5",  # seconds; a machine that is gone answers nothing at all
            **dict(parse_qsl(parts.query)),
            "options": f"-c search_path={schema}",
            **({"pool": {"min_size": 1, "max_size": pool, "timeout": 5}} if pool else {}),
        },
    }
