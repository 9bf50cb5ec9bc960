"""Hostile clients of a running server: `python -m tests.bench.crowd PORT`, sockets as JSON on stdin.

It says when all of them are connected, and goes on until its input ends.
"""

import asyncio
import sys
import threading

import msgspec

from tests.bench.client import Socket
from tests.hostile import PING, Raw, frame, handshake, text

PATIENCE = 3_600.0
BATCH = 50  # frames of one write


def flood_of(number: int, room: str) -> bytes:
    """What one of them sends again and again; every fourth only stops reading."""
    kinds = (
        text(type="HEARTBEAT") * BATCH,
        (text(type="SUBSCRIBE", roomId=room) + text(type="UNSUBSCRIBE", rooms=[room])) * BATCH,
        frame(PING, bytes(125)) * BATCH,
        b"",
    )
    return kinds[number % len(kinds)]


async def attack(port: int, number: int, socket: Socket, connected: asyncio.Semaphore) -> None:
    """Be one hostile client, for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake(port, socket.token))
    await reader.readuntil(b'"READY"')
    client = Raw(reader, writer)
    writer.write(text(type="SUBSCRIBE", roomId=socket.room))
    client.read_nothing()
    connected.release()
    if flood := flood_of(number, socket.room):
        await client.pours(flood, up_to=sys.maxsize, patience=PATIENCE)
    await asyncio.Event().wait()


async def main(port: int, sockets: list[Socket]) -> None:
    """Connect them all, and let them go on."""
    over, connected = asyncio.Event(), asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(over.set)), daemon=True).start()
    async with asyncio.TaskGroup() as tasks:  # One that fails ends them all, and the bench says so.
        attacks = [tasks.create_task(attack(port, number, one, connected)) for number, one in enumerate(sockets)]
        for _ in sockets:
            await connected.acquire()
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        await over.wait()
        for task in attacks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), msgspec.json.decode(sys.stdin.readline(), type=list[Socket])))
