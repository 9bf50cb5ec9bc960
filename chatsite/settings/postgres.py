"""How an address of PostgreSQL becomes one of Django's databases."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# A machine that is gone says nothing: it is noticed in 10 s, where the kernel alone would wait a quarter of an hour.
GONE = {
    "connect_timeout": "5",  # seconds
    "tcp_user_timeout": "10000",  # milliseconds until what was sent must be confirmed
    "keepalives_idle": "5",  # seconds; a connection that only listens asks
    "keepalives_interval": "2",
    "keepalives_count": "3",
}


def postgres(url: str, *, schema: str, pool: int | None) -> dict[str, Any]:
    """A database of an address, in one of its schemas; the address's query goes to libpq.

    Requests take their connections from a pool of so many; without one each thread
    keeps its own.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
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
            **GONE,
            **query,
            "options": f"{query.get('options', '')} -c search_path={schema}".lstrip(),
            **({"pool": {"min_size": 1, "max_size": pool, "timeout": 5}} if pool else {}),
        },
    }
