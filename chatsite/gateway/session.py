"""One connected client: its outbox, its budgets, its end.

Whatever is pushed waits in a bounded outbox for the transport. A client that
reads too slowly is closed with 4008 and can resume without a loss; it never
makes anybody else wait.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from chatsite.gateway.protocol import CLOSE_REASONS, MAX_UNACKED, CloseCode
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.metrics import ws_dropped

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
BURST = 4  # times the budget that may come in one turn of the loop
CLOSE_SECONDS = 10.0  # how long a client that does not read may delay its own close frame


class Session:
    """A WebSocket of one person; `user_id` is None until it has authenticated."""

    def __init__(self, send: Send, *, outbound_bytes: int, origin: str | None = None, site: str = "") -> None:
        self.id = uuid.uuid4().hex
        self.origin = origin
        self.site = site  # the address it is counted by
        self.user_id: str | None = None
        self.sign_in_id: str | None = None
        self.expires_at = 0.0  # Unix seconds; the socket ends with its token
        self.warned = False
        self.subjects: set[str] = set()
        self.leaving: set[str] = set()  # subjects of which only a farewell is due, or was
        self.hears_all = False  # what becomes its person's is heard without asking
        self.ended = asyncio.Event()
        self.gone = False  # the hub has let go of it
        self._send = send
        self._budget = outbound_bytes
        self._outbox: deque[tuple[str, int, bool]] = deque()  # bounded by the budget in bytes
        self._waiting = 0  # bytes of live frames, which the budget bounds
        self._replaying = 0  # bytes of replays, which `drained` paces
        self._news = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._close_code: int | None = None
        self._judging = False
        self._unacked = 0
        self._slot = asyncio.Event()
        self._slot.set()

    @property
    def require_user(self) -> str:
        """The person's id; frames are only handled once there is one."""
        if self.user_id is None:
            raise RuntimeError("A frame was handled before AUTH.")
        return self.user_id

    def push(self, text: str, size: int) -> None:
        """Queue a frame of `size` bytes; a session that stays over its budget is closed as too slow."""
        if self._close_code is not None:
            return
        self._outbox.append((text, size, False))
        self._waiting += size
        self._pace()
        self._news.set()
        if self._waiting > BURST * self._budget:
            self._judge()
        elif self._waiting > self._budget and not self._judging:
            # A burst of one turn of the loop is not slowness: the transport gets its turn first.
            self._judging = True
            asyncio.get_running_loop().call_soon(self._judge)

    def _judge(self) -> None:
        self._judging = False
        if self._waiting > self._budget and not self.closing:
            logger.info("session %s is too slow and is closed; it can resume", self.id)
            self.close(CloseCode.TOO_SLOW)
            self._outbox.clear()

    def whisper(self, text: str, size: int) -> None:
        """Queue a frame that nobody misses, unless half the budget waits already."""
        if self._waiting <= self._budget // 2:
            self.push(text, size)

    def reply(self, frame: bytes) -> None:
        """Queue a frame for this client alone."""
        self.push(frame.decode(), len(frame))

    def replay(self, frame: bytes) -> None:
        """Queue what a SUBSCRIBE missed: paced by `drained`, it never counts as slowness."""
        if self._close_code is None:
            self._outbox.append((frame.decode(), len(frame), True))
            self._replaying += len(frame)
            self._pace()
            self._news.set()

    def _pace(self) -> None:
        if self._waiting + self._replaying > self._budget // 2 and not self.closing:
            self._drained.clear()
        else:
            self._drained.set()

    def close(self, code: int) -> None:
        """End the session after what is queued; the first code given stands."""
        if self._close_code is None:
            self._close_code = code
            ws_dropped.labels(CLOSE_REASONS.get(code, "other")).inc()
            self._drained.set()
            self._slot.set()
            self._news.set()

    @property
    def closing(self) -> bool:
        """Whether nothing more is taken in; what is queued still leaves."""
        return self._close_code is not None

    async def drained(self) -> None:
        """Wait until half the budget is free: a paced replay never counts as slowness."""
        await self._drained.wait()

    async def take_slot(self) -> None:
        """Wait until fewer than 16 sends are un-acked; meanwhile the socket is not read.

        Unavailable once the session is closed: nothing could answer the send any more.
        """
        while self._unacked >= MAX_UNACKED and not self.closing:
            self._slot.clear()
            await self._slot.wait()
        if self.closing:
            raise Unavailable(code="draining")
        self._unacked += 1

    def free_slot(self) -> None:
        """One send was answered."""
        self._unacked -= 1
        self._slot.set()

    async def all_answered(self) -> None:
        """Wait until every accepted send was answered."""
        while self._unacked:
            self._slot.clear()
            await self._slot.wait()

    async def write(self) -> None:
        """Send what is queued until the session is closed; the connection ends with it."""
        try:
            while True:
                while self._outbox:
                    text, size, is_replay = self._outbox.popleft()
                    await self._send({"type": "websocket.send", "text": text})
                    if is_replay:
                        self._replaying -= size
                    else:
                        self._waiting -= size
                    self._pace()
                if self._close_code is not None:
                    await self._send({"type": "websocket.close", "code": self._close_code})
                    return
                self._news.clear()
                await self._news.wait()
        finally:
            self.ended.set()

    async def finish(self, writer: "asyncio.Task[None]") -> None:
        """Give the close frame its time, then let go of a client that does not read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.ended.wait()
        writer.cancel()
