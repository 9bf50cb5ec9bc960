"""A TCP proxy between a client and a server, which breaks on demand.

It has a loop of its own in a thread of its own, so that a test may block.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.servers.ports import free_port

CHUNK = 65_536
CALL_SECONDS = 10.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing tells the other side at once


class Proxy:
    """Passes bytes to a server both ways until it is told otherwise.

    A node whose clients are told an address (Kafka, Cassandra) must be told this one.
    With `idle_seconds` it ends a connection on which nothing has passed for so long.
    """

    def __init__(
        self, host: str, port: int, *, at: str = "127.0.0.1", at_port: int | None = None,
        idle_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port = at, at_port or free_port(hosts=(at,))
        self._target = (host, port)
        self._idle_seconds = idle_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy:{self.port}", daemon=True)
        self._listener: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def address(self) -> str:
        """Where clients reach it, as host:port."""
        return f"{self.host}:{self.port}"

    def cut(self) -> None:
        """End all connections and refuse new ones, as a stopped server does."""
        self._call(self._cut())

    def heal(self) -> None:
        """Take connections again and let bytes pass."""
        self._call(self._heal())

    def stall(self) -> None:
        """Keep connections and take new ones, but let nothing pass, as a frozen server does."""
        self._call(self._stall())

    def reset(self) -> None:
        """End all connections; new ones work."""
        self._call(self._reset())

    def aim(self, host: str, port: int) -> None:
        """Lead new connections to another server."""
        self._target = (host, port)

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(CALL_SECONDS)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._reset()

    async def _heal(self) -> None:
        self._flowing.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)

    async def _stall(self) -> None:
        self._flowing.clear()

    async def _reset(self) -> None:
        serving = list(self._serving)
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task")
        self._serving.add(task)
        try:
            async with _closing(writer):
                there, here = await asyncio.open_connection(*self._target)
                async with _closing(here):
                    await self._pass(reader, here, there, writer)
        except OSError:
            pass  # The server is away, or one side is.
        finally:
            self._serving.discard(task)

    async def _pass(
        self, asked: asyncio.StreamReader, asking: asyncio.StreamWriter,
        answered: asyncio.StreamReader, answering: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        idle = asyncio.timeout(self._idle_seconds)
        ways = ((asked, asking), (answered, answering))
        pumps = [asyncio.create_task(self._pump(reader, writer, idle)) for reader, writer in ways]
        try:
            async with idle:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle: asyncio.Timeout
    ) -> None:  # fmt: skip
        while data := await reader.read(CHUNK):
            await self._flowing.wait()
            if self._idle_seconds is not None:
                idle.reschedule(self._loop.time() + self._idle_seconds)
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close it with all that was written; reset it where the proxy was told to."""
    try:
        yield
    except asyncio.CancelledError:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        raise
    finally:
        writer.close()
