"""A bare WebSocket echo on uvicorn: what the server's transport can do without a chat."""

import socket
import sys

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BACKLOG = 2_048


async def echo(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send back whatever comes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"] or ""})


def main() -> None:
    """Serve on a free port, with the options of `manage.py serve`, until SIGTERM."""
    config = uvicorn.Config(
        echo,
        loop="uvloop",
        ws="websockets-sansio",
        ws_ping_interval=25.0,
        ws_ping_timeout=65.0,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    sys.stdout.write(f"Echo is at http://127.0.0.1:{listening.getsockname()[1]}/\n")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
