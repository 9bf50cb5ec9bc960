"""The chat of Channels' tutorial, on daphne and channels_redis: what everybody begins with.

It numbers its messages, so that the load client finds what is lost or out of order; it keeps nothing.
"""

import json
import os
import sys
import time

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings

from tests.servers import address

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [address("redis")]},
        }
    },
)
django.setup()


class Stock(AsyncWebsocketConsumer):
    """One WebSocket in one group, as the tutorial has it."""

    said = 0  # in the one room there is

    async def connect(self) -> None:
        """Come in."""
        await self.accept()  # type: ignore[no-untyped-call]
        await self.say({"type": "READY"})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hear a room, or say something in it."""
        frame = json.loads(text_data or "")
        room = frame["roomId"]
        if frame["type"] == "SUBSCRIBE":
            await self.channel_layer.group_add(room, self.channel_name)
            await self.say({"type": "SUBSCRIBED", "roomId": room, "pos": Stock.said})
            return
        Stock.said += 1
        message = {
            "type": "MESSAGE",
            "roomId": room,
            "messageId": str(Stock.said),
            "content": frame["content"],
            "ts": time.time(),
            "pos": Stock.said,
            "prev": Stock.said - 1,
        }
        await self.channel_layer.group_send(room, {"type": "chat.message", "message": message})
        await self.say({"type": "ACK", "ref": frame["ref"]})

    async def chat_message(self, event: dict[str, object]) -> None:
        """Pass on what somebody said."""
        await self.say(event["message"])

    async def say(self, frame: object) -> None:
        """Send a frame."""
        await self.send(json.dumps(frame, separators=(",", ":")))  # type: ignore[no-untyped-call]


def main() -> None:
    """Serve on a free port until SIGTERM."""

    def announce() -> None:
        port = server.listening_addresses[0][1]
        os.write(sys.stdout.fileno(), f"Stock is at http://127.0.0.1:{port}/\n".encode())

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=0)
    server = Server(Stock.as_asgi(), endpoints=endpoints, ready_callable=announce, ping_interval=25)  # type: ignore[no-untyped-call]
    server.run()


if __name__ == "__main__":
    main()
