"""Presence stores under test, whose time is what the test says."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
import redis

from chatsite.kernel.redis import script
from presence.policy import STALL_MS, TTL_MS, Choice, Shown, Status
from presence.stores import Arrival, Beat, Change, PresenceStore, Swept
from presence.stores import redis as redis_store
from presence.stores.memory import MemoryPresenceStore
from presence.stores.redis import RedisPresenceStore
from tests.servers.redis import RedisCluster

SCRIPTS = ("_ARRIVE", "_BEAT", "_LEAVE", "_CHOOSE", "_SWEEP", "_TELL_AGAIN")
CLOCK = "local clock = redis.call('TIME')"


class Time:
    """The time of a test: it begins with the real one, and stands still until the test lets it pass."""

    def __init__(self) -> None:
        self._now_us = time.time_ns() // 1_000

    def now_us(self) -> int:
        """Unix microseconds."""
        return self._now_us

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._now_us // 1_000

    def go(self, ms: int) -> None:
        """Let time pass, or go back."""
        self._now_us += ms * 1_000


class RedisTime(Time):
    """The same for scripts: what would ask Redis is told instead."""

    def __init__(self, clients: Sequence[redis.Redis], monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._clients, self._patch = clients, monkeypatch
        self._texts = {name: getattr(redis_store, name).text for name in SCRIPTS}
        monkeypatch.setattr(redis_store, "_now_ms", self.now_ms)
        self._tell()

    def _tell(self) -> None:
        told = "local clock = {{'{}', '{}'}}".format(*divmod(self._now_us, 1_000_000))
        for name, text in self._texts.items():
            self._patch.setattr(redis_store, name, script(text.replace(CLOCK, told)))

    def go(self, ms: int) -> None:
        super().go(ms)
        self._tell()
        for client in self._clients:
            with suppress(redis.ConnectionError):  # It was killed.
                for key in client.scan_iter("presence:user:*"):
                    left: Any = client.pttl(key)
                    client.pexpire(key, left - ms)


class Presence:
    """Servers that share a store, and what they were told."""

    def __init__(self, make: Callable[[], PresenceStore], clock: Time) -> None:
        self.make, self.clock = make, clock
        self.store = make()
        self.told: list[Change] = []
        self._choices = 0

    async def arrive(self, user: str = "ada", device: str = "a", choice: Choice | None = None) -> None:
        """A device comes; without a choice with one that is older than any."""
        self.told += await self.store.arrive([Arrival(user, device, choice or Choice())])

    async def beat(self, user: str = "ada", device: str = "a", *, active: bool = False) -> bool:
        """A device is there; False where it is not known."""
        beaten = await self.store.beat([Beat(user, device, active)])
        self.told += beaten.changes
        return not beaten.unknown

    async def choose(self, status: Status, user: str = "ada", **options: Any) -> None:
        """Somebody chooses."""
        self._choices += 1
        self.told += await self.store.choose(user, Choice(status, version=self._choices, **options))

    async def sweep(self) -> Swept:
        """A turn of the sweep."""
        swept = await self.store.sweep()
        self.told += swept.changes
        return swept

    async def seen(self, user: str = "ada") -> Shown | None:
        """What others see of somebody."""
        return (await self.store.statuses([user])).get(user)

    async def status(self, user: str = "ada") -> Status:
        """What others see of somebody who may be nobody."""
        shown = await self.seen(user)
        return shown.status if shown else Status.OFFLINE

    def statuses(self, user: str = "ada") -> list[Status]:
        """What was told of somebody, in order."""
        return [change.shown.status for change in self.told if change.user == user]

    async def wait(self, ms: int, *beating: str) -> None:
        """Let time pass with sweeps, and with the beats of some devices of ada's."""
        while ms > 0:
            step = min(ms, STALL_MS // 2)
            self.clock.go(step)
            ms -= step
            for device in beating:
                await self.beat(device=device)
            while (await self.sweep()).changes:
                pass

    async def thaw(self) -> None:
        """Let the time be over in which nobody is found gone."""
        await self.sweep()
        await self.wait(TTL_MS)
        assert not (await self.sweep()).is_frozen


def in_memory() -> Presence:
    """One process."""
    clock = Time()
    return Presence(lambda: MemoryPresenceStore(clock.now_us), clock)


def in_redis(url: str, monkeypatch: pytest.MonkeyPatch) -> Presence:
    """Any number, on one Redis."""
    return Presence(lambda: RedisPresenceStore(url), RedisTime([redis.Redis.from_url(url)], monkeypatch))


def in_a_cluster(cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch) -> Presence:
    """Any number, on a Redis Cluster that nobody else uses, emptied."""
    clients = [redis.Redis(port=node.port) for node in cluster.primaries()]
    for client in clients:
        client.flushall()
    return Presence(lambda: RedisPresenceStore(cluster.address), RedisTime(clients, monkeypatch))
