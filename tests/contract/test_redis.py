"""What the adapters' connection to Redis promises: one word an outage, and an order."""

import asyncio

import pytest

from chatsite.kernel import redis as redis_module
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.redis import ERA, Redis, script
from tests.servers.proxy import Proxy
from tests.servers.redis import Redis as Node
from tests.standard import through

ERA_NOW = script(ERA + "return era()")
SICK = script("return redis.error_reply('MISCONF the disk is full')")


async def test_an_outage_is_said_once_and_the_next_one_again(
    redis_url: str, proxy: Proxy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_module, "PAUSE_SECONDS", 0.0)  # Each who asks finds out.
    redis = Redis(through(proxy, redis_url))
    for outages in (1, 2):
        proxy.cut()
        for _ in range(3):
            with pytest.raises(Unavailable):
                await redis.ask("PING")
        assert caplog.text.count("Redis does not answer") == outages
        proxy.heal()
        assert await redis.ask("PING") == b"PONG"


async def test_a_redis_that_serves_nobody_is_said_once(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    redis = Redis(redis_url)
    for answer in await asyncio.gather(*[redis.run(SICK, keys=[], args=[]) for _ in range(3)], return_exceptions=True):
        assert isinstance(answer, Unavailable)
    assert caplog.text.count("the disk is full") == 1


async def test_what_is_told_comes_before_what_is_asked_later(redis_url: str) -> None:
    redis = Redis(redis_url)
    redis.tell("SET", "k", "told")
    redis.tell("NO SUCH COMMAND")
    assert await redis.ask("GET", "k") == b"told"


async def test_what_is_told_while_redis_is_away_is_lost_in_silence(redis_url: str, proxy: Proxy) -> None:
    redis = Redis(through(proxy, redis_url))
    proxy.cut()
    with pytest.raises(Unavailable):
        await redis.ask("PING")
    redis.tell("SET", "k", "told")
    proxy.heal()
    assert await Redis(redis_url).ask("GET", "k") is None


async def test_an_era_ends_with_a_restart_or_a_failover_and_not_with_a_first_replica() -> None:
    with Node() as master, Node() as replica:
        led, following = Redis(f"{master.address}/0"), Redis(f"{replica.address}/0")
        first = await led.run(ERA_NOW, keys=[], args=[])
        await asyncio.to_thread(replica.follow, master)
        assert await led.run(ERA_NOW, keys=[], args=[]) == first
        await asyncio.to_thread(replica.promote)
        assert await following.run(ERA_NOW, keys=[], args=[]) != first
        await asyncio.to_thread(master.follow, replica)  # What it had before is gone from it.
        await asyncio.to_thread(master.promote)
        again = await led.run(ERA_NOW, keys=[], args=[])
        assert again != first
        await asyncio.to_thread(master.restart)
        assert await Redis(f"{master.address}/0").run(ERA_NOW, keys=[], args=[]) not in (first, again)
