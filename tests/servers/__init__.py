"""The real servers that the tests run on: where they are, and how they are started."""

import os


def address(name: str) -> str:
    """Where a server is, as the variable CHAT_TEST_<name> says; the test fails where nobody has said."""
    variable = f"CHAT_TEST_{name.upper()}"
    if not (found := os.environ.get(variable)):
        raise RuntimeError(f"{variable} names no server: run `make test`, or python -m tests.servers -- COMMAND.")
    return found
