"""A new installation of the shape standard: a database and Redis keys that nobody else uses."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import redis

from tests.servers import address
from tests.servers.proxy import Proxy

REDIS_DATABASES = range(3_000, 3_100)  # of the 4,096; others take from the rest


@contextmanager
def new_installation() -> Iterator[dict[str, str]]:
    """The variables that name it."""
    name = f"ops_{secrets.token_hex(6)}"
    with psycopg.connect(address("postgres"), autocommit=True) as postgres:
        postgres.execute(f'CREATE DATABASE "{name}"')
        url = f"{address('redis')}/{secrets.choice(REDIS_DATABASES)}"
        try:
            yield {
                "CHAT_SHAPE": "standard",
                "CHAT_DATABASE_URL": urlsplit(address("postgres"))._replace(path=f"/{name}").geturl(),
                "CHAT_REDIS_URL": url,
            }
        finally:
            postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            with redis.Redis.from_url(url) as client:
                client.flushdb()


def through(proxy: Proxy, url: str) -> str:
    """An address that leads through a proxy."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{proxy.address}").geturl()


def proxy_of(url: str) -> Proxy:
    """A proxy in front of a server."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return Proxy(parts.hostname, parts.port)
