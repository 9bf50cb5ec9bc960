"""What a client needs from outside, over asyncio and real sockets."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self

import websockets

from tests.chat_client.client import Timer

ABNORMAL = 1006  # what a close without a close frame is called
MOST_WAITING = 1_024  # frames that the network has not taken; one more ends the connection, which resumes


class NetworkSocket:
    """One WebSocket and the frames that wait to leave."""

    def __init__(self) -> None:
        self.on_message: Callable[[str], None] | None = None
        self.on_close: Callable[[int], None] | None = None
        self._leaving: asyncio.Queue[str] = asyncio.Queue(maxsize=MOST_WAITING)
        self._closing = asyncio.Event()

    def send(self, text: str) -> None:
        """Send a frame as soon as the network takes it."""
        try:
            self._leaving.put_nowait(text)
        except asyncio.QueueFull:
            self.close()

    def close(self) -> None:
        """End it."""
        self._closing.set()

    async def live(self, url: str, protocols: Sequence[str]) -> None:
        """Connect, pass frames on until it ends, and say with which code."""
        code = ABNORMAL
        with suppress(OSError, websockets.WebSocketException):
            async with websockets.connect(
                url,
                subprotocols=[websockets.Subprotocol(one) for one in protocols],
                compression=None,
                max_size=None,
                ping_interval=None,
            ) as socket:
                await self._talk(socket)
            code = socket.close_code or ABNORMAL
        if self.on_close is not None:
            self.on_close(code)

    async def _talk(self, socket: websockets.ClientConnection) -> None:
        parts = (self._read(socket), self._write(socket), self._closing.wait())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, websockets.ConnectionClosed):
                    raise ended

    async def _read(self, socket: websockets.ClientConnection) -> None:
        async for text in socket:
            if self.on_message is not None:
                self.on_message(text if isinstance(text, str) else text.decode())

    async def _write(self, socket: websockets.ClientConnection) -> None:
        while True:
            await socket.send(await self._leaving.get())


class Network:
    """The environment of real clients, to be left when they have stopped.

    Whatever they began ends with it; what went wrong in a callback is raised then.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._problems: list[BaseException] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._problems:
            raise self._problems[0]

    def open(self, url: str, protocols: Sequence[str]) -> NetworkSocket:
        """Open a WebSocket."""
        socket = NetworkSocket()
        self.run(socket.live(url, protocols))
        return socket

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that waits."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def set_timer(self, work: Callable[[], None], ms: float) -> Timer:
        """Do something later."""
        return asyncio.get_running_loop().call_later(ms / 1_000, work)

    def now(self) -> float:
        """The time in ms since 1970."""
        return time.time() * 1_000

    def random(self) -> float:
        """A number from 0 up to 1."""
        return random.random()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._problems.append(problem)
