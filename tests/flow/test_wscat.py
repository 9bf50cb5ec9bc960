"""A WebSocket client that knows nothing of us: wscat, which sends what is typed and prints what comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.servers.programs import node_packages, on_path, require_program
from tests.world import Frame, World, in_time

LOCK = Path(__file__).parents[1] / "servers" / "conf" / "wscat"


class Wscat:
    """One that is connected."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout
        self._typed, self._printed = process.stdin, process.stdout

    def types(self, **frame: Any) -> None:
        """Type a frame and press Enter."""
        self._typed.write(json.dumps(frame).encode() + b"\n")

    async def prints(self, type_: str) -> Frame:
        """The next frame of a type that it prints."""
        async with in_time(f"wscat prints {type_}"):
            while line := await self._printed.readline():
                text = line[line.find(b"{") :]
                if b'"type"' in text and (frame := json.loads(text))["type"] == type_:
                    return dict(frame)
        raise AssertionError(f"wscat ended before {type_}")


@asynccontextmanager
async def wscat(world: World, ticket: str) -> AsyncIterator[Wscat]:
    """One that comes with a ticket."""
    node = require_program(on_path("node"), package="nodejs")
    packages = await asyncio.to_thread(node_packages, "wscat", lock=LOCK)
    process = await asyncio.create_subprocess_exec(
        str(node), str(packages / "node_modules" / "wscat" / "bin" / "wscat"),
        "--connect", world.server.url.replace("http", "ws") + "/ws/chat/",
        "--subprotocol", "chat.v1", "--subprotocol", f"ticket.{ticket}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Wscat(process)
    finally:
        process.kill()
        await process.wait()


async def test_wscat_talks_with_a_ticket_and_what_is_typed(world: World) -> None:
    chat, ada_id = await world.chat(["ada", "ben"]), await world.id("ada")
    async with world.connect("ben", chat) as ben, wscat(world, await world.ticket("ada")) as ada:
        assert (await ada.prints("READY"))["userId"] == ada_id
        ada.types(type="SUBSCRIBE", rooms={chat: None})
        begun = await ada.prints("SUBSCRIBED")
        assert (begun["roomId"], begun["mode"]) == (chat, "full")
        ada.types(type="SEND_MESSAGE", roomId=chat, content="by hand")
        heard = await ben.expect("MESSAGE", content="by hand")
        # Of the two that follow a send either may be the first.
        told = await ada.prints("MESSAGE")
        assert (told["messageId"], told["senderId"]) == (heard["messageId"], ada_id)
        await ben.say(chat, "hello, hand")
        assert (await ada.prints("MESSAGE"))["content"] == "hello, hand"
        ada.types(type="HEARTBEAT", ref="h")
        assert (await ada.prints("HEARTBEAT_ACK"))["ref"] == "h"
