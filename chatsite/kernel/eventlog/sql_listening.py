"""Hears from PostgreSQL that another process appended to a log."""

import logging
import threading
from collections.abc import Callable

from django.db import connections
from django.db.utils import Error

logger = logging.getLogger(__name__)
TURN_SECONDS = 0.5  # how soon a stop is noticed
AGAIN_SECONDS = 0.5  # between tries to reach a database that is away


class Listener:
    """A thread with a connection of its own that calls `wake` for each NOTIFY on a channel."""

    def __init__(self, alias: str, channel: str, wake: Callable[[], None]) -> None:
        self._alias, self._channel, self._wake = alias, channel, wake
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, once."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name=f"listen-{self._alias}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        connection = connections[self._alias]
        while not self._stopping.is_set():
            try:
                self._listen()
            except Error as error:
                logger.warning("news of %s are not heard for now: %s", self._alias, error)
                self._stopping.wait(AGAIN_SECONDS)
            connection.close()

    def _listen(self) -> None:
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            cursor.execute(f'LISTEN "{self._channel}"')
        self._wake()  # Something may have come while nobody listened.
        while not self._stopping.is_set():
            with connection.wrap_database_errors:
                for _ in connection.connection.notifies(timeout=TURN_SECONDS, stop_after=1):
                    self._wake()
