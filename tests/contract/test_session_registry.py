"""The contract of SessionRegistry, over each of its twins, and what several servers know of each other."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from chatsite.gateway.sessions import BEAT, LEASE, MemorySessionRegistry, SessionRegistry
from chatsite.gateway.sessions.redis import PEOPLE, RedisSessionRegistry
from chatsite.kernel import redis as redis_module
from chatsite.kernel.errors import Unavailable
from tests.contract.asked import listening
from tests.servers.proxy import Proxy
from tests.standard import through
from tests.world import in_time


@pytest.fixture(params=["memory", "redis"])
def registry(request: pytest.FixtureRequest) -> SessionRegistry:
    """A registry in which nobody is."""
    if request.param == "memory":
        return MemorySessionRegistry()
    return RedisSessionRegistry(request.getfixturevalue("redis_url"))


async def enter(registry: SessionRegistry, session: str, *, user: str = "ada") -> bool:
    """Open one of two sessions that a person may have."""
    return await registry.enter(user, session, most=2)


async def test_one_too_many_is_refused(registry: SessionRegistry) -> None:
    assert [await enter(registry, session) for session in "abc"] == [True, True, False]
    assert await enter(registry, "c", user="ben")


async def test_who_enters_at_once_is_counted_one_by_one(registry: SessionRegistry) -> None:
    assert sorted(await asyncio.gather(*[enter(registry, session) for session in "abcd"])) == [False, False, True, True]


async def test_a_place_that_was_left_is_free(registry: SessionRegistry) -> None:
    await asyncio.gather(enter(registry, "a"), enter(registry, "b"))
    registry.leave("ada", "a")
    registry.leave("ada", "a")
    assert [await enter(registry, session) for session in "cd"] == [True, False]


async def test_entering_twice_is_entering_once(registry: SessionRegistry) -> None:
    assert [await enter(registry, session) for session in "aaba"] == [True] * 4
    registry.leave("ada", "a")
    assert await enter(registry, "c")


async def test_who_was_never_counted_frees_nothing(registry: SessionRegistry) -> None:
    registry.leave("ada", "a")
    await asyncio.gather(enter(registry, "a"), enter(registry, "b"))
    for user, session in (("ada", "c"), ("ben", "a")):
        registry.leave(user, session)
    assert not await enter(registry, "c")


async def test_what_is_renewed_stays_and_what_left_does_not_come_back(registry: SessionRegistry) -> None:
    await asyncio.gather(enter(registry, "a"), enter(registry, "b"))
    registry.leave("ada", "a")
    await registry.renew()
    assert [await enter(registry, session) for session in "cd"] == [True, False]


# --- several servers


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Somebody who looks into Redis."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def pass_time(client: redis.Redis, seconds: float) -> None:
    """Let so much of every lease be over, as the clock of Redis does."""
    for key in client.scan_iter("session:*"):
        left_ms = client.pttl(key) - int(seconds * 1_000)
        for session, _ in client.zscan_iter(key):
            client.zincrby(key, -seconds * 1_000, session)
        client.pexpire(key, left_ms)  # What is over is gone.


async def test_servers_count_together(redis_url: str) -> None:
    one, other = RedisSessionRegistry(redis_url), RedisSessionRegistry(redis_url)
    assert [await enter(server, session) for server, session in ((one, "a"), (other, "b"))] == [True, True]
    assert [await enter(server, session) for server, session in ((one, "c"), (other, "d"))] == [False, False]
    one.leave("ada", "a")
    await enter(one, "a", user="ben")  # Redis has heard by then who left.
    assert [await enter(server, session) for server, session in ((other, "e"), (one, "f"))] == [True, False]


async def test_a_killed_server_holds_its_places_for_a_lease_and_no_longer(redis_url: str, client: redis.Redis) -> None:
    killed, other = RedisSessionRegistry(redis_url), RedisSessionRegistry(redis_url)
    await enter(killed, "a")
    await enter(killed, "a", user="ben")
    await enter(other, "b")
    for _ in range(2):
        pass_time(client, BEAT.total_seconds())
        await other.renew()
        assert not await enter(other, "c")
    pass_time(client, BEAT.total_seconds())
    assert [await enter(other, session) for session in "cd"] == [True, False]
    assert not client.exists("session:ben")
    pass_time(client, LEASE.total_seconds())
    assert client.keys("session:*") == []


async def test_what_ended_goes_with_the_next_beat_of_another_server(redis_url: str, client: redis.Redis) -> None:
    killed, other = RedisSessionRegistry(redis_url), RedisSessionRegistry(redis_url)
    await enter(killed, "a")
    await enter(other, "b")
    pass_time(client, LEASE.total_seconds() - 1)
    await other.renew()
    pass_time(client, 1)
    await other.renew()
    assert client.zcard("session:ada") == 1


async def test_an_emptied_redis_knows_all_after_a_beat(redis_url: str, client: redis.Redis) -> None:
    one, other = RedisSessionRegistry(redis_url), RedisSessionRegistry(redis_url)
    people = [f"p{number}" for number in range(2 * PEOPLE + 1)]
    assert all(await asyncio.gather(*[enter(one, session, user=user) for user in people for session in "ab"]))
    client.delete(*client.keys("session:*"))
    client.script_flush()
    await one.renew()
    assert not any(await asyncio.gather(*[enter(other, "c", user=user) for user in people]))


async def test_the_key_tells_which_server_has_whom(redis_url: str, client: redis.Redis) -> None:
    await enter(RedisSessionRegistry(redis_url), "a")
    [member] = client.zrange("session:ada", 0, -1)
    server, _, session = str(member).rpartition("/")
    assert (server.count(":"), session) == (1, "a")
    assert 0 < client.pttl("session:ada") <= LEASE.total_seconds() * 1_000


async def test_who_goes_while_redis_is_asked_is_taken_back(redis_url: str, client: redis.Redis) -> None:
    registry = RedisSessionRegistry(redis_url)
    await enter(registry, "first", user="ben")  # The script is known to Redis.
    entering = asyncio.create_task(enter(registry, "a"))
    await asyncio.wait([entering], timeout=0)
    entering.cancel()
    registry.leave("ada", "a")
    await registry.renew()
    assert not client.exists("session:ada")


async def test_a_handshake_is_one_command_and_a_beat_one_for_many(redis_url: str) -> None:
    registry = RedisSessionRegistry(redis_url)
    await enter(registry, "first")
    await registry.renew()
    with listening(redis_url) as asked:
        await asyncio.gather(*[enter(registry, "a", user=f"p{number}") for number in range(PEOPLE - 1)])
        assert asked.names() == ["EVALSHA"] * (PEOPLE - 1)
        await registry.renew()
        assert asked.names() == ["EVALSHA"]


async def test_while_redis_is_away_each_server_counts_its_own(
    redis_url: str, proxy: Proxy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_module, "PAUSE_SECONDS", 0.0)  # Each who asks finds out.
    one, other = RedisSessionRegistry(through(proxy, redis_url)), RedisSessionRegistry(redis_url)
    await enter(one, "a")
    await enter(other, "a")
    proxy.cut()
    assert [await enter(one, session) for session in "bcd"] == [True, False, False]
    one.leave("ada", "a")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await one.renew()
    assert [await enter(one, session) for session in "cd"] == [True, False]
    assert len([record for record in caplog.records if record.name.startswith("chatsite")]) == 1, caplog.text
    proxy.heal()
    async with in_time("Redis is back"):
        while not await one_beat(one):
            pass
    assert not await enter(other, "e")


async def one_beat(registry: SessionRegistry) -> bool:
    """Renew what is open; False while nobody can be told."""
    try:
        await registry.renew()
    except Unavailable:
        await asyncio.to_thread(lambda: None)  # Others get their turn.
        return False
    return True
