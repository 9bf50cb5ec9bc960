"""An address that outgoing webhooks are sent to: it keeps what comes and answers as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """What came, and what is answered."""

    url: str = ""
    status: str = "200 OK"
    came: "asyncio.Queue[tuple[dict[str, str], bytes]]" = field(default_factory=asyncio.Queue)

    async def next(self) -> tuple[dict[str, str], bytes]:
        """The headers, in lower case, and the body of the next request."""
        async with asyncio.timeout(20):
            return await self.came.get()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.came.put_nowait((headers, body))
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    async with await asyncio.start_server(receiver.take, "127.0.0.1", 0) as server:
        receiver.url = f"http://localhost:{server.sockets[0].getsockname()[1]}/chat?key=1"
        yield receiver


@asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """The address of somebody who answers a byte at a time, and never ends."""
    open_ones: list[asyncio.StreamWriter] = []

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1_000:
            writer.write(bytes([letter]))
            await asyncio.sleep(0.1)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for writer in open_ones:
            writer.transport.abort()
