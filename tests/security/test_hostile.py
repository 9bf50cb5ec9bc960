"""Hostile clients: each costs only itself, and memory stays where it was."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest
import websockets

from chatsite.gateway.consumer import AUTH_SECONDS
from chatsite.gateway.server.http import BODY_SECONDS, HEAD_SECONDS, MAX_HEAD_BYTES
from chatsite.kernel.rest import MAX_BODY
from tests.hostile import CONTINUATION, PING, TEXT, frame, handshake, raw, resident_mb, signed_in, text
from tests.world import Device, Server, World, in_time, manage

MakeServer = Callable[..., Server]
# The limits of a real server, and a proxy that gives each client an address of its own.
REAL = {"CHAT_LIMIT_RULES": "", "CHAT_TRUSTED_PROXIES": "127.0.0.1"}
GROWTH_MB = 40.0
DRIP_SECONDS = 0.1
POURED = 1_000_000  # bytes of pings, 100,000 of them: two seconds of a core
SUBSCRIPTIONS, ROOMS_A_FRAME = 1_000, 500


@pytest.fixture
async def real(make_server: MakeServer) -> AsyncIterator[World]:
    """A world with the limits that people meet."""
    async with World(make_server(environment=REAL)) as world:
        yield world


async def still_fine(world: World, chat: str, ben: Device) -> None:
    """Somebody else connects, speaks and is heard, promptly."""
    async with in_time("ben talks"), asyncio.timeout(5):
        assert (await ben.say(chat, "still here")).code is None
        assert (await ben.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"
        other = Device(world, "cyd")
        await other.open_raw(
            headers=from_address("192.0.2.2") | {"Authorization": f"Bearer {await world.token('cyd')}"}
        )
        await other.expect("READY")
        await other.close()


def from_address(address: str) -> dict[str, str]:
    """The header of a proxy."""
    return {"X-Forwarded-For": address}


async def test_one_person_has_ten_connections(real: World) -> None:
    devices = [Device(real, "ada") for _ in range(11)]
    for device in devices[:10]:
        await device.open()
    await devices[10].open_raw(headers={"Authorization": f"Bearer {await real.token('ada')}"})
    assert (await devices[0].expect("READY"))["limits"]["connections"] == 10
    assert await devices[10].closed() == 4009
    assert devices[10].frames[0]["code"] == "too_many_connections"
    async with real.connect("ben") as ben:  # Another person has ten of his own.
        assert (await ben.ask("HEARTBEAT")).code is None
    await devices[0].cut()
    async with in_time("a place is free again"):
        while True:
            again = Device(real, "ada")
            await again.open_raw(headers={"Authorization": f"Bearer {await real.token('ada')}"})
            await again.until(lambda frame: True)
            if again.frames[0]["type"] == "READY":
                break


async def test_a_thousand_sockets_from_one_address(real: World) -> None:
    chat = await real.chat(["ben", "cyd"])
    async with real.connect("ben", chat) as ben:
        before = resident_mb(real.server)

        async def knock() -> int:
            try:
                async with websockets.connect(
                    real.server.url.replace("http", "ws") + "/ws/chat/",
                    additional_headers=from_address("203.0.113.9"), compression=None, open_timeout=20,
                ) as socket:  # fmt: skip
                    await socket.wait_closed()
                    return socket.close_code or 0
            except websockets.InvalidStatus as refused:
                assert int(refused.response.headers["Retry-After"]) >= 1
                assert json.loads(refused.response.body or b"")["code"] in ("rate_limited", "too_many_connections")
                return refused.response.status_code

        knocking = [asyncio.create_task(knock()) for _ in range(1_000)]
        await asyncio.wait(knocking, return_when=asyncio.FIRST_COMPLETED)
        await still_fine(real, chat, ben)
        outcomes = Counter(await asyncio.gather(*knocking))
        # Fifty at once may say who they are for 5 s; the others are told to come later.
        assert outcomes[429] > 700
        assert set(outcomes) == {429, 4001}
        assert resident_mb(real.server) - before < GROWTH_MB


async def test_an_office_behind_one_address_comes_back_at_once(real: World) -> None:
    devices = [Device(real, name) for name in ("ada", "ben", "cyd", "dan", "eve", "zoe") for _ in range(10)]
    tokens = {name: await real.token(name) for name in {device.name for device in devices}}
    office = from_address("203.0.113.77")
    await asyncio.gather(
        *[one.open_raw(headers=office | {"Authorization": f"Bearer {tokens[one.name]}"}) for one in devices]
    )
    for device in devices:
        await device.expect("READY")


async def test_who_reads_nothing_is_read_no_more(real: World) -> None:
    chat = await real.chat(["ben", "ada", "cyd"])
    async with real.connect("ben", chat) as ben, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        ada.read_nothing()
        poured = await ada.pours(frame(PING, bytes(125)) * 500, up_to=200_000_000)
        assert poured < 50_000_000, "pings are answered into a memory without bounds"
        assert resident_mb(real.server) - before < GROWTH_MB
        await still_fine(real, chat, ben)


async def test_a_reader_of_one_byte_at_a_time_gets_no_more_memory(real: World) -> None:
    chat = await real.chat(["ben", "ada", "cyd", "dan"])
    async with real.connect("ben", chat) as ben, real.connect("dan") as dan, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        ada.writer.write(text(type="SUBSCRIBE", roomId=chat))
        for _ in range(100):
            await ada.reader.readexactly(1)
            assert (await dan.say(chat, "x" * 7_000)).code in (None, "rate_limited")
        assert resident_mb(real.server) - before < GROWTH_MB
        await still_fine(real, chat, ben)


async def test_a_writer_of_one_byte_at_a_time_costs_itself_alone(real: World) -> None:
    chat = await real.chat(["ben", "ada", "cyd"])
    async with real.connect("ben", chat) as ben, raw(real.server) as stranger, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        stranger.writer.write(handshake(real.server.port, None))
        await stranger.reader.readuntil(b"\r\n\r\n")
        sentence = text(type="AUTH", token=await real.token("ada"))
        dripping = [
            asyncio.create_task(one.drips(data, every=DRIP_SECONDS))
            for one, data in ((stranger, sentence), (ada, text(type="HEARTBEAT", ref="drop by drop")))
        ]
        await still_fine(real, chat, ben)
        async with in_time("who it is was to be said within 5 s", seconds=AUTH_SECONDS + 2):
            await stranger.reader.readuntil(b'"unauthenticated"')
        async with in_time("the socket ends, though its close is not answered"):
            await stranger.ends()
        dripping[0].cancel()
        await dripping[1]  # Who is known may take their time.
        await ada.reader.readuntil(b'"drop by drop"')
        assert resident_mb(real.server) - before < GROWTH_MB
        await still_fine(real, chat, ben)


async def test_pings_alone_keep_nobody_else_waiting(real: World) -> None:
    chat = await real.chat(["ben", "ada", "cyd"])
    async with real.connect("ben", chat) as ben, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        reading = asyncio.create_task(ada.ends())  # It reads every pong, so nothing but fairness slows it down.
        flood = asyncio.create_task(ada.pours(frame(PING, b"ping") * 200, up_to=POURED))
        for _ in range(3):
            await still_fine(real, chat, ben)
        assert await flood == POURED
        assert resident_mb(real.server) - before < GROWTH_MB
        reading.cancel()


async def test_a_thousand_subscriptions_are_had_and_no_more(make_server: MakeServer) -> None:
    server = make_server()
    chats = json.loads(manage(server.folder, str(SUBSCRIPTIONS + 100), module="tests.many"))
    async with World(server) as world, world.connect("ben") as ben, world.connect("ada") as ada:
        await ben.subscribe(chats[0])
        before = resident_mb(server)
        for start in range(0, len(chats), ROOMS_A_FRAME):
            await ada.subscribe(*chats[start : start + ROOMS_A_FRAME])
        answers = Counter(frame.get("code") or frame["type"] for frame in ada.frames)
        assert (answers["SUBSCRIBED"], answers["rate_limited"]) == (SUBSCRIPTIONS, 100)
        for _ in range(18):  # 9,000 more, of no rooms
            await ada.subscribe(*[str(uuid.uuid4()) for _ in range(ROOMS_A_FRAME)])
        await still_fine(world, chats[0], ben)
        assert (await ada.ask("UNSUBSCRIBE", rooms=chats[:1])).code is None
        assert (await ada.ask("SUBSCRIBE", roomId=chats[-1])).body["type"] == "SUBSCRIBED"
        assert (await ada.ask("SUBSCRIBE", roomId=chats[-2])).code == "rate_limited"
        assert resident_mb(server) - before < GROWTH_MB


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Pad": "x" * 200_000},
        {f"X_Pad{n}": "x" * 1_000 for n in range(100)},
        {"Sec_WebSocket_Protocol": "y" * 99_999},
    ],
    ids=["one", "many", "subprotocol"],
)
async def test_a_handshake_with_huge_headers_is_none(world: World, headers: dict[str, str]) -> None:
    chat = await world.chat(["ben", "cyd"])
    async with world.connect("ben", chat) as ben, raw(world.server) as huge:
        await huge.pours(handshake(world.server.port, await world.token("ada"), **headers), up_to=1)
        async with in_time("it is refused"):
            answer = await huge.ends()
        assert b"READY" not in answer
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")
        await still_fine(world, chat, ben)


async def test_endless_fragments_end(real: World) -> None:
    chat = await real.chat(["ben", "cyd"])
    async with real.connect("ben", chat) as ben, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        ada.writer.write(frame(TEXT, b"{", fin=False))
        poured = await ada.pours(frame(CONTINUATION, fin=False) * 1_000, up_to=60_000_000)
        assert poured < 60_000_000
        await ada.ends()
        assert resident_mb(real.server) - before < GROWTH_MB
        await still_fine(real, chat, ben)


@pytest.mark.parametrize("loop", ["heartbeats", "subscriptions", "sends", "unknown rooms"])
async def test_floods_of_frames_are_answered_at_the_pace_of_their_bucket(real: World, loop: str) -> None:
    chat = await real.chat(["ben", "ada", "cyd"])
    nowhere = "00000000-0000-4000-8000-000000000000"
    frames = {
        "heartbeats": text(type="HEARTBEAT"),
        "subscriptions": text(type="SUBSCRIBE", roomId=chat) + text(type="UNSUBSCRIBE", rooms=[chat]),
        "sends": text(type="SEND_MESSAGE", roomId=chat, content="flood"),
        "unknown rooms": text(type="SUBSCRIBE", rooms={nowhere: None}),
    }
    async with real.connect("ben", chat) as ben, signed_in(real, "ada") as ada:
        before = resident_mb(real.server)
        flood = asyncio.create_task(ada.pours(frames[loop] * 100, up_to=20_000_000, patience=3.0))
        await ada.reader.readuntil(b'"rate_limited"')
        await still_fine(real, chat, ben)
        # The server reads on as tokens come back; TCP holds the rest of the flood with its sender.
        assert await flood < 20_000_000
        assert resident_mb(real.server) - before < GROWTH_MB
        await still_fine(real, chat, ben)
    said = [message["content"] for message in await real.history("ben", chat)]
    assert said.count("still here") == 2


async def test_half_a_request_is_not_waited_for(real: World) -> None:
    async with raw(real.server) as silent, raw(real.server) as slow, raw(real.server) as endless:
        slow.writer.write(handshake(real.server.port, None)[:-4])
        endless.writer.write(b"GET / HTTP/1.1\r\n")
        await endless.pours(b"X-More: " + b"y" * 1_000 + b"\r\n", up_to=4 * MAX_HEAD_BYTES)
        async with asyncio.timeout(HEAD_SECONDS - 2):
            await endless.ends()
        async with asyncio.timeout(HEAD_SECONDS + 10):
            assert await silent.ends() == await slow.ends() == b""


async def test_an_endless_body_is_cut(make_server: MakeServer) -> None:
    head = "POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    async with World(server := make_server()) as world, raw(server) as endless:
        before = resident_mb(server)
        endless.writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        poured = await endless.pours(b"10000\r\n" + b"x" * 0x10000 + b"\r\n", up_to=200_000_000)
        assert poured < 50_000_000, "a body without an end is read for ever"
        assert resident_mb(server) - before < GROWTH_MB
        async with raw(server) as large:
            large.writer.write(f"{head}Content-Length: 999999\r\n\r\n".encode() + b"x" * (MAX_BODY + 1))
            async with in_time("it is refused"):
                answer = await large.ends()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"too_large"' in answer
        assert largest_file(server) <= MAX_BODY, "what was refused is kept"
        assert (await world.rest("ada", "GET", "/api/me")).status == 200


async def test_headers_that_follow_a_body_have_an_end(world: World) -> None:
    async with raw(world.server) as endless:
        head = "POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless.writer.write(f"{head}2\r\n{{}}\r\n0\r\n".encode())
        poured = await endless.pours(b"X-More: " + b"y" * 1_000 + b"\r\n", up_to=100 * MAX_HEAD_BYTES)
        assert poured < 100 * MAX_HEAD_BYTES
        async with in_time("it is cut"):
            await endless.ends()


async def test_half_a_body_is_not_waited_for(world: World) -> None:
    async with raw(world.server) as slow:
        slow.writer.write(b"POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        async with asyncio.timeout(BODY_SECONDS + 10):
            assert await slow.ends() == b""


def largest_file(server: Server) -> int:
    """The size of the largest nameless file that a server has open."""
    sizes = [0]
    for path in Path(f"/proc/{server.pid}/fd").iterdir():
        with suppress(OSError):
            if path.readlink().name.endswith("(deleted)"):
                sizes.append(path.stat().st_size)
    return max(sizes)


async def test_one_address_holds_so_many_connections(make_server: MakeServer) -> None:
    server = make_server(environment={"CHAT_ADDRESS_CONNECTIONS": "20"})
    async with World(server) as world, world.connect("ada") as ada:
        async with AsyncExitStack() as held:
            connections = [await held.enter_async_context(raw(server)) for _ in range(30)]
            for one_too_many in connections[20:]:
                assert await one_too_many.ends() == b""
            assert (await ada.ask("HEARTBEAT")).code is None
        async with in_time("the address is let in again"):
            while True:
                try:
                    assert (await world.rest("ben", "GET", "/api/me")).status == 200
                    break
                except httpx.TransportError:
                    pass


async def test_sockets_elsewhere_are_refused_without_a_stir(real: World) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(real.server.url.replace("http", "ws") + "/ws/elsewhere/")
    assert refused.value.response.status_code == 403
    assert "Traceback" not in real.server.log()
