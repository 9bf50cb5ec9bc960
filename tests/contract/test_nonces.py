"""The contract of Nonces, over each of its twins, and what a retry is told in Redis' absence."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import pytest
import redis

from chatsite.kernel.errors import KeyReused, Unavailable
from chatsite.kernel.nonces import Elsewhere, Known, MemoryNonces, Nonces
from chatsite.kernel.nonces.redis import SURE_MS, YOUNG_MS, RedisNonces, whereabouts

HOUR = 3_600_000


class Sent(NamedTuple):
    """The least that a send answers."""

    pos: int


def under_way() -> "asyncio.Future[Sent]":
    """A send that has no result yet."""
    return asyncio.get_running_loop().create_future()


def done(pos: int) -> "asyncio.Future[Sent]":
    """A send that is in the log."""
    result = under_way()
    result.set_result(Sent(pos))
    return result


@pytest.fixture(params=["memory", "redis"])
def nonces(request: pytest.FixtureRequest) -> Nonces[Sent]:
    """Nonces that nobody has used."""
    if request.param == "memory":
        return MemoryNonces()
    return RedisNonces(request.getfixturevalue("redis_url"))


async def find(nonces: Nonces[Sent], key: str = "k", digest: bytes = b"body", *, retry: bool = False) -> object:
    """What is known of a send."""
    return await nonces.find(key, digest, retry=retry, tried_ms=1 if retry else 0)


async def test_a_send_under_way_answers_its_repetition(nonces: Nonces[Sent]) -> None:
    result = under_way()
    assert await find(nonces) is None
    assert await nonces.reserve("k", b"body", 7, result) is None
    assert await find(nonces) is result
    assert await nonces.reserve("k", b"body", 8, under_way()) is result
    result.set_result(Sent(1))
    assert await find(nonces, retry=True) is result
    assert await find(nonces, "other") is None


async def test_another_body_is_refused(nonces: Nonces[Sent]) -> None:
    await nonces.reserve("k", b"body", 7, under_way())
    for retry in (False, True):
        with pytest.raises(KeyReused):
            await find(nonces, digest=b"another", retry=retry)
    with pytest.raises(KeyReused):
        await nonces.reserve("k", b"another", 8, under_way())


async def test_a_failed_send_can_be_tried_again(nonces: Nonces[Sent]) -> None:
    for result in (under_way(), under_way()):
        await nonces.reserve("k", b"body", 7, result)
        assert await find(nonces) is result
        result.set_exception(Unavailable())
        with pytest.raises(Unavailable):
            await result
        assert await find(nonces) is None


# --- in memory


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatsite.kernel.nonces.REMEMBERED", 3)
    nonces: MemoryNonces[Sent] = MemoryNonces()
    for number in range(5):
        await nonces.reserve(f"k{number}", b"body", number, done(number))
    assert [await find(nonces, f"k{number}") is not None for number in range(5)] == [False, False, True, True, True]


async def test_what_memory_does_not_know_the_log_does() -> None:
    assert await find(MemoryNonces(), retry=True) is Elsewhere.LOG


# --- in Redis


@pytest.fixture
def servers(redis_url: str) -> Callable[[], RedisNonces[Sent]]:
    """Makes the nonces of servers that share a Redis."""
    return lambda: RedisNonces(redis_url)


async def test_a_retry_elsewhere_is_appended_under_the_same_id_until_the_first_is_confirmed(
    servers: Callable[[], RedisNonces[Sent]],
) -> None:
    one, other = servers(), servers()
    await one.reserve("k", b"body", -7, under_way())
    assert await find(other, retry=True) == Known(-7, None)
    assert await other.reserve("k", b"body", 8, under_way()) == Known(-7, None)
    with pytest.raises(KeyReused):
        await find(servers(), digest=b"another", retry=True)
    await servers().confirm("k", 2**50)  # As the delivery worker does.
    await servers().confirm("k", 2**51)  # The second record of the same message.
    assert await find(servers(), retry=True) == Known(-7, 2**50)
    assert await servers().reserve("k", b"body", 9, under_way()) == Known(-7, 2**50)


async def test_a_result_confirms_its_nonce(servers: Callable[[], RedisNonces[Sent]], redis_url: str) -> None:
    result = under_way()
    nonces = servers()
    await nonces.reserve("k", b"body", 7, result)
    with redis.Redis.from_url(redis_url) as client:
        assert 55 < client.ttl("k") <= 60
        result.set_result(Sent(5))
        while await find(servers(), retry=True) != Known(7, 5):
            pass
        assert 3_595 < client.ttl("k") <= 3_600


async def test_what_nobody_reserved_nobody_confirms(servers: Callable[[], RedisNonces[Sent]], redis_url: str) -> None:
    await servers().confirm("k", 5)
    with redis.Redis.from_url(redis_url) as client:
        assert not client.exists("k")


def _age(redis_url: str, ms: int) -> None:
    """Let Redis have lost nothing for so long."""
    with redis.Redis.from_url(redis_url) as client:
        client.hincrby("nonces", "since", -ms)


async def test_a_redis_that_has_lost_nothing_knows_who_is_new(
    servers: Callable[[], RedisNonces[Sent]], redis_url: str
) -> None:
    await servers().reserve("first", b"", 1, under_way())
    _age(redis_url, HOUR)
    assert await servers().find("k", b"body", retry=True, tried_ms=2_000) is None
    assert await servers().find("k", b"body", retry=True, tried_ms=0) is Elsewhere.STORE
    with redis.Redis.from_url(redis_url) as client:
        client.hset("nonces", "era", "another")  # It was restarted, or a replica took over.
    for tried_ms in (0, 2_000):
        with pytest.raises(Unavailable) as refused:
            await servers().find("k", b"body", retry=True, tried_ms=tried_ms)
        assert refused.value.code == "lagging"
    assert await servers().find("k", b"body", retry=True, tried_ms=20_000) is Elsewhere.CAUGHT_UP_STORE


async def test_without_redis_first_tries_go_on_and_young_retries_wait() -> None:
    now = 0.0
    nonces: RedisNonces[Sent] = RedisNonces("redis://127.0.0.1:1", lambda: now)
    assert await find(nonces) is None
    assert await nonces.reserve("k", b"body", 7, under_way()) is None
    for tried_ms in (0, 2_000):
        with pytest.raises(Unavailable) as refused:
            await nonces.find("other", b"body", retry=True, tried_ms=tried_ms)
        assert refused.value.code == "lagging"
        assert refused.value.retry_after_ms == YOUNG_MS - tried_ms
    now = YOUNG_MS / 1_000  # It came so long ago, though it does not say so.
    assert await nonces.find("other", b"body", retry=True, tried_ms=0) is Elsewhere.CAUGHT_UP_STORE


@pytest.mark.parametrize(
    ("age_ms", "is_told", "intact_ms", "where"),
    [
        (SURE_MS - 1, True, HOUR, None),
        (SURE_MS, True, HOUR, Elsewhere.CAUGHT_UP_STORE),
        (20_000, True, 20_500, Elsewhere.CAUGHT_UP_STORE),
        (0, False, 59_999, Elsewhere.CAUGHT_UP_STORE),
        (0, False, HOUR, Elsewhere.STORE),
        (14_999, True, 0, 1),
        (5_000, True, 5_000, 10_000),
        (0, False, 14_000, 1_000),
    ],
)
def test_where_a_retry_is_looked_up(age_ms: int, is_told: bool, intact_ms: int, where: Elsewhere | int | None) -> None:
    if not isinstance(where, int):
        assert whereabouts(age_ms, is_told=is_told, intact_ms=intact_ms) is where
        return
    with pytest.raises(Unavailable) as refused:
        whereabouts(age_ms, is_told=is_told, intact_ms=intact_ms)
    assert refused.value.retry_after_ms == where
