"""Waiting for something that another process does."""

import time
from collections.abc import Callable

STEP_SECONDS = 0.02


def wait_until(done: Callable[[], bool], *, seconds: float, story: str) -> None:
    """Ask again and again until it is so; TimeoutError tells the story."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{story}: not within {seconds:.0f} s")
        time.sleep(STEP_SECONDS)
