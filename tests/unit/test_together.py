"""Reads that many ask for at once are done together, each after it was asked for."""

import asyncio
from collections.abc import Sequence

import pytest

from chatsite.kernel.together import Together

MOST = 10


class Slow:
    """Reads that end when they are let."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()

    async def read(self, keys: Sequence[int]) -> dict[int, int]:
        """The squares of keys, save of odd ones."""
        self.reads.append(list(keys))
        self.begun.set()
        await self.go_on.wait()
        if 13 in keys:
            raise OSError("nobody is there")
        return {key: key * key for key in keys if key % 2 == 0}


async def test_what_is_asked_for_during_a_read_is_read_in_the_next_one() -> None:
    slow = Slow()
    together = Together(slow.read, most=MOST)
    first = asyncio.create_task(together.ask([2, 3]))
    await slow.begun.wait()
    later = [asyncio.create_task(together.ask([key])) for key in (2, 4, 4, 5)]
    slow.go_on.set()
    assert await first == {2: 4}
    assert await asyncio.gather(*later) == [{2: 4}, {4: 16}, {4: 16}, {}]
    assert slow.reads == [[2, 3], [2, 4, 5]]


async def test_a_read_has_a_bound_and_many_keys_take_several() -> None:
    slow = Slow()
    slow.go_on.set()
    together = Together(slow.read, most=MOST)
    keys = list(range(0, 50, 2))
    assert await together.ask(keys) == {key: key * key for key in keys}
    assert [len(read) for read in slow.reads] == [10, 10, 5]


async def test_a_read_that_fails_is_told_to_those_who_asked_for_it_alone() -> None:
    slow = Slow()
    together = Together(slow.read, most=MOST)
    failing = [asyncio.create_task(together.ask([key])) for key in (12, 13)]
    await slow.begun.wait()
    good = asyncio.create_task(together.ask([2]))
    slow.go_on.set()
    for one in failing:
        with pytest.raises(OSError, match="nobody"):
            await one
    assert await good == {2: 4}


async def test_who_gives_up_takes_nobody_the_answer() -> None:
    slow = Slow()
    together = Together(slow.read, most=MOST)
    first, second = (asyncio.create_task(together.ask([key])) for key in (2, 4))
    await slow.begun.wait()
    first.cancel()
    slow.go_on.set()
    assert await second == {4: 16}


def test_a_loop_that_ended_over_a_read_leaves_nobody_waiting() -> None:
    async def make() -> Slow:
        return Slow()

    slow = asyncio.run(make())
    together = Together(slow.read, most=MOST)

    async def give_up() -> None:
        asking = asyncio.create_task(together.ask([2]))
        await slow.begun.wait()
        asking.cancel()

    async def ask() -> dict[int, int]:
        slow.go_on = asyncio.Event()
        slow.go_on.set()
        return await together.ask([4])

    asyncio.run(give_up())
    assert asyncio.run(ask()) == {4: 16}
