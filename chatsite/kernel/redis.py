"""A connection to Redis for the adapters: what is asked at once shares a round trip.

    redis = Redis(url)
    await redis.ask("GET", key)
    await redis.run(script, keys=[...], args=[...])

Whatever is asked while a round trip is under way goes out together with the next
one, in the order of the calls. A Redis that is away, or does not answer in time,
is Unavailable within about two seconds; nothing is asked twice.
"""

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from hiredis import pack_command
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from chatsite.kernel.backends import closed_at_the_end
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.servers import Description, Finding, ahead_ms, clock_findings, latency_ms

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 0.8
ANSWER_SECONDS = 1.0
PAUSE_SECONDS = 0.2  # after a failure nobody waits for the next one: the answer is Unavailable at once
BATCH = 500  # commands of a round trip: a script of 20 us each keeps others waiting for 10 ms
MOST_WAITING = 20_000  # commands; more than that are refused, for their askers have gone
RETRY_MS = 1_000
_REFUSING = (ClusterDownError, MasterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError)
_REFUSALS = ("MISCONF", "BUSY", "NOREPLICAS", "LOADING")

Part = str | bytes | int | float


class Script(NamedTuple):
    """A Lua script, known to the server by its digest."""

    text: str
    digest: str


# For scripts: the Unix time in milliseconds, by the clock of Redis that all processes share.
NOW_MS = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

# For scripts: another era means that something may be lost, by a restart or a failover. A first replica, or an hour
# without any, gives a primary another replication id as well, but takes nothing away.
ERA = """
local function era()
  local info = redis.call('INFO', 'replication')
  if string.match(info, 'master_replid2:0+%s') then
    return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  end
  return string.match(info, 'master_replid:(%x+)')
end
"""


def script(text: str) -> Script:
    """A Lua script from its text."""
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Redis:
    """One Redis server; each event loop has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pipes: dict[asyncio.AbstractEventLoop, _Pipe] = {}
        closed_at_the_end(self)

    async def ask(self, *command: Part) -> Any:
        """The answer to one command; Unavailable where none comes."""
        return await self._pipe().ask(command)

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Part]) -> Any:
        """The answer of a script, which is loaded where the server has lost it."""
        try:
            return await self.ask("EVALSHA", script.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await self.ask("EVAL", script.text, len(keys), *keys, *args)

    async def values(self, keys: Sequence[str]) -> list[bytes | None]:
        """What is kept by some keys, in one command."""
        found: list[bytes | None] = await self.ask("MGET", *keys)
        return found

    def tell(self, *command: Part) -> None:
        """Send a command behind those already asked, for nobody to wait for; while Redis is away it is lost."""
        with suppress(Unavailable):
            self._pipe().ask(command).add_done_callback(_nobody_waits)

    async def describe(self) -> Description:
        """The server, for operators."""
        latency = await latency_ms(lambda: self.ask("PING"))
        before = time.time() * 1_000
        seconds, micros = await self.ask("TIME")
        ahead = ahead_ms(int(seconds) * 1_000 + int(micros) / 1_000, before_ms=before, after_ms=time.time() * 1_000)
        lines = (await self.ask("INFO", "default")).decode().splitlines()
        told = dict(line.partition(":")[::2] for line in lines if ":" in line)
        parts = urlsplit(self._url)
        server = f"Redis {told['redis_version']} at {parts.hostname}:{parts.port or 6379}{parts.path or '/0'}"
        return Description(
            server=server,
            latency_ms=latency,
            ahead_ms=round(ahead, 1),
            facts={
                "role": told["role"],
                "replicas": told.get("connected_slaves", "0"),
                "append-only file": "on" if told.get("aof_enabled") == "1" else "off",
                "policy": told.get("maxmemory_policy", "unknown"),
                "memory": f"{told.get('used_memory_human')} of {told.get('maxmemory_human', 'any')}",
            },
            findings=[*clock_findings(server, ahead), *_findings(server, told)],
        )

    async def close(self) -> None:
        """Let go of this loop's connection."""
        if (pipe := self._pipes.pop(asyncio.get_running_loop(), None)) is not None:
            await pipe.close()

    def _pipe(self) -> "_Pipe":
        loop = asyncio.get_running_loop()
        if (pipe := self._pipes.get(loop)) is None:
            for other in tuple(self._pipes):
                if other.is_closed():
                    del self._pipes[other]
            pipe = self._pipes[loop] = _Pipe(self._url)
        return pipe


class _Pipe:
    """A connection on which one batch of commands is under way, and the commands that wait for it."""

    def __init__(self, url: str) -> None:
        retry = Retry(NoBackoff(), 0)  # Whoever asked decides whether to ask again.
        pool = ConnectionPool.from_url(url, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS, retry=retry)
        self._connection: Any = cast(Any, pool).make_connection()
        self._waiting: deque[tuple[tuple[Part, ...], asyncio.Future[Any]]] = deque()  # at most MOST_WAITING
        self._sending: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._is_away = False  # and somebody was told so

    def ask(self, command: tuple[Part, ...]) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= MOST_WAITING or loop.time() < self._away_until:
            raise _unavailable()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, answer))
        if self._sending is None:
            self._sending = loop.create_task(self._send())
        return answer

    async def close(self) -> None:
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=ANSWER_SECONDS)  # What was told last goes out.
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        self._refuse([])
        await self._connection.disconnect(nowait=True)

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                try:
                    answers = await self._round_trip([command for command, _ in batch])
                except Exception as error:  # noqa: BLE001 - RuntimeError is uvloop's word for a reset; all are answered
                    self._note(error)
                    self._away_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
                    self._refuse(batch)
                else:
                    self._note(next(filter(_is_refusal, answers), None))
                    for (_, future), answer in zip(batch, answers, strict=True):
                        _settle(future, answer)
        finally:
            self._sending = None

    async def _round_trip(self, commands: list[tuple[Part, ...]]) -> list[Any]:
        connection = self._connection
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if connection.is_connected and await connection.can_read():
                    await connection.disconnect(nowait=True)  # The server has hung up, or answers nobody's question.
                await connection.connect()
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.send_packed_command([_pack(one) for one in commands], check_health=False)
                answers = [await self._read() for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)  # Answers that come later would go to others.
            raise
        if any(isinstance(answer, ReadOnlyError) for answer in answers):
            await connection.disconnect(nowait=True)  # It is a replica now; the address leads to another server.
        return answers

    async def _read(self) -> Any:
        try:
            return await self._connection.read_response(disconnect_on_error=False)
        except ResponseError as error:
            return error

    def _note(self, trouble: Exception | None) -> None:
        """Say once an outage what is wrong, however many ask meanwhile."""
        if trouble is not None and not self._is_away:
            logger.warning("Redis does not answer: %s %s", type(trouble).__name__, trouble)
        self._is_away = trouble is not None

    def _refuse(self, batch: list[tuple[tuple[Part, ...], "asyncio.Future[Any]"]]) -> None:
        """Answer those of a batch and all who wait: they have waited long enough."""
        for _, future in [*batch, *self._waiting]:
            _settle(future, _unavailable())
        self._waiting.clear()


def _findings(server: str, told: Mapping[str, str]) -> Iterator[Finding]:
    if told["role"] != "master":
        yield Finding(f"{server} is a replica and takes no writes.", "name the primary in CHAT_REDIS_URL")
    if told.get("maxmemory_policy", "noeviction") != "noeviction":
        what = f"{server} evicts keys ({told['maxmemory_policy']}): sign-ins, tickets and nonces would vanish."
        yield Finding(what, "CONFIG SET maxmemory-policy noeviction")
    if told.get("aof_enabled") != "1":
        what = f"{server} forgets everything with a restart: every client reloads what it shows."
        yield Finding(what, "CONFIG SET appendonly yes, with appendfsync everysec", is_wrong=False)
    if told.get("connected_slaves", "0") == "0" and told["role"] == "master":
        yield Finding(f"{server} has no replica.", "REPLICAOF on a second server", is_wrong=False)


def _pack(command: tuple[Part, ...]) -> bytes:
    packed: bytes = pack_command(command)  # type: ignore[arg-type]  # Its stub knows tuples of one part only.
    return packed


def _nobody_waits(answer: "asyncio.Future[Any]") -> None:
    if not answer.cancelled():
        answer.exception()  # Looked at, or the loop would say that nobody did.


def _settle(future: "asyncio.Future[Any]", answer: Any) -> None:
    if future.done():
        return  # Whoever asked has gone.
    if _is_refusal(answer):
        future.set_exception(_unavailable())
    elif isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _is_refusal(answer: Any) -> bool:
    """Whether the server is there, but serves nobody now."""
    return isinstance(answer, _REFUSING) or (isinstance(answer, ResponseError) and str(answer).startswith(_REFUSALS))


def _unavailable() -> Unavailable:
    detail = "A server behind this one does not answer; retry."
    return Unavailable(detail, code="store_unavailable", retry_after_ms=RETRY_MS)
