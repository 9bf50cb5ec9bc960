"""The servers that tests run on: PostgreSQL, Redis, Kafka, Cassandra.

`python -m tests.servers -- COMMAND` starts those that no variable names, exports
their addresses and runs the command.
"""

import os

NAMES = ("postgres", "redis", "kafka", "cassandra")


class NoServer(LookupError):
    """A test needs a server that nobody named."""


def variable(name: str) -> str:
    """The environment variable that names a server."""
    return f"CHAT_TEST_{name.upper()}"


def address(name: str) -> str:
    """The address of one of NAMES, as its variable says; NoServer where none does."""
    if found := os.environ.get(variable(name)):
        return found
    raise NoServer(
        f"{variable(name)} names no server: set it, or run `python -m tests.servers --only {name} -- pytest ...`,"
        " which starts one (`make test` does)."
    )
