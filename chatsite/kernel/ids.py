"""Message ids and versions: a Snowflake with a hybrid logical clock. Pure.

    id      = (ms since 2024-01-01T00:00:00Z) << 22 | worker << 12 | sequence
              41 bits of time (to 2093), 10 of worker, 12 of sequence
    bucket  = ms // 864_000_000, ten days, a pure function of the id
    version = microseconds since 1970 of the same clock

Times before 2024 give negative ids; order and floor-divided buckets still hold.
"""

from typing import NewType
from uuid import UUID
from zlib import crc32

from chatsite.kernel.errors import Invalid, Unavailable

ChatId = NewType("ChatId", UUID)
UserId = NewType("UserId", UUID)
MessageId = NewType("MessageId", int)

EPOCH_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
BUCKET_MS = 864_000_000  # ten days: a chat of 5,000 messages a day stays under 100 MB a bucket
WORKER_BITS, SEQUENCE_BITS = 10, 12
SERVE_WORKER = 0  # `serve` of the embedded shape; commands beside it lease 1-959
LEASED_WORKERS = range(1, 960)
IMPORT_WORKERS = range(960, 1024)  # never leased: what an import makes depends on its source alone
MIN_ID, MAX_ID = -(1 << 63), (1 << 63) - 1
MAX_AHEAD_MS = 5_000  # a foreign id further ahead than this is not adopted
MAX_STEP_BACK_MS = 1_000  # a larger backward step of the wall clock is refused
_SEQUENCES = 1 << SEQUENCE_BITS


def make_id(ms: int, worker: int, sequence: int) -> MessageId:
    """The id of a moment, in ms since 2024, with its worker and sequence."""
    return MessageId(ms << (WORKER_BITS + SEQUENCE_BITS) | worker << SEQUENCE_BITS | sequence)


def ms_of(message_id: int) -> int:
    """The moment of an id, in ms since 2024; negative before."""
    return message_id >> (WORKER_BITS + SEQUENCE_BITS)


def unix_ms_of(message_id: int) -> int:
    """The moment of an id, in ms since 1970."""
    return ms_of(message_id) + EPOCH_MS


def version_of(message_id: int) -> int:
    """The version of a `sent`: its id's time in microseconds since 1970."""
    return unix_ms_of(message_id) * 1_000


def bucket_of(message_id: int) -> int:
    """The ten-day bucket that holds an id."""
    return ms_of(message_id) // BUCKET_MS


def id_at(unix_ms: int) -> MessageId:
    """The lowest id of a moment, clamped to 64 bits: the cursor for "from this time on"."""
    return MessageId(max(MIN_ID, min(MAX_ID, (unix_ms - EPOCH_MS) << (WORKER_BITS + SEQUENCE_BITS))))


def read_id(text: str, field: str) -> MessageId:
    """A message id from outside; Invalid names the field that is no decimal of 64 bits."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 19 and MIN_ID <= int(text) <= MAX_ID:
        return MessageId(int(text))
    raise Invalid("expected a message id, a decimal of 64 bits.", field=field)


class SourceIds:
    """The ids of what one source held before it came here: the same source, the same ids.

        ((second * 1000 + (number >> 12) % 1000) << 22) | worker << 12 | number & 4095

    They rise with the numbers: the second never falls within a source, and moves on where
    the numbers of one second are used up.
    """

    def __init__(self, source: str) -> None:
        self._worker = IMPORT_WORKERS[crc32(source.encode()) % len(IMPORT_WORKERS)]
        self._second: int | None = None
        self._round = 0

    def id_of(self, number: int, *, second: int) -> MessageId:
        """The id of a line or foreign number, above those before it; `second` is Unix time."""
        high, sequence = divmod(number, _SEQUENCES)
        rounds, ms = divmod(high, 1_000)
        if self._second is not None:
            second = max(second, self._second + (rounds > self._round))
        self._second, self._round = second, rounds
        return make_id(second * 1_000 + ms - EPOCH_MS, self._worker, sequence)


class Clock:
    """Mints ids and versions that never fall, in this process and after what it saw.

    While the wall clock is up to 1 s behind its highest reading, minting goes on
    from the highest moment, so nobody waits; further behind it raises
    Unavailable(clock_skew) until the step is made up.
    `now_ms` is always an argument: Unix milliseconds.
    """

    def __init__(self, worker: int, *, above: int = MIN_ID) -> None:
        self.worker = worker
        self._last = above  # the highest id minted or adopted
        self._ms = ms_of(above)  # its moment, ms since 2024
        self._sequence = _SEQUENCES - 1  # full: the next id starts at a later moment
        self._wall = MIN_ID  # the highest reading of the wall clock
        self._version = 0

    def go_on_as(self, worker: int) -> None:
        """Mint under another number from the next moment on: its last holder may have used this one."""
        self.worker, self._sequence = worker, _SEQUENCES - 1

    def see(self, message_id: int, *, now_ms: int) -> None:
        """Go on above a foreign id, unless it lies more than 5 s ahead."""
        if self._last < message_id and ms_of(message_id) <= now_ms - EPOCH_MS + MAX_AHEAD_MS:
            self._last, self._ms, self._sequence = message_id, ms_of(message_id), _SEQUENCES - 1

    def mint(self, *, now_ms: int) -> MessageId:
        """An id above all minted and seen before; Unavailable when the clock stepped back."""
        now = self._checked(now_ms)
        if now > self._ms:
            self._ms, self._sequence = now, 0
        elif self._sequence + 1 < _SEQUENCES:
            self._sequence += 1
        else:
            self._ms, self._sequence = self._ms + 1, 0
        self._last = make_id(self._ms, self.worker, self._sequence)
        return self._last

    def version(self, *, now_us: int) -> int:
        """A version, in microseconds since 1970, above every earlier one and every minted id."""
        self._checked(now_us // 1_000)
        self._version = max(now_us, self._version + 1, (self._ms + EPOCH_MS) * 1_000 + 1)
        return self._version

    @property
    def minted_up_to(self) -> int:
        """The highest moment used so far, in ms since 1970."""
        return self._ms + EPOCH_MS

    def _checked(self, now_ms: int) -> int:
        now = now_ms - EPOCH_MS
        if now < self._wall - MAX_STEP_BACK_MS:
            raise Unavailable(code="clock_skew", retry_after_ms=1_000)
        self._wall = max(self._wall, now)
        return now
