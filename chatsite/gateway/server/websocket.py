"""Our WebSocket on uvicorn's: bounded, and with a straight way out for frames that are prepared once."""

import asyncio
import base64
import hashlib
import re
from collections import deque
from collections.abc import Coroutine
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import Protocol, State

from chatsite.gateway.outlets import CLOSE_SECONDS, EXTENSION
from chatsite.gateway.server.addresses import came, went

CLOSED_AT_ONCE = 8  # sockets, in some 0.5 ms
MAX_JOINED = 16 * 1024  # bytes for one write; over it there is little to win
MAX_FRAGMENTS = 1_000  # of one frame; a size limit alone lets empty ones pass for ever
FRAGMENTS_CODE = 1009
PING_CODE = 1011
LOST_CODE = 1006  # RFC 6455, 7.4.1: no close frame came
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
_OF_UVICORN = (  # the attributes of its WebSocket
    "app", "app_state", "asgi_version", "client", "close_sent", "close_timeout", "close_timer", "config", "conn",
    "connections", "curr_msg_data_type", "default_headers", "disconnected", "frames", "handshake_complete",
    "handshake_initiated", "initial_response", "last_ping_rtt", "logger", "loop", "pending_ping_payload",
    "ping_interval", "ping_sent_at", "ping_timeout", "ping_timer", "pong_timer", "queue", "read_paused", "request",
    "response", "root_path", "scheme", "scope", "server", "tasks", "transport", "writable",
)  # fmt: skip
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes in base64
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def accept_of(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """The Sec-WebSocket-Accept for a handshake's headers; None where the library has to say what is wrong with them.

    Extensions are not looked at: this server has none.
    """
    found = dict(headers)
    key = found.get(b"sec-websocket-key", b"")
    if _KEY.fullmatch(key) is None or found.get(b"sec-websocket-version") != b"13":
        return None
    if len(found) < len(headers):
        names = [name for name, _ in headers]
        if any(names.count(name) > 1 for name in (b"sec-websocket-key", b"sec-websocket-version", b"upgrade")):
            return None
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


class _Received:
    """What came and was not taken yet, for one taker; asyncio's queue takes 3 KiB of each idle socket."""

    __slots__ = ("_items", "_waiting")

    def __init__(self) -> None:
        self._items: list[Any] = []  # bounded: after the first one the socket is not read
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        """Add one more."""
        self._items.append(item)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the next one."""
        return self._waiting is not None and not self._waiting.done()

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    async def get(self) -> Any:
        """Take the first one, or wait for it."""
        while not self._items:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        self._waiting = None
        return self._items.pop(0)


class _Writable:
    """Whether the transport takes more, and a way to wait for it; asyncio's event takes 760 bytes of each socket."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = True
        self._event: asyncio.Event | None = None  # made for who waits

    def is_set(self) -> bool:
        """Whether it does."""
        return self._is_set

    def set(self) -> None:
        """Let go on who waits."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
            self._event = None

    def clear(self) -> None:
        """Let wait who asks from now on."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it has taken something, unless it takes more now."""
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


class Ended:
    """Sockets whose clients have gone: so many are closed in each turn of the loop, when thousands are cut at once."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Transport] = deque()  # bounded by open files
        self._loop: asyncio.AbstractEventLoop | None = None  # whose sockets they are

    def close_soon(self, transport: asyncio.Transport) -> None:
        """Close it in one of the next turns."""
        if not self._waiting or self._loop is not asyncio.get_running_loop():
            self._loop = asyncio.get_running_loop()
            self._waiting.clear()  # They were of a loop that has ended.
            self._loop.call_soon(self._turn, self._loop)
        self._waiting.append(transport)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(CLOSED_AT_ONCE, len(self._waiting))):
            self._waiting.popleft().close()
        if self._waiting:
            loop.call_soon(self._turn, loop)


_ended = Ended()


class _Outlet:
    """Prepared frames straight to the transport, and to one that is full once it has room.

    Each write is a system call, or where the client does not read, a request that the loop carries along: what is
    kept here for it costs the others nothing.
    """

    __slots__ = ("_kept", "_protocol", "_size", "_transport")

    def __init__(self, protocol: "BoundedWebSocket") -> None:
        self._protocol, self._transport = protocol, protocol.transport
        self._kept: list[bytes] | None = None  # for the end of this turn, or for room; bounded by the session's budget
        self._size = 0  # of those, in bytes

    @property
    def waiting(self) -> int:
        return 0 if self._protocol.disconnected else self._transport.get_write_buffer_size() + self._size

    def write(self, frames: bytes) -> None:
        if self._protocol.disconnected or self._protocol.close_sent:
            return
        if not self._protocol.is_full:
            if self._kept:
                self._keep(frames)
                self.write_kept()
            else:
                self._transport.write(frames)
        else:
            self._keep(frames)

    def join(self, frames: bytes) -> None:
        if not self._kept:
            self._protocol.loop.call_soon(self._end_turn)
        self._keep(frames)
        if self._size >= MAX_JOINED:
            self._end_turn()

    def close(self, code: int) -> None:
        self.write_kept()
        self._protocol.close(code)

    async def taken(self) -> None:
        self._end_turn()
        await self._protocol.writable.wait()

    async def left(self) -> None:
        await self._protocol.writable.wait()

    def serve(self, reader: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        return reader

    def write_kept(self) -> None:
        """Hand everything to the transport."""
        kept, self._kept, self._size = self._kept, None, 0
        if kept and not (self._protocol.disconnected or self._protocol.close_sent):
            # Not as one: each client's own copy of what all of them have not read would be the memory of the budgets.
            self._transport.writelines(kept)

    def _keep(self, frames: bytes) -> None:
        if self._kept is None:
            self._kept = []
        self._kept.append(frames)
        self._size += len(frames)

    def _end_turn(self) -> None:
        if not self._protocol.is_full:
            self.write_kept()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is not read while its client does not read: pings alone would fill the memory.

    It has a slot for each attribute of uvicorn's too: they are too many for a dictionary whose keys all sockets
    share, and one of its own takes 1.8 KiB of each. What is not named here works, in that dictionary.
    """

    __slots__ = ("_abort", "_accept", "_outlet", "is_full", *_OF_UVICORN)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = _Received()  # type: ignore[assignment]
        self.writable = _Writable()  # type: ignore[assignment]
        self.is_full = False  # The transport has so much to write that more of it would only wait there.
        self._abort: asyncio.TimerHandle | None = None
        self._outlet: _Outlet | None = None
        self._accept: bytes | None = None  # the answer to a handshake that was in order

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over from HTTP, which counted it."""
        super().connection_made(transport)
        came(transport)

    def take_over(self, http: HttpToolsProtocol) -> None:
        """The same from one that knows already who is at which end, and has counted it."""
        self.connections.add(self)
        self.transport = http.transport
        self.server, self.client = http.server, http.client
        self.scheme = "wss" if http.scheme == "https" else "ws"

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and tell whoever reads it: uvicorn says the same of this and of a close without a code."""
        went(self.transport)
        self._outlet = None
        if self.conn.close_rcvd is None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": LOST_CODE})
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Let the loop not close it: of thousands that are cut at once it would close all in one turn."""
        _ended.close_soon(self.transport)
        return True

    def send_receive_event_to_app(self) -> None:
        """Hand on what was read; only where nobody waits for it the socket is not read meanwhile.

        Each pause is two calls of the system, and most clients wait for an answer.
        """
        is_awaited = cast(_Received, self.queue).is_awaited and not self.read_paused
        if is_awaited:
            self.read_paused = True  # uvicorn pauses the transport unless it is paused already.
        super().send_receive_event_to_app()
        if is_awaited:
            self.read_paused = False

    def begin(self, target: bytes, headers: list[tuple[bytes, bytes]], accept: bytes) -> None:
        """Run the application for a handshake that `accept` is the answer to."""
        self._accept = accept
        self.handshake_initiated = True
        self.conn.parser = Protocol.parse(self.conn)  # of frames: the request has been read
        next(self.conn.parser)
        path, _, query = target.partition(b"?")
        offered = [value for name, value in headers if name == b"sec-websocket-protocol"]
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(path.decode("ascii")),
            "raw_path": self.root_path.encode("ascii") + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": [one.strip() for value in offered for one in value.decode("latin-1").split(",")],
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def send(self, message: Any) -> None:
        """Answer a handshake that was in order ourselves; all else is uvicorn's."""
        is_accept = message["type"] == "websocket.accept" and not self.handshake_complete
        if self._accept is None or not is_accept or self.disconnected:
            await super().send(message)
        elif not self.transport.is_closing():
            self.handshake_complete = True
            self.conn.state = State.OPEN
            headers = [*self.default_headers, *message.get("headers", ())]
            if subprotocol := message.get("subprotocol"):
                headers.append((b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            self.transport.write(b"%b%b\r\n%b\r\n" % (SWITCHING, self._accept, lines))
            self.start_keepalive()

    async def run_asgi(self) -> None:
        """Run the application, which may write past ASGI."""
        scope: dict[str, Any] = cast(dict[str, Any], self.scope)
        scope["extensions"][EXTENSION] = self._outlet = _Outlet(self)
        await super().run_asgi()

    def close(self, code: int) -> None:
        """Send a close frame after what was written; the client has its time to answer it."""
        if self.disconnected:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        if self.close_sent or self.transport.is_closing():
            return  # uvicorn was faster, for a client that answers no ping: whoever reads it is told here.
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.writable.set()  # Nobody writes any more: whoever waits to goes on.
        self.transport.resume_reading()
        self.transport.set_write_buffer_limits(high=0)  # From here on writable says that all of it was taken.
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def pause_writing(self) -> None:
        """Stop reading what would be answered."""
        self.is_full = True
        super().pause_writing()
        if not self.close_sent:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Write what was kept; once that is taken too read on, unless the application has yet to take what was read."""
        self.is_full = False
        if self._outlet is not None:
            self._outlet.write_kept()
        if self.is_full:
            return
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self):  # type: ignore[no-untyped-def]
        """The next message; the one after it is read once the client reads too."""
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if self.writable.is_set():
                self.transport.resume_reading()
        return message

    def handle_ping(self) -> None:
        """Answer a ping, but for one after the close: its client is read though it may not read."""
        if self.close_sent:
            self.conn.data_to_send()
        else:
            super().handle_ping()

    def keepalive_timeout(self) -> None:
        """Let go of a client that answers no ping, and tell whoever reads it."""
        super().keepalive_timeout()
        if not self.disconnected:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": PING_CODE})

    def handle_cont(self, event: Frame) -> None:
        """Add a fragment, or fail a frame of too many."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(FRAGMENTS_CODE, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Let go for good of a client that does not read its end."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._abort = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
