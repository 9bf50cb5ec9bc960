"""The way out to a client: straight to our server's transport, and through ASGI as on any other server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from chatsite.gateway import outlets
from chatsite.gateway.outlets import Outlet, outlet_of
from chatsite.gateway.protocol import prepare
from chatsite.gateway.server import websocket
from chatsite.gateway.server.http import BoundedHttp
from chatsite.gateway.server.websocket import BoundedWebSocket
from tests.world import ANSWER_SECONDS, in_time

SIZES = [0, 1, 125, 126, 65_535, 65_536, 200_000]
PART = prepare(b"x" * 65_536)
WAITING = 200  # frames of up to 60 KB
PARTS = 400  # 25 MiB: more than the buffers of two sockets


class Served(NamedTuple):
    """An outlet, the client at its other end, and whether the server's side has ended."""

    outlet: Outlet
    client: ClientConnection
    ended: asyncio.Event


@pytest.fixture
def ping_seconds() -> float:
    """After how long the server asks whether the client is there, and as long for its answer."""
    return ANSWER_SECONDS


@pytest.fixture(params=["transport", "asgi"])
async def served(request: pytest.FixtureRequest, ping_seconds: float) -> AsyncIterator[Served]:
    """An outlet whose client reads when it is asked to."""
    made: asyncio.Queue[Outlet] = asyncio.Queue()
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        outlet = outlet_of(scope if request.param == "transport" else {}, send)
        await made.put(outlet)

        async def read() -> None:
            while (await receive())["type"] == "websocket.receive":
                pass

        await outlet.serve(read())
        ended.set()

    async with _serving(app, ping_seconds) as port, websockets.connect(
        f"ws://127.0.0.1:{port}/", compression=None, max_queue=1, max_size=None, ping_interval=None
    ) as client:  # fmt: skip
        yield Served(await made.get(), client, ended)
        client.transport.abort()


@asynccontextmanager
async def _serving(app: Any, ping_seconds: float) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app,
        port=0,
        http=BoundedHttp,
        ws=BoundedWebSocket,
        lifespan="off",
        log_level="warning",
        ws_per_message_deflate=False,
        ws_ping_interval=ping_seconds,
        ws_ping_timeout=ping_seconds,
    )
    server = uvicorn.Server(config)
    server.capture_signals = suppress  # type: ignore[assignment, method-assign]
    running = asyncio.create_task(server.serve())
    async with in_time("the server listens"):
        while not server.started:
            await asyncio.wait([running], timeout=0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def test_all_that_a_socket_has_stands_in_its_slots() -> None:
    beside: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await beside.put(vars(receive.__self__))

    async with _serving(app, ANSWER_SECONDS) as port, websockets.connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("something")
        assert await beside.get() == {}


HANDSHAKE = {
    "Host": "127.0.0.1",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
}
ACCEPT = b"\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"  # RFC 6455, 1.3, in lower case


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, b"101 "),
        (
            {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR=="},
            b"101 ",
        ),  # a spelling of 16 bytes that only the library takes
        ({"Sec-WebSocket-Key": ""}, b"400 "),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZQ=="}, b"400 "),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, b"400 "),
        ({"Sec-WebSocket-Version": "12"}, b"400 "),
        ({"Upgrade": "WebSocket\r\nUpgrade: WebSocket"}, b"426 "),
        ({"X-Large": "x" * 9_000}, b"101 "),
    ],
)
async def test_a_handshake_is_answered_by_the_book(changed: dict[str, str], status: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/a b"
        assert scope["query_string"] == b"c=d"
        await receive()
        await send(
            {"type": "websocket.accept", "subprotocol": scope["subprotocols"][-1], "headers": [(b"X-Ours", b"1")]}
        )

    headers = HANDSHAKE | {"Sec-WebSocket-Protocol": "chat.v0, chat.v1"} | changed
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    async with _serving(app, ANSWER_SECONDS) as port, in_time("the handshake is answered"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /a%20b?c=d HTTP/1.1\r\n{head}\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        writer.close()
    assert answer.startswith(b"http/1.1 " + status)
    if status == b"101 ":
        assert b"\r\nsec-websocket-protocol: chat.v1\r\n" in answer
        assert b"\r\nx-ours: 1\r\n" in answer
        assert b"\r\nsec-websocket-extensions:" not in answer
        assert (ACCEPT in answer) is ("Sec-WebSocket-Key" not in changed)


async def test_frames_arrive_whole_and_in_order(served: Served) -> None:
    outlet, client, _ = served
    texts = ["é" * (size // 2) + "x" * (size % 2) for size in SIZES]
    for text in texts:
        outlet.write(prepare(text.encode()))
    outlet.write(b"".join(prepare(text.encode()) for text in texts))
    async with in_time("all arrive"):
        assert [await client.recv() for _ in range(2 * len(texts))] == texts * 2


async def test_joined_frames_keep_their_place_and_count_until_they_are_taken(served: Served) -> None:
    outlet, client, _ = served
    texts = [str(number) * 20_000 for number in range(8)]
    for number, text in enumerate(texts):
        (outlet.write if number == 5 else outlet.join)(prepare(text[: 200 if number < 6 else None].encode()))
    outlet.join(prepare(b"last"))
    assert outlet.waiting > len("last")
    async with in_time("all arrive"):
        assert [await client.recv() for _ in range(9)] == [text[:200] for text in texts[:6]] + texts[6:] + ["last"]
        outlet.join(prepare(b"with the close"))
        outlet.close(4012)
        assert await client.recv() == "with the close"
        await outlet.left()


async def test_what_a_client_does_not_take_is_counted_and_keeps_nobody_waiting(
    served: Served,
) -> None:
    outlet, client, _ = served
    client.transport.pause_reading()
    async with in_time("as much waits as the system does not take"):
        for _ in range(PARTS):
            outlet.write(PART)
        while not 0 < (waits := outlet.waiting) < PARTS * len(PART):
            await asyncio.wait([asyncio.create_task(outlet.taken())], timeout=0.01)
    assert waits > len(PART)
    client.transport.resume_reading()
    async with in_time("it is taken"):
        for _ in range(PARTS):
            await client.recv()
        await outlet.taken()
    assert outlet.waiting < len(PART)


async def test_a_close_comes_after_what_was_written_and_nothing_after_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet, client, _ = served
    for module in (outlets, websocket):  # 25 MiB take longer than that on a busy machine.
        monkeypatch.setattr(module, "CLOSE_SECONDS", 60.0)
    for _ in range(PARTS):
        outlet.write(PART)
    outlet.close(4008)
    outlet.write(prepare(b"too late"))
    heard = []
    async with in_time("it ends"):
        with suppress(websockets.ConnectionClosed):
            while True:
                heard.append(await client.recv())
        await outlet.left()
    assert client.close_code == 4008
    assert len(heard) == PARTS
    assert heard[-1] != "too late"


async def test_frames_that_waited_for_room_arrive_in_order_between_those_around_them(served: Served) -> None:
    outlet, client, _ = served
    client.transport.pause_reading()
    for number in range(WAITING):
        (outlet.join if number % 3 else outlet.write)(prepare(str(number).encode() * 20_000))
    client.transport.resume_reading()
    async with in_time("all arrive"):
        for number in range(WAITING):
            assert (await client.recv()) == str(number) * 20_000
            if number % 100 == 0:
                outlet.write(prepare(b"behind"))
        assert [await client.recv() for _ in range(WAITING // 100)] == ["behind"] * (WAITING // 100)


async def test_a_client_that_is_gone_takes_nothing_and_breaks_nothing(served: Served) -> None:
    outlet, client, _ = served
    client.transport.abort()
    async with in_time("it is noticed"):
        outlet.write(PART)
        await outlet.taken()
        while outlet.waiting:
            await asyncio.wait([asyncio.create_task(outlet.taken())], timeout=0.01)
        outlet.write(PART)
        outlet.close(4012)
        await outlet.left()
    assert outlet.waiting == 0


@pytest.mark.parametrize("ping_seconds", [0.2])
async def test_a_client_that_answers_no_ping_is_let_go_though_much_waits_for_it(served: Served) -> None:
    served.client.transport.pause_reading()
    for _ in range(PARTS):
        served.outlet.write(PART)
    async with in_time("the server's side ends"):
        await served.ended.wait()
