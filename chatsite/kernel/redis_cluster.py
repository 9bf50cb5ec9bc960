"""A Redis Cluster for the adapters whose scripts keep to one slot: each command goes to the server that has its key.

    redis = connect("redis-cluster://10.0.0.1:6379")      # any of its servers; it names the others
    redis = connect("redis://10.0.0.1:6379/0")            # one server alone, behind the same methods

Which server has which slot is asked of any of them, and again when one says that a
slot has moved or does not answer: after a failover its replica does.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, NoScriptError

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.redis import Part, Redis, Script

SCHEME = "redis-cluster"
TRIES = 5  # a slot that moves more often than this within one call is an outage
LOOK_SECONDS = 1.0  # between two looks for the servers while one of them is away


class RedisCluster:
    """The servers of a cluster; Unavailable while the one that is asked for is away."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._servers: dict[str, Redis] = {}
        self._slots: list[tuple[int, int, str]] = []  # first, last, `host:port`
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def ask(self, *command: Part) -> Any:
        """The answer to a command whose second word is its key."""
        return await self._at(str(command[1]), command)

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Part]) -> Any:
        """The answer of a script, whose keys are in one slot."""
        try:
            return await self._at(keys[0], ("EVALSHA", script.digest, len(keys), *keys, *args))
        except NoScriptError:
            return await self._at(keys[0], ("EVAL", script.text, len(keys), *keys, *args))

    async def values(self, keys: Sequence[str]) -> list[bytes | None]:
        """What is kept by some keys: one command a slot, and those to one server share a round trip."""
        slots: defaultdict[int, list[str]] = defaultdict(list)
        for key in keys:
            slots[key_slot(key.encode())].append(key)
        answers = await asyncio.gather(*[self._at(some[0], ("MGET", *some)) for some in slots.values()])
        found = {
            key: value
            for some, values in zip(slots.values(), answers, strict=True)
            for key, value in zip(some, values, strict=True)
        }
        return [found[key] for key in keys]

    async def _at(self, key: str, command: tuple[Part, ...]) -> Any:
        slot = key_slot(key.encode())
        server = await self._server_of(slot)
        for _ in range(TRIES):
            try:
                return await server.ask(*command)
            except MovedError as moved:
                await self._look(anew=True)
                server = self._server(f"{moved.host}:{moved.port}")
            except AskError as asked:
                server = self._server(f"{asked.host}:{asked.port}")
                _, answer = await asyncio.gather(server.ask("ASKING"), server.ask(*command))
                return answer
            except Unavailable:
                # Nothing is asked twice, for it may have been done; the next call asks whoever has it by then.
                self._slots = []
                raise
        raise Unavailable(code="store_unavailable", retry_after_ms=1_000)

    async def _server_of(self, slot: int) -> Redis:
        if not self._slots:
            await self._look(anew=False)
        for first, last, address in self._slots:
            if first <= slot <= last:
                return self._server(address)
        raise Unavailable(code="store_unavailable", retry_after_ms=1_000)

    async def _look(self, *, anew: bool) -> None:
        """Ask any server who has which slots; the one that answers first is believed."""
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if self._slots and not (anew and now - self._looked_at > LOOK_SECONDS):
                return
            addresses = dict.fromkeys([*self._servers, f"{self._parts.hostname}:{self._parts.port or 6379}"])
            for address in addresses:
                try:
                    rows = await self._server(address).ask("CLUSTER", "SLOTS")
                except Unavailable:
                    continue
                self._slots = [
                    (first, last, f"{(host or b'').decode() or address.rpartition(':')[0]}:{port}")
                    for first, last, (host, port, *_), *_ in rows
                ]
                self._looked_at = now
                return
            raise Unavailable(code="store_unavailable", retry_after_ms=1_000)

    def _server(self, address: str) -> Redis:
        if (server := self._servers.get(address)) is None:
            credentials, at, _ = self._parts.netloc.rpartition("@")
            url = urlunsplit(("redis", f"{credentials}{at}{address}", "/0", self._parts.query, ""))
            server = self._servers[address] = Redis(url)
        return server


def connect(url: str) -> Redis | RedisCluster:
    """What an address names: a server, or a cluster of them."""
    return RedisCluster(url) if urlsplit(url).scheme == SCHEME else Redis(url)
