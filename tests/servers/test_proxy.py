"""The proxy passes everything until it is told otherwise."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.ports import free_port
from tests.servers.proxy import Proxy


class Echo:
    """A server that says its name before what it was told."""

    def __init__(self, name: bytes) -> None:
        self.name, self.port = name, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each line."""
        try:
            while line := await reader.readline():
                writer.write(self.name + line)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def echoes() -> AsyncIterator[list[Echo]]:
    """Two servers."""
    made = [Echo(b"a"), Echo(b"b")]
    servers = [await asyncio.start_server(echo.serve, "127.0.0.1", 0) for echo in made]
    for echo, server in zip(made, servers, strict=True):
        echo.port = server.sockets[0].getsockname()[1]
    yield made
    for server in servers:
        server.close()


@pytest.fixture
def proxy(echoes: list[Echo]) -> Iterator[Proxy]:
    """A proxy before the first."""
    with Proxy("127.0.0.1", echoes[0].port) as proxy:
        yield proxy


class Client:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, text: bytes) -> bytes:
        """What is answered to a line."""
        self.writer.write(text + b"\n")
        return (await asyncio.wait_for(self.reader.readline(), 5)).strip()

    async def ended(self) -> bool:
        """Whether the other side ended it; with a reset, or as one that has nothing more to say."""
        try:
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        except ConnectionError:
            return True
        finally:
            self.writer.close()


async def connect(proxy: Proxy) -> Client:
    """A new connection."""
    return Client(*await asyncio.open_connection(proxy.host, proxy.port))


async def test_a_cut_proxy_ends_and_refuses_until_it_is_healed(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.ask(b"1") == b"a1"
    proxy.cut()
    assert await client.ended()
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    proxy.heal()
    again = await connect(proxy)
    assert await again.ask(b"2") == b"a2"
    again.writer.close()


async def test_a_stalled_proxy_keeps_connections_and_passes_nothing_until_it_is_healed(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.ask(b"1") == b"a1"
    proxy.stall()
    other = await connect(proxy)
    waiting = [asyncio.create_task(client.ask(b"2")), asyncio.create_task(other.ask(b"3"))]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert not done
    proxy.heal()
    assert await asyncio.gather(*waiting) == [b"a2", b"a3"]
    client.writer.close()
    other.writer.close()


async def test_a_stalled_proxy_can_be_cut(proxy: Proxy) -> None:
    client = await connect(proxy)
    proxy.stall()
    client.writer.write(b"lost\n")
    proxy.cut()
    assert await client.ended()


async def test_a_reset_ends_connections_and_new_ones_work(proxy: Proxy) -> None:
    client = await connect(proxy)
    assert await client.ask(b"1") == b"a1"
    proxy.reset()
    assert await client.ended()
    again = await connect(proxy)
    assert await again.ask(b"2") == b"a2"
    again.writer.close()


async def test_a_proxy_leads_to_another_server_and_passes_what_is_long(proxy: Proxy, echoes: list[Echo]) -> None:
    proxy.aim("127.0.0.1", echoes[1].port)
    client = await connect(proxy)
    assert await client.ask(b"x" * 50_000) == b"b" + b"x" * 50_000
    client.writer.close()


async def test_a_proxy_whose_server_is_away_ends_connections(proxy: Proxy) -> None:
    proxy.aim("127.0.0.1", free_port())
    assert await (await connect(proxy)).ended()
