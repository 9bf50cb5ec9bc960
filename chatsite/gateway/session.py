"""One connected client: its budgets, its end.

A client that reads too slowly is closed with 4008 and can resume without a loss;
it never makes anybody else wait.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

from chatsite.gateway.outlets import Outlet
from chatsite.gateway.protocol import CLOSE_REASONS, MAX_UNACKED, CloseCode, prepare
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.metrics import ws_dropped

logger = logging.getLogger(__name__)

BURST = 4  # times the budget that may come in one turn of the loop


class Session:
    """A WebSocket of one person; `user_id` is None until it has authenticated."""

    def __init__(self, outlet: Outlet, *, outbound_bytes: int, origin: str | None = None, site: str = "") -> None:
        self.id = secrets.token_hex(16)
        self.origin = origin
        self.site = site  # the address it is counted by
        self.user_id: str | None = None
        self.sign_in_id: str | None = None
        self.expires_at = 0.0  # Unix seconds; the socket ends with its token
        self.warned = False
        self.subjects: set[str] = set()
        self.leaving: set[str] = set()  # subjects of which only a farewell is due, or was
        self.subscribing = asyncio.Lock()  # one subscription at a time: a second hold would replace the first
        self.named: set[str] = set()  # subjects that were asked for by name: heard in full, however many are in them
        self.hears_all = False  # what becomes its person's is heard without asking
        self.gone = False  # the hub has let go of it
        self.said_goodbye = False  # its client closed it, or its sign-in has ended
        self._outlet = outlet
        self._budget = outbound_bytes
        self._written = 0  # bytes in all
        self._replays: list[tuple[int, int]] = []  # (where in `_written` one begins, its bytes): under way
        self._close_code: int | None = None
        self._judging = False
        self._unacked = 0
        self._freed: asyncio.Event | None = None  # made for who waits: one takes 760 bytes, and most never wait

    @property
    def require_user(self) -> str:
        """The person's id; frames are only handled once there is one."""
        if self.user_id is None:
            raise RuntimeError("A frame was handled before AUTH.")
        return self.user_id

    def push(self, frames: bytes) -> None:
        """Send prepared frames; a session that stays over its budget is closed as too slow."""
        if self._close_code is not None:
            return
        self._write(frames, self._outlet.write)
        if self._outlet.waiting > self._budget:
            if self._waiting() > BURST * self._budget:
                self._judge()
            elif not self._judging:
                # A burst of one turn of the loop is not slowness: the transport gets its turn first.
                self._judging = True
                asyncio.get_running_loop().call_soon(self._judge)

    def _write(self, frames: bytes, write: Callable[[bytes], None]) -> None:
        self._written += len(frames)
        try:
            write(frames)
        except Exception:
            # It may be one of many: what is wrong with its socket must not keep the frames from the others.
            logger.exception("session %s cannot be sent to and is closed", self.id)
            self.close(CloseCode.TOO_SLOW)

    def _judge(self) -> None:
        self._judging = False
        if not self.closing and self._waiting() > self._budget:
            logger.info("session %s is too slow and is closed; it can resume", self.id)
            self.close(CloseCode.TOO_SLOW)

    def _waiting(self) -> int:
        """Bytes of live frames that the client has yet to take: replays never count as slowness."""
        taken = self._forget_taken()
        return self._written - taken - sum(min(size, start + size - taken) for start, size in self._replays)

    def _forget_taken(self) -> int:
        """Let go of replays that the client has taken; answers how many bytes it has taken in all."""
        taken = self._written - self._outlet.waiting
        while self._replays and sum(self._replays[0]) <= taken:
            del self._replays[0]
        return taken

    def whisper(self, frames: bytes) -> None:
        """Send what nobody misses, unless half the budget waits already."""
        if self._outlet.waiting <= self._budget // 2:
            self.push(frames)

    def reply(self, frame: bytes) -> None:
        """Send a frame to this client alone."""
        self.push(prepare(frame))

    def replay(self, *frames: bytes) -> None:
        """Send what a SUBSCRIBE missed, of many subjects in one: paced by `drained`, it never counts as slowness."""
        if frames and self._close_code is None:
            prepared = b"".join([prepare(frame) for frame in frames])
            self._forget_taken()
            self._replays.append((self._written, len(prepared)))
            self._write(prepared, self._outlet.join)

    def close(self, code: int) -> None:
        """End the session after what is queued; the first code given stands."""
        if self._close_code is None:
            self._close_code = code
            self.said_goodbye = code == CloseCode.REVOKED
            ws_dropped.labels(CLOSE_REASONS.get(code, "other")).inc()
            self._tell_freed()
            self._outlet.close(code)

    @property
    def closing(self) -> bool:
        """Whether nothing more is taken in; what is queued still leaves."""
        return self._close_code is not None

    async def drained(self) -> None:
        """Wait, where more than half the budget waits, until most of it is taken: replays are paced."""
        if self._outlet.waiting > self._budget // 2 and not self.closing:
            await self._outlet.taken()

    async def left(self) -> None:
        """Wait until a session that was closed has sent its last."""
        await self._outlet.left()

    async def take_slot(self) -> None:
        """Wait until fewer than 16 sends are un-acked; meanwhile the socket is not read.

        Unavailable once the session is closed: nothing could answer the send any more.
        """
        while self._unacked >= MAX_UNACKED and not self.closing:
            await self._until_freed()
        if self.closing:
            raise Unavailable(code="draining")
        self._unacked += 1

    def free_slot(self) -> None:
        """One send was answered."""
        self._unacked -= 1
        self._tell_freed()

    async def all_answered(self) -> None:
        """Wait until every accepted send was answered."""
        while self._unacked:
            await self._until_freed()

    def _tell_freed(self) -> None:
        if self._freed is not None:
            self._freed.set()

    async def _until_freed(self) -> None:
        self._freed = self._freed or asyncio.Event()
        self._freed.clear()
        await self._freed.wait()
