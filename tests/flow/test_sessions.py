"""The life of a session: slow clients, ends of tokens, ends of servers."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import pytest
import websockets

from chatsite.gateway.protocol import Cursor
from tests.world import Device, Server, World, manage

MakeServer = Callable[..., Server]
ROOMS = 500  # of one SUBSCRIBE, as many as there may be


async def unread(world: World, name: str, chat: str) -> websockets.ClientConnection:
    """A connection whose client has subscribed and reads nothing more."""
    socket = await websockets.connect(
        world.server.url.replace("http", "ws") + "/ws/chat/",
        additional_headers={"Authorization": f"Bearer {await world.token(name)}"},
        compression=None, max_queue=1, ping_interval=None,
    )  # fmt: skip
    await socket.send(json.dumps({"type": "SUBSCRIBE", "roomId": chat}))
    while json.loads(await socket.recv())["type"] != "SUBSCRIBED":
        pass
    return socket


async def test_a_slow_client_is_closed_alone_and_resumes_without_a_hole(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_OUTBOUND_BYTES": "100000"})) as world:
        chat = await world.chat(["ada", "ben", "cyd"])
        async with world.connect("ada", chat) as ada, world.connect("cyd", chat) as cyd:
            slow = await unread(world, "ben", chat)
            count = 0
            while "too slow" not in world.server.log():
                await asyncio.gather(*[ada.say(chat, f"{count + n} " + "x" * 7_000) for n in range(25)])
                count += 25
                assert count < 5_000, "the slow client was never closed"
                # Nobody else is kept waiting or closed; and ben misses less than the MiB that a room's stream keeps.
                await cyd.heard_until(chat, lambda _, count=count: len(cyd.said(chat)) == count)  # type: ignore[misc]
            # What was written before it was closed still comes, perhaps all of it: this does not.
            await ada.say(chat, f"{count} after that")
            count += 1
            await cyd.heard_until(chat, lambda _: len(cyd.said(chat)) == count)
            ben = Device(world, "ben")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                while True:
                    frame = json.loads(await slow.recv())
                    if frame["type"] == "MESSAGE":
                        ben.heard.setdefault(chat, []).append(frame)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4008
            before = ben.heard[chat]
            assert 0 < len(before) < count
            ben.cursors[chat] = Cursor(before[-1]["epoch"], before[-1]["pos"])
            await ben.resume()
            await ben.heard_until(chat, lambda _: len(ben.said(chat)) == count)
            assert ben.said(chat) == cyd.said(chat)
            assert (ben.holes, ben.resyncs) == (0, [])


async def test_a_session_ends_with_its_token_unless_it_is_renewed(make_server: MakeServer) -> None:
    server = make_server(environment={"CHAT_ACCESS_TOKEN_SECONDS": "3"})
    async with World(server) as world, world.connect("ada") as ada, world.connect("ben") as ben:
        await ada.expect("AUTH_EXPIRING")
        renewed = await ada.ask("AUTH", ticket=await world.ticket("ada"))
        assert renewed.body["type"] == "OK"
        assert 0 < renewed.body["expiresInMs"] <= 3_000
        assert await ben.closed() == 4011
        assert await ada.closed() == 4011


@pytest.mark.rules
async def test_an_expired_token_opens_nothing(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_ACCESS_TOKEN_SECONDS": "-60"})) as world:
        assert (await world.rest("ada", "GET", "/api/me")).code == "token_expired"
        device = Device(world, "ada")
        await device.open_raw(headers={"Authorization": f"Bearer {await world.token('ada')}"})
        assert await device.closed() == 4001
        assert device.frames[0]["code"] == "token_expired"


async def test_a_server_that_stops_says_so_and_loses_nothing(make_server: MakeServer) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada"])
        async with world.connect("ada", chat) as ada:
            await ada.say(chat, "before")
            await world.restart(kill=False)
            assert await ada.closed() == 4012
            assert (await ada.expect("RECONNECT"))["jitterMs"] > 0
            await ada.resume()
            await ada.say(chat, "after")
            await ada.heard_until(chat, lambda heard: len(heard) == 2)
            assert ada.said(chat) == ["before", "after"]


async def test_signing_out_closes_the_sockets_of_that_sign_in(world: World) -> None:
    async with world.connect("dan") as dan:
        other = (await world.rest(None, "POST", "/api/auth/token", {"username": "dan", "password": "pw"})).body
        bearer = {"Authorization": f"Bearer {other['access']}"}
        second = Device(world, "dan")
        await second.open_raw(headers=bearer)
        await second.expect("READY")
        assert (await world.rest(None, "POST", "/api/auth/logout", headers=bearer)).status == 204
        assert await second.closed() == 4011
        assert (await dan.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"


async def test_many_who_join_a_room_at_once_all_hear_it(world: World) -> None:
    """Some have too much to catch up on and leave again while the others join."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada") as ada:
        first = await ada.say(chat, "0")
        await asyncio.gather(*[ada.say(chat, f"{number}") for number in range(1, 150)])
    devices = [Device(world, name) for name in ("ada", "ben") * 8]
    for number, device in enumerate(devices):
        await device.open()
        device.cursors[chat] = Cursor(first.body["epoch"], first.body["pos"]) if number % 2 else None
    await asyncio.gather(*[device.subscribe(chat) for device in devices])
    await devices[0].say(chat, "for all")
    for device in devices:
        await device.heard_until(chat, lambda heard: heard != [] and heard[-1]["content"] == "for all")
        assert (device.holes, device.resyncs) == (0, [])


async def test_five_hundred_rooms_are_resumed_by_one_frame_on_any_server(make_server: MakeServer) -> None:
    async with World(server := make_server()) as world:
        made = await asyncio.to_thread(manage, server.folder, str(ROOMS - 1), module="tests.many")
        rooms: list[str] = json.loads(made)
        busy, some, forged = rooms[:3]
        foreign = await world.chat(["eve"])
        async with world.connect("ben") as ben, world.connect("ada") as ada:
            await ada.subscribe(*rooms)
            assert [frame["type"] for frame in ada.frames].count("SUBSCRIBED") == len(rooms)
            await ada.cut()
            for number in range(150):
                await ben.say(busy, f"{number}")
            for number in range(5):
                await ben.say(some, f"{number}")
            await world.until("ben", f"/api/chats/{some}/messages?limit=1", lambda page: page["messages"])
            for again in range(2):  # In the shapes with two servers at one and the other.
                device = Device(world, "ada")
                device.cursors = {**ada.cursors, forged: Cursor("another", 1), foreign: ada.cursors[some]}
                await device.open()
                start = len(ben.frames)
                resuming = asyncio.create_task(device.subscribe(*device.cursors))
                assert (await ben.ask("HEARTBEAT")).code is None  # Nobody else waits for it.
                heard = [frame["type"] for frame in ben.frames[start:] if frame["type"] != "PRESENCE"]
                assert heard == ["HEARTBEAT_ACK"]
                await resuming
                await device.heard_until(busy, lambda heard: len(heard) == 150)
                await device.heard_until(some, lambda heard: len(heard) == 5)
                told = [frame for frame in device.frames if frame.get("ref")]
                kinds = Counter(frame["type"] for frame in told)
                assert kinds == {"SUBSCRIBED": ROOMS - 1, "RESYNC": 1, "ERROR": 1}  # the busy one takes two
                assert {frame["roomId"] for frame in told} == device.cursors.keys()
                assert [frame["roomId"] for frame in told if frame.get("more")] == [busy]
                assert [frame["roomId"] for frame in told if frame["type"] == "ERROR"] == [foreign]
                assert (device.holes, [frame["roomId"] for frame in device.resyncs]) == (0, [forged])
                said = await ben.say(rooms[-1], f"live {again}")
                await device.expect("MESSAGE", messageId=said.body["messageId"])
                await device.close()


async def test_what_was_accepted_is_answered_before_a_server_stops(make_server: MakeServer) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada"])
        async with world.connect("ada") as ada:
            for number in range(200):
                await ada.send({"type": "SEND_MESSAGE", "ref": f"s{number}", "roomId": chat, "content": f"{number}"})
            await ada.expect("ACK", ref="s20")
            await world.restart(kill=False)
            assert await ada.closed() == 4012
            acked = {frame["ref"] for frame in ada.frames if frame["type"] == "ACK"}
            stored = {f"s{message['content']}" for message in await world.history("ada", chat)}
            assert stored == acked, "something was accepted and never answered"


async def test_a_person_has_so_many_connections_over_all_servers(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_CONNECTIONS": "4"})) as world:
        devices = [await world.knock("ada") for _ in range(6)]
        assert [device.frames[0]["type"] for device in devices] == ["READY"] * 4 + ["ERROR"] * 2
        for refused in devices[4:]:
            assert refused.frames[0]["code"] == "too_many_connections"
            assert await refused.closed() == 4009
        assert (await world.knock("ben")).frames[0]["type"] == "READY"
        await devices[0].close()
        await devices[1].cut()
        for _ in range(2):
            await world.let_in("ada")
        assert (await world.knock("ada")).frames[0]["type"] == "ERROR"


@pytest.mark.embedded
async def test_two_servers_cannot_share_a_folder(make_server: MakeServer) -> None:
    server = make_server()
    with pytest.raises(RuntimeError, match="A server runs on") as refused:
        await asyncio.to_thread(manage, server.folder, "serve", "--port", "0")
    assert "never awaited" not in str(refused.value)


async def test_health_tells_ready_from_live(world: World) -> None:
    assert (await world.rest(None, "GET", "/health/live")).body == {"status": "live"}
    assert (await world.rest(None, "GET", "/health/ready")).body == {"status": "ready", "wrong": {}}
