"""The one gate in front of every password hash."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chatsite.kernel.errors import RateLimited

# Argon2 takes 100 MB and a core for each password on purpose: a crowd at the door must not take them all.
HASHING_AT_ONCE = 2
HASHING_SECONDS = 5.0
_gate = threading.BoundedSemaphore(HASHING_AT_ONCE)


@contextmanager
def hashing() -> Iterator[None]:
    """Hash or check a password in here; RateLimited when too many do."""
    if not _gate.acquire(timeout=HASHING_SECONDS):
        raise RateLimited("Too many people sign in at once.", retry_after_ms=1_000)
    try:
        yield
    finally:
        _gate.release()
