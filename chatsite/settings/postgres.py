"""How an address of PostgreSQL becomes one of Django's databases."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def postgres(url: str, *, schema: str, connections: int) -> dict[str, Any]:
    """A database of an address, in one of its schemas; the address's query goes to libpq."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **dict(parse_qsl(parts.query)),
            "options": f"-c search_path={schema}",
            "pool": {"min_size": 1, "max_size": connections, "timeout": 5},
        },
    }
