"""Nudges: who adds a chore never waits for the broker."""

import asyncio
import time

import pytest
import redis

from chatsite.celery import app
from chatsite.tasks import nudge
from tests.servers.proxy import Proxy
from tests.standard import through
from tests.world import in_time


async def test_a_broker_that_hangs_keeps_no_command_waiting(
    redis_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        monkeypatch.setattr(app.conf, "broker_url", through(proxy, redis_url))
        proxy.stall()
        start = time.monotonic()
        for _ in range(100):
            nudge()
        assert time.monotonic() - start < 10.0  # Each would wait for seconds.
        proxy.heal()
        async with in_time("a worker finds it"):
            while not (count := await asyncio.to_thread(client.llen, "celery")):
                pass
        assert count <= 2, "each was sent"
