"""What waits while Kafka is away, and when nothing may wait any more. Pure."""

from collections import deque
from typing import Generic, Protocol, TypeVar

EVICTED_AT_ONCE = 0.1  # of what waits: one pass over it makes room for many


class Waiting(Protocol):
    """Something on its way to the log; `since` is in monotonic seconds."""

    key: str
    size: int
    since: float


W = TypeVar("W", bound=Waiting)


class OutageBuffer(Generic[W]):
    """Records that wait their turn, oldest first: bounded in count, bytes and age.

    What has to go is the oldest, and with it whatever of the same keys is behind,
    so that nothing of a key overtakes what was refused. At most `window` records
    are handed on without having landed.
    """

    def __init__(self, *, count: int, octets: int, seconds: float, window: int) -> None:
        self.count, self.octets, self.seconds, self.window = count, octets, seconds, window
        self.flying = 0
        self._waiting: deque[W] = deque()
        self._held = 0  # bytes

    def __len__(self) -> int:
        return len(self._waiting)

    def passes(self) -> bool:
        """Whether a record may go at once, since none waits; it counts as taken then."""
        if self._waiting or self.flying >= self.window:
            return False
        self.flying += 1
        return True

    def put(self, item: W) -> list[W]:
        """Add a record; answers what had to go for it, itself perhaps."""
        self._waiting.append(item)
        self._held += item.size
        if len(self._waiting) <= self.count and self._held <= self.octets:
            return []
        over, number = self._held - self.octets, 0
        for old in self._waiting:
            if number >= max(1, int(self.count * EVICTED_AT_ONCE)) and over <= 0:
                break
            number, over = number + 1, over - old.size
        return self._evict(number)

    def take(self) -> list[W]:
        """The records whose turn it is."""
        if not self._waiting:
            return []
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), self.window - self.flying))]
        self._held -= sum(item.size for item in taken)
        self.flying += len(taken)
        return taken

    def landed(self) -> None:
        """One that was taken is durable, or has failed."""
        self.flying -= 1

    def expired(self, *, now: float) -> list[W]:
        """Let go of what has waited too long, and of what is behind it."""
        number = 0
        for item in self._waiting:
            if now - item.since < self.seconds:
                break
            number += 1
        return self._evict(number)

    def behind(self, keys: set[str]) -> list[W]:
        """Let go of what waits behind a failed record of its key."""
        return self._without(keys) if keys else []

    def _evict(self, number: int) -> list[W]:
        return self._without({self._waiting[index].key for index in range(number)}) if number else []

    def _without(self, keys: set[str]) -> list[W]:
        gone = [item for item in self._waiting if item.key in keys]
        if gone:
            self._waiting = deque(item for item in self._waiting if item.key not in keys)
            self._held -= sum(item.size for item in gone)
        return gone


class Breaker:
    """Refuses at once after `failures` in a row; then one at a time may try, every `pause` seconds."""

    def __init__(self, *, failures: int, pause: float) -> None:
        self._limit, self._pause = failures, pause
        self._failures = 0
        self._next = 0.0

    @property
    def is_open(self) -> bool:
        """Whether callers are refused."""
        return self._failures >= self._limit

    def lets(self, *, now: float) -> bool:
        """Whether a caller may try."""
        if not self.is_open:
            return True
        if now < self._next:
            return False
        self._next = now + self._pause
        return True

    def failed(self, *, now: float) -> None:
        """One more has failed."""
        self._failures += 1
        self._next = now + self._pause

    def worked(self) -> None:
        """One got through: everybody may."""
        self._failures = 0
