"""What a process says of itself while servers behind it are away."""

from pathlib import Path
from typing import Any

from tests.servers.proxy import Proxy
from tests.standard import proxy_of, through
from tests.world import Server, World

READY = "/health/ready"


def away(*names: str) -> Any:
    """Whether an answer names exactly these."""
    return lambda body: set(body["wrong"]) == set(names)


async def test_readiness_names_what_is_away_and_liveness_asks_nobody(
    installation: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    with proxy_of(installation["CHAT_DATABASE_URL"]) as postgres, proxy_of(installation["CHAT_REDIS_URL"]) as redis:
        environment = installation | {
            "CHAT_DATABASE_URL": through(postgres, installation["CHAT_DATABASE_URL"]),
            "CHAT_REDIS_URL": through(redis, installation["CHAT_REDIS_URL"]),
        }
        server = Server(folder, tmp_path / "served", environment=environment)
        server.start()
        try:
            async with World(server) as world:
                await world.until(None, READY, lambda body: body == {"status": "ready", "wrong": {}})
                await one_by_one(world, postgres, redis)
        finally:
            server.kill()


async def one_by_one(world: World, postgres: Proxy, redis: Proxy) -> None:
    """Take each away and bring it back, then all."""
    redis.cut()
    await world.until(None, READY, away("stream", "layer"), status=503)
    redis.heal()
    await world.until(None, READY, away())
    assert await lag_is_told(world)
    postgres.stall()  # Nothing answers and nothing refuses: the worst of both.
    stalled = await world.rest(None, "GET", READY)
    assert {"database", "log", "store"} <= set(stalled.body["wrong"])
    assert not await lag_is_told(world)
    redis.cut()
    assert (await world.rest(None, "GET", "/health/live")).body == {"status": "live"}
    postgres.reset()
    postgres.heal()
    redis.heal()
    await world.until(None, READY, away())


async def lag_is_told(world: World) -> bool:
    """Whether the lag of groups is among what is measured; the rest is, whatever is away."""
    measured = await world.rest(None, "GET", "/metrics")
    assert measured.status == 200
    assert "chat_ws_active_sessions" in str(measured.body)
    return "chat_consumer_lag{" in str(measured.body)


async def test_a_clock_that_is_off_is_not_ready(installation: dict[str, str], folder: Path, tmp_path: Path) -> None:
    server = Server(folder, tmp_path / "served", environment=installation, bug="clock_behind")
    server.start()
    try:
        async with World(server) as world:
            answer = await world.rest(None, "GET", READY)
            assert answer.status == 503
            assert answer.body["wrong"] == {"clock": "This machine's clock and the database's differ by more than 1 s."}
            assert "ALERT the database's clock is +" in server.log()
    finally:
        server.kill()
