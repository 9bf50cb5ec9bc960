"""PostgreSQL restarted and killed, in the shapes that have one."""

import asyncio

from tests.faults.conftest import IN_BOTH_SHAPES
from tests.faults.stacks import Stack
from tests.faults.talk import Talk

pytestmark = IN_BOTH_SHAPES


async def test_postgres_is_restarted_and_killed(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        await asyncio.to_thread(stack.postgres.restart)
        await talk.acks(50)
        await asyncio.to_thread(stack.postgres.kill)
        await asyncio.to_thread(stack.postgres.start)
        # Longer than a worker number holds that nobody renews.
        await talk.goes_on_for(12)
        await talk.acks(50)
        await talk.agrees()
