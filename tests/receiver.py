"""Addresses that are asked: they keep what comes, and answer as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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


@dataclass
class Site:
    """A site whose pages are read: what is at each path, and who asked for what."""

    url: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)  # a whole answer each, from its status line on
    asked: list[str] = field(default_factory=list)  # paths, in order
    heads: list[dict[str, str]] = field(default_factory=list)

    def put(self, path: str, html: str = "", *, head: str = "Content-Type: text/html; charset=utf-8") -> str:
        """Put a page there; answers its address."""
        return self.answer(path, f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + html.encode())

    def redirect(self, path: str, to: str) -> str:
        """Lead from there to somewhere; answers the address."""
        return self.answer(path, f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nSet-Cookie: a=b\r\n\r\n".encode())

    def answer(self, path: str, whole: bytes) -> str:
        """Answer so there, then end; answers the address."""
        self.pages[path] = whole
        return self.url + path

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = line.split()[1]
        self.asked.append(path)
        self.heads.append({name.lower(): value for name, _, value in (one.partition(": ") for one in rest if one)})
        with suppress(ConnectionError):  # Who has read enough goes.
            writer.write(self.pages.get(path, b"HTTP/1.1 404 Not Found\r\n\r\n"))
            await writer.drain()
        writer.close()


@asynccontextmanager
async def site(host: str = "127.0.0.1") -> AsyncIterator[Site]:
    """A site on a free port of this machine, at one of the addresses of its loopback."""
    made = Site()
    async with await asyncio.start_server(made.take, host, 0) as server:
        made.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        yield made
