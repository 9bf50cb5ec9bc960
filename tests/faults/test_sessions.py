"""The places that a person's connections take, when a server that has some of them ends."""

import asyncio

import pytest

from tests.faults.stacks import Stack
from tests.world import World, in_time

pytestmark = [
    pytest.mark.stack,
    pytest.mark.parametrize("system", ["standard"], indirect=True, scope="session"),
]
EACH = 5  # connections of one person to each of the two servers: more they may not have


async def take_all_places(world: World, stack: Stack) -> None:
    """Connect one person as often as they may, to both servers."""
    for part in stack.serving:
        with stack.through(part):
            for _ in range(EACH):
                await world.let_in("fay")
    # Where Redis was away a moment ago, a server tells with its next beat whom it let in meanwhile.
    async with in_time("all places are known to be taken"):
        while (one_more := await world.knock("fay")).frames[0]["type"] == "READY":
            await one_more.close()


async def gets_in(world: World) -> bool:
    """Whether there is a place for one connection more."""
    return bool((await world.knock("fay")).frames[0]["type"] == "READY")


async def test_a_server_that_stops_gives_places_back_at_once(stack: Stack) -> None:
    async with World(stack) as world:
        await take_all_places(world, stack)
        await asyncio.to_thread(stack.serving[0].stop)
        assert [await gets_in(world) for _ in range(EACH + 1)] == [True] * EACH + [False]


async def test_a_server_that_is_killed_gives_places_back_with_its_lease(stack: Stack) -> None:
    async with World(stack) as world:
        await take_all_places(world, stack)
        await asyncio.to_thread(stack.serving[0].kill)
        assert not await gets_in(world)
        for _ in range(EACH):
            await world.let_in("fay")
        assert not await gets_in(world)
