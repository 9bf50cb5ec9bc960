"""Who comes in and goes, and when: a storm of handshakes, or a cut, leaves the others their turns."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from chatsite.gateway.admission import AT_ONCE, MAX_WAITING, Line
from chatsite.gateway.server.websocket import CLOSED_AT_ONCE, Ended
from chatsite.kernel.errors import RateLimited
from tests.world import ANSWER_SECONDS

STORM = 20 * AT_ONCE


async def test_a_storm_comes_in_few_at_a_time_and_in_order() -> None:
    line, came = Line(), list[int | str]()
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def turn() -> None:
        came.append("turn")
        if not done.is_set():
            loop.call_soon(turn)

    async def come(number: int) -> None:
        await line.turn()
        came.append(number)

    turn()
    await asyncio.gather(*[come(number) for number in range(STORM)])
    done.set()
    assert [one for one in came if one != "turn"] == list(range(STORM))
    together = "".join("t" if one == "turn" else "c" for one in came).split("t")
    assert max(map(len, together)) <= AT_ONCE
    assert len(together) >= STORM // AT_ONCE


async def test_who_comes_alone_waits_for_nobody() -> None:
    line = Line()
    turns = line.turn()
    with pytest.raises(StopIteration):  # It ends without waiting for anything.
        turns.send(None)


async def test_too_many_that_wait_are_told_to_come_again() -> None:
    line = Line()
    waiting = [asyncio.create_task(line.turn()) for _ in range(AT_ONCE + MAX_WAITING + 1)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    refused = [one for one in outcomes if one is not None]
    assert len(refused) == 1
    assert isinstance(refused[0], RateLimited)
    assert refused[0].retry_after_ms


async def test_who_gives_up_takes_nobody_their_turn() -> None:
    line = Line()
    waiting = [asyncio.create_task(line.turn()) for _ in range(3 * AT_ONCE)]
    for one in waiting[AT_ONCE : 2 * AT_ONCE]:
        one.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(one is None for one in outcomes) == 2 * AT_ONCE


def test_a_loop_that_ended_leaves_no_line_behind() -> None:
    line = Line()

    async def storm() -> None:
        tasks = [asyncio.create_task(line.turn()) for _ in range(2 * AT_ONCE)]
        await tasks[0]
        for task in tasks[1:]:
            task.cancel()

    async def calm() -> None:
        await asyncio.gather(*[line.turn() for _ in range(2 * AT_ONCE)])

    asyncio.run(storm())
    asyncio.run(calm())


class Socket(asyncio.Transport):
    """Says when it is closed."""

    def __init__(self, said: Callable[[], None]) -> None:
        super().__init__()
        self.close = said  # type: ignore[method-assign]


async def test_sockets_that_are_cut_at_once_are_closed_few_at_a_time_and_in_order() -> None:
    ended, closed = Ended(), list[int | str]()
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def turn() -> None:
        closed.append("turn")
        if not done.is_set():
            loop.call_soon(turn)

    turn()
    for number in range(STORM):
        ended.close_soon(Socket(partial(closed.append, number)))
    ended.close_soon(Socket(done.set))
    await done.wait()
    assert [one for one in closed if one != "turn"] == list(range(STORM))
    together = "".join("t" if one == "turn" else "c" for one in closed).split("t")
    assert max(map(len, together)) <= CLOSED_AT_ONCE


def test_sockets_of_a_loop_that_ended_keep_none_of_the_next_open() -> None:
    ended = Ended()

    async def cut() -> None:
        for _ in range(1_000):  # A loop that ends takes some turns more.
            ended.close_soon(Socket(lambda: None))

    async def close() -> None:
        done = asyncio.Event()
        ended.close_soon(Socket(done.set))
        async with asyncio.timeout(ANSWER_SECONDS):
            await done.wait()

    asyncio.run(cut())
    asyncio.run(close())
