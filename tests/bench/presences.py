"""Loads 100,000 people into a Redis and drives it; alone it prints what it took as JSON.

Beats and SET EX are packed before the clock starts and go over one socket, so that Redis is what is
measured and not the client.
"""

import socket
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import hiredis
import msgspec
import redis
import uvloop

from chatsite.kernel.redis import Redis
from presence import policy
from presence.policy import Choice
from presence.stores import SWEPT, Arrival
from presence.stores import redis as adapter
from presence.stores.redis import PEOPLE, RedisPresenceStore
from tests.bench.presence import Presences
from tests.servers import address

DATABASE = 2_999  # of the Redis of tests, emptied before and after
THERE = 100_000
RUNS = 3
READS = 500
WINDOW = 1 << 20  # bytes on their way before answers are read: neither side waits for the other


async def measure() -> Presences:
    """What a Redis with so many people takes."""
    url = f"{address('redis')}/{DATABASE}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        empty = client.info("memory")["used_memory"]
        store, people = RedisPresenceStore(url), [str(uuid.uuid4()) for _ in range(THERE)]
        for start in range(0, THERE, 1_000):
            await store.arrive([Arrival(user, "0123456789abcdef", Choice()) for user in people[start : start + 1_000]])
        each = (client.info("memory")["used_memory"] - empty) / THERE
        sets = [("SET", f"bare:{user}", "ONLINE", "EX", "90") for user in people]
        client.script_load(adapter._BEAT.text)
        quiet, active = beats(people, active=False), beats(people, active=True)
        runs = [(rate(url, sets), rate(url, quiet), rate(url, active)) for _ in range(RUNS)]
        sweeps = [await timed(store.sweep) for _ in range(50)]
        bare = Redis(url)
        some = people[:50]
        reads = [await timed(lambda: store.statuses(some)) for _ in range(READS)]
        mgets = [
            await timed(lambda: bare.ask("MGET", *[f"presence:user:{user}" for user in some])) for _ in range(READS)
        ]
        busy = [await find_gone(store, client) for _ in range(RUNS)]
        client.flushdb()
    return Presences(
        beats=[one for _, one, _ in runs],
        active_beats=[one for _, _, one in runs],
        sets=[one for one, _, _ in runs],
        sweeps_ms=sweeps,
        busy_sweeps_ms=busy,
        reads_ms=reads,
        mgets_ms=mgets,
        bytes_each=each,
    )


def beats(people: list[str], *, active: bool) -> list[tuple[str, ...]]:
    """The commands of a sign of life of each: what `RedisPresenceStore.beat` sends."""
    shards: defaultdict[int, list[str]] = defaultdict(list)
    for user in people:
        shards[adapter._shard(user)].append(user)
    commands: list[tuple[str, ...]] = []
    for shard, users in shards.items():
        keys = [f"presence:{{{shard}}}:{kind}" for kind in ("people", "alive", "looks", "due", "meta")]
        for start in range(0, len(users), PEOPLE):
            some = users[start : start + PEOPLE]
            args = [part for user in some for part in (f"{user}/0123456789abcdef", user, str(int(active)))]
            commands.append(("EVALSHA", adapter._BEAT.digest, "4", *keys, *args))
            commands += [("PEXPIRE", f"presence:user:{user}", str(policy.TTL_MS)) for user in some]
    return commands


def rate(url: str, commands: Sequence[tuple[str, ...]]) -> float:
    """How many of the people a second, over one socket."""
    parts = urlsplit(url)
    packed = [pack(command) for command in commands]
    reader = hiredis.Reader()
    with socket.create_connection((parts.hostname, parts.port or 6379)) as connection:
        connection.sendall(pack(("SELECT", str(DATABASE))))
        answer(connection, reader, 1)
        started, waiting, size = time.perf_counter(), 0, 0
        for command in packed:
            connection.sendall(command)
            waiting, size = waiting + 1, size + len(command)
            if size > WINDOW // 16:
                answer(connection, reader, waiting)
                waiting = size = 0
        answer(connection, reader, waiting)
        return THERE / (time.perf_counter() - started)


def pack(command: tuple[str, ...]) -> bytes:
    """A command as it goes over the wire."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # Its stub knows tuples of one part only.
    return packed


def answer(connection: socket.socket, reader: hiredis.Reader, count: int) -> None:
    """Read so many answers; an error ends the bench."""
    while count:
        found = reader.gets()
        if found is False:
            reader.feed(connection.recv(WINDOW))
            continue
        if isinstance(found, Exception):
            raise found
        count -= 1


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """How long it took, in ms."""
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1_000


async def find_gone(store: RedisPresenceStore, client: redis.Redis) -> float:
    """A turn in which as many are gone as one takes: their deadlines are set into the past."""
    now = int(time.time() * 1_000)
    for shard in range(adapter.SHARDS):
        client.hset(f"presence:{{{shard}}}:meta", "since", now - 10 * policy.TTL_MS)
        found: Any = client.zrange(f"presence:{{{shard}}}:looks", 0, SWEPT - 1)
        for gone in found:
            client.zadd(f"presence:{{{shard}}}:looks", {gone: now - 1})
            client.hset(f"presence:{{{shard}}}:alive", gone, str(now - 1))
    started = time.perf_counter()
    swept = await store.sweep()
    took = (time.perf_counter() - started) * 1_000
    if len(swept.changes) != adapter.SHARDS * SWEPT:
        raise RuntimeError(f"{len(swept.changes)} were found gone")
    return took


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(measure())))
