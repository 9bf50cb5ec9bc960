"""Redis frozen, emptied, and failed over to a replica that lags, in the shapes that have one."""

import asyncio

from tests.faults.conftest import IN_BOTH_SHAPES
from tests.faults.stacks import Stack
from tests.faults.talk import Talk

pytestmark = IN_BOTH_SHAPES


async def test_redis_is_frozen_for_five_seconds(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        stack.redis.master.pause()
        await talk.goes_on_for(5)
        stack.redis.master.resume()
        await talk.acks(50)
        await talk.agrees()


async def test_redis_comes_back_empty(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        await asyncio.to_thread(stack.redis.master.kill)
        await talk.goes_on_for(2)
        await asyncio.to_thread(stack.redis.master.start)
        await talk.until(talk.all_reload, story="all reload")
        await talk.acks(50)
        await talk.agrees(resyncs=1)


async def test_redis_fails_over_to_a_replica_that_lags(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        stack.redis.lag()
        await talk.acks(50)
        await asyncio.to_thread(stack.redis.fail_over)
        await talk.until(talk.all_reload, story="all reload")
        await talk.acks(50)
        await talk.agrees(resyncs=1)
    await asyncio.to_thread(stack.redis.fail_back)
