"""Appends at a steady pace while something happens to the log, and what became of each."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self

from chatsite.kernel.eventlog import Appended, EventLog
from chatsite.kernel.events import Record
from tests.contract.conftest import fact

KEYS = 5
PACE_SECONDS = 0.01  # between two appends: 100 a second, 20 of a key
PATIENCE = 60.0  # seconds


@dataclass(eq=False)
class Sent:
    """One append; `answered` is the moment of its answer, 0.0 until then."""

    key: str
    number: int
    at: float
    answer: asyncio.Future[Appended]
    answered: float = 0.0

    @property
    def acked(self) -> bool:
        """Whether it is durable, as its sender was told."""
        return self.answer.done() and self.answer.exception() is None

    def note(self, answer: asyncio.Future[Appended]) -> None:
        """It is answered now."""
        self.answered = time.monotonic()
        answer.exception()  # A refused one is looked at later, or never.

    @property
    def seconds(self) -> float:
        """How long its answer took."""
        return self.answered - self.at


class Appends:
    """Appends until the end of the block, then waits for every answer."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.sent: list[Sent] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._append())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([one.answer for one in self.sent], timeout=PATIENCE)

    async def goes_on_for(self, seconds: float) -> None:
        """Let the present state last."""
        await asyncio.sleep(seconds)

    async def acks(self, count: int) -> None:
        """Wait until so many more are acked; AssertionError when they are not."""
        wanted = sum(one.acked for one in self.sent) + count
        async with asyncio.timeout(PATIENCE):
            while sum(one.acked for one in self.sent) < wanted:
                await asyncio.sleep(PACE_SECONDS)

    def since(self, moment: float) -> list[Sent]:
        """What was appended from a moment on."""
        return [one for one in self.sent if one.at >= moment]

    async def _append(self) -> None:
        number = 0
        while True:
            key = f"k{number % KEYS}"
            one = Sent(key, number, time.monotonic(), self._log.append(fact(key, value=b"%d" % number)))
            one.answer.add_done_callback(one.note)
            self.sent.append(one)
            number += 1
            await asyncio.sleep(PACE_SECONDS)

    def require_kept(self, records: list[Record]) -> None:
        """Every acked record is there, and each key's stand in the order of the calls, none twice."""
        found = {int(record.value) for record in records}
        assert [one for one in self.sent if one.acked and one.number not in found] == []
        for key in {one.key for one in self.sent}:
            numbers = [int(record.value) for record in records if record.key == key]
            assert numbers == sorted(set(numbers))
