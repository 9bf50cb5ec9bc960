"""HTTP whose heads and bodies end in time and size."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import is_ssl

from chatsite.gateway.server.addresses import came, ends, went
from chatsite.gateway.server.websocket import BoundedWebSocket, accept_of
from chatsite.kernel.errors import TooLarge
from chatsite.kernel.rest import MAX_BODY, problem_response

HEAD_SECONDS = 10.0  # a request line and headers arrive in one packet or two
MAX_HEAD_BYTES = 64 * 1024
BODY_SECONDS = 30.0  # from the end of the head on
MAX_DRAINED = 4 * MAX_BODY  # what is read of a body that was refused, so that its sender gets to read the answer
LINGER_SECONDS = 10.0  # how long what was written last may wait for a client that does not read


class BoundedHttp(HttpToolsProtocol):
    """HTTP whose heads and bodies end in time and size, from addresses that hold not too many connections."""

    _deadline: asyncio.TimerHandle | None = None  # of the head
    _body_deadline: asyncio.TimerHandle | None = None
    _head_bytes = _header_bytes = _body_bytes = 0
    _is_body_due = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, or let go at once of an address with too many connections.

        uvicorn makes socket objects of a transport, to ask them for the addresses that it has: a twelfth of a connect.
        """
        self.connections.add(self)
        self.transport, self.flow = transport, FlowControl(transport)
        self.server, self.client = ends(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self._wait_for_head()
        if not came(transport):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._head_came()
        self._body_ended()
        went(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head goes on and on."""
        super().data_received(data)
        if self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")
        elif self._is_body_due and self._body_deadline is None:  # Most requests come whole, in one read.
            self._body_deadline = self.loop.call_later(BODY_SECONDS, self.transport.abort)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; a head that came whole, in one read, is measured here, and what follows a chunked body."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEAD_BYTES:
            raise ValueError("The head of the request is too large.")  # The parser ends, which is answered with 400.
        super().on_header(name, value)

    def on_message_begin(self) -> None:
        """The first byte of a request has come; the rest of its head must follow in time."""
        super().on_message_begin()
        self._header_bytes = 0
        if self._deadline is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is here; the body must follow in time."""
        self._head_came()
        self._body_ended()
        self._is_body_due = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on, unless it goes on and on: Django would keep it before anybody looks."""
        before, self._body_bytes = self._body_bytes, self._body_bytes + len(body)
        if self._body_bytes <= MAX_BODY:
            super().on_body(body)
        elif self._body_bytes > MAX_DRAINED:
            self.transport.abort()
        elif before <= MAX_BODY:
            self._refuse_body()

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._body_ended()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand a handshake that is in order over as it was read; uvicorn would write it again, to be parsed anew."""
        accept = accept_of(self.headers) if self.scope["method"] == "GET" else None
        if accept is None or self.scope["http_version"] != "1.1" or self.ws_protocol_class is not BoundedWebSocket:
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        upgraded = BoundedWebSocket(self.config, self.server_state, self.app_state)
        upgraded.take_over(self)
        upgraded.begin(self.url, self.headers, accept)
        self.transport.set_protocol(upgraded)
        self.parser = None  # type: ignore[assignment]  # It holds us in turn: a cycle that only the collector would find.

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline, self._head_bytes = None, 0

    def _body_ended(self) -> None:
        if self._body_deadline is not None:
            self._body_deadline.cancel()
        self._body_deadline, self._body_bytes, self._is_body_due = None, 0, False

    def _refuse_body(self) -> None:
        if self.pipeline or self.cycle.response_started:  # An answer here would be taken for another request's.
            self.transport.abort()
            return
        answer = problem_response(TooLarge(f"The body may have {MAX_BODY} bytes."))
        answer["Content-Length"], answer["Connection"] = str(len(answer.content)), "close"
        self.transport.write(b"HTTP/1.1 413 Content Too Large\r\n" + answer.serialize())
        self.transport.write_eof()
        self.cycle.disconnected = True  # Whoever reads the body is told so, and drops it.
        self.cycle.message_event.set()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
