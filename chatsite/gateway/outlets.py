"""The way out to a client: straight to the transport where the server offers that, else through ASGI.

What goes out are whole WebSocket frames, prepared once for all who get them. An
outlet bounds nothing: it says how much the client has yet to take, and the session
judges that.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from chatsite.gateway.protocol import payloads

logger = logging.getLogger(__name__)

EXTENSION = "chat.outlet"  # of ASGI's scope: how our server offers its own
CLOSE_SECONDS = 10.0  # how long a client that does not read may delay its own close frame

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outlet(Protocol):
    """What a session needs of the way to its client."""

    @property
    def waiting(self) -> int:
        """Bytes that were written and not yet taken by the operating system."""

    def write(self, frames: bytes) -> None:
        """Send one or more whole frames after what was written before; dropped where the client is gone."""

    def join(self, frames: bytes) -> None:
        """The same, in one write with all that comes in this turn of the loop: for many frames to one client."""

    def close(self, code: int) -> None:
        """Send a close frame after what was written, and nothing else."""

    async def taken(self) -> None:
        """Wait until the client has taken most of what was written, or is gone."""

    async def left(self) -> None:
        """Wait until the close frame has been sent, or the client is gone."""

    def serve(self, reader: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        """Read until there is nothing more to read, or nobody to answer."""


def outlet_of(scope: dict[str, Any], send: Send) -> Outlet:
    """The outlet of a connection: the server's own where it has one."""
    offered: Outlet | None = scope.get("extensions", {}).get(EXTENSION)
    return AsgiOutlet(send) if offered is None else offered


class AsgiOutlet:
    """Frames that wait for a server's `send`, as on daphne; the header is the server's, so each loses ours."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._outbox: deque[bytes] = deque()  # bounded by the session's budget
        self._waiting = 0
        self._code: int | None = None
        self._news = asyncio.Event()
        self._taken = asyncio.Event()
        self._left = asyncio.Event()

    @property
    def waiting(self) -> int:
        return self._waiting

    def write(self, frames: bytes) -> None:
        if self._code is None and not self._left.is_set():
            self._outbox.append(frames)
            self._waiting += len(frames)
            self._taken.clear()
            self._news.set()

    def join(self, frames: bytes) -> None:
        self.write(frames)  # The server writes when it likes.

    def close(self, code: int) -> None:
        self._code = code
        self._news.set()

    async def taken(self) -> None:
        if self._waiting:
            await self._taken.wait()

    async def left(self) -> None:
        await self._left.wait()

    async def serve(self, reader: Coroutine[Any, Any, None]) -> None:
        reading, writing = asyncio.create_task(reader), asyncio.create_task(self._write())
        try:
            await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
            if self._code is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self.left()
        finally:
            reading.cancel()
            writing.cancel()
            await asyncio.wait([reading, writing])
            if not writing.cancelled() and (error := writing.exception()):
                logger.debug("a client went away while it was sent to: %r", error)

    async def _write(self) -> None:
        """Send what is written until the close frame; the connection ends with it."""
        try:
            while True:
                while self._outbox:
                    frames = self._outbox.popleft()
                    for payload in payloads(frames):
                        await self._send({"type": "websocket.send", "text": payload.decode()})
                    self._waiting -= len(frames)
                self._taken.set()
                if self._code is not None:
                    await self._send({"type": "websocket.close", "code": self._code})
                    return
                self._news.clear()
                await self._news.wait()
        finally:
            self._taken.set()
            self._left.set()
