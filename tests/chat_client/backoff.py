"""How long to wait before a try is repeated. Pure."""

from collections.abc import Callable

FIRST_MS = 1_000
LONGEST_MS = 60_000


def full_jitter(attempt: int, random: Callable[[], float]) -> float:
    """The wait in ms before try `attempt` (from 0): evenly spread over 0 to 1, 2, 4 .. 60 s."""
    return float(random() * min(LONGEST_MS, FIRST_MS * 2 ** min(attempt, 16)))
