"""What one database of a Redis is asked; its own counts are of all databases, which tests share out."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

END = "that was all"


@contextmanager
def listening(url: str) -> Iterator["Asked"]:
    """Hear every command to the database of a URL, but for those of its scripts."""
    with redis.Redis.from_url(url, decode_responses=True) as client, client.monitor() as monitor:
        asked = Asked(client, monitor, url.rpartition("/")[2])
        asked.names()  # Its own connection has greeted.
        yield asked


class Asked:
    """The commands that came since it was last asked for them."""

    def __init__(self, client: "redis.Redis", monitor: "redis.client.Monitor", database: str) -> None:
        self._client, self._monitor, self._database = client, monitor, database

    def names(self) -> list[str]:
        """Their names, in order."""
        self._client.echo(END)
        found: list[str] = []
        for heard in iter(self._monitor.next_command, None):
            if heard["client_type"] == "lua" or str(heard["db"]) != self._database:
                continue
            if heard["command"] == f"ECHO {END}":
                break
            found.append(heard["command"].split(" ", 1)[0].upper())
        return found
