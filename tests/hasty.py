"""Runs a management command whose people come and go fast: `python -m tests.hasty serve ...`.

What takes minutes of presence takes seconds here; nothing else is changed.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import django
from django.core.management import execute_from_command_line

from presence import policy
from tests.world import Device

TTL_SECONDS, GRACE_SECONDS, IDLE_SECONDS = 3.0, 0.8, 4.0
BEAT_SECONDS = 0.5


@asynccontextmanager
async def beating(device: Device, *, active: bool = True) -> AsyncIterator[Device]:
    """Let a device say all the time that it is there."""

    async def beat() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await device.ask("HEARTBEAT", active=active)
                await asyncio.sleep(BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield device
    finally:
        task.cancel()
        await asyncio.wait([task])


def shorten() -> None:
    """Shorten what others wait for, before a store is made of it."""
    policy.TTL_MS, policy.GRACE_MS, policy.IDLE_MS, policy.STALL_MS = (
        int(seconds * 1_000) for seconds in (TTL_SECONDS, GRACE_SECONDS, IDLE_SECONDS, TTL_SECONDS / 2)
    )
    from presence import guests, pacing, tracker  # noqa: PLC0415 - they need Django

    tracker.TURN_SECONDS, tracker.BEAT_SECONDS, tracker.JUDGE_SECONDS, tracker.SEEN_SECONDS = 0.1, 0.2, 0.2, 0.2
    pacing.FIRST_HOLD = guests.TURN_SECONDS = 0.1


if __name__ == "__main__":
    django.setup()
    shorten()
    execute_from_command_line(["manage.py", *sys.argv[1:]])
