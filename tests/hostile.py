"""Clients that do what no client of ours does: bytes by hand on a WebSocket."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.world import Server, World

TEXT, PING, CONTINUATION = 0x1, 0x9, 0x0
FIN = 0x80


def handshake(port: int, token: str | None, **headers: str) -> bytes:
    """The request that opens a WebSocket."""
    lines = [
        "GET /ws/chat/ HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *([f"Authorization: Bearer {token}"] if token else []),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(opcode: int, body: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame of a client, masked with zeros."""
    size = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + len(body).to_bytes(2, "big")
    return bytes([(FIN if fin else 0) | opcode]) + size + bytes(4) + body


def text(**fields: Any) -> bytes:
    """A frame of JSON."""
    return frame(TEXT, json.dumps(fields).encode())


class Raw:
    """A connection of bytes that reads only what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def read_nothing(self) -> None:
        """Leave everything from now on where it is."""
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def pours(self, data: bytes, *, up_to: int, patience: float = 2.0) -> int:
        """Write again and again until the other side takes no more; answers how many bytes it took."""
        poured = 0
        try:
            while poured < up_to:
                self.writer.write(data)
                async with asyncio.timeout(patience):
                    await self.writer.drain()
                poured += len(data)
        except (TimeoutError, ConnectionError):
            pass
        return poured

    async def drips(self, data: bytes, *, every: float) -> None:
        """Write a byte every so many seconds, until the other side has ended it."""
        with suppress(ConnectionError):
            for byte in data:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(every)

    async def ends(self) -> bytes:
        """Read until the server ends the connection."""
        ended = b""
        try:
            while chunk := await self.reader.read(65_536):
                ended = (ended + chunk)[-65_536:]
        except ConnectionError:
            pass
        return ended


@asynccontextmanager
async def raw(server: Server) -> AsyncIterator[Raw]:
    """A bare connection to a server, which is cut at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def signed_in(world: World, name: str, **headers: str) -> AsyncIterator[Raw]:
    """A WebSocket of a person that has had its READY."""
    async with raw(world.server) as client:
        client.writer.write(handshake(world.server.port, await world.token(name), **headers))
        await client.reader.readuntil(b"\r\n\r\n")
        await client.reader.readuntil(b'"READY"')
        yield client


def resident_mb(server: Server) -> float:
    """Resident memory of a server."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The kernel does not say how much memory a process has.")
