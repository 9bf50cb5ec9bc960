"""Counting what a piece of work asks of the databases, in whatever thread of this process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock

from django.db.backends.utils import CursorWrapper

LEASE = "worker-lease"  # renews the process's worker number every few seconds, whatever is asked meanwhile


class Statement(NamedTuple):
    """One statement, and who executed it where."""

    database: str
    thread: str
    sql: str


@contextmanager
def counted() -> Iterator[list[Statement]]:
    """Every statement that any thread executes meanwhile: each connection's cursor is this class of Django's."""
    found: list[Statement] = []

    def noting(execute: Callable[..., Any]) -> Callable[..., Any]:
        def note(cursor: CursorWrapper, sql: str, *args: Any, **kwargs: Any) -> Any:
            thread = threading.current_thread().name
            if thread != LEASE:
                found.append(Statement(cursor.db.alias, thread, sql))
            return execute(cursor, sql, *args, **kwargs)

        return note

    with ExitStack() as stack:
        for name in ("execute", "executemany"):
            noted = noting(getattr(CursorWrapper, name))
            stack.enter_context(mock.patch.object(CursorWrapper, name, noted))
        yield found
