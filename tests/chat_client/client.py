"""One person's live connection: `/ws/chat/` with reconnects, resume, heartbeats and an outbox."""

import itertools
import json
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from chatsite.gateway.protocol import CloseCode, Cursor, Verdict, judge
from tests.chat_client.backoff import full_jitter
from tests.chat_client.listener import Frame, Listener, State
from tests.chat_client.outbox import Outbox
from tests.chat_client.subscriptions import Subscriptions

HANDSHAKE_MS = 15_000
PROBE_MS = 5_000
STEADY_MS = 10_000  # a connection that lasted this long was a good one: the next failure starts from a short wait again
NOT_SIGNED_IN = (CloseCode.UNAUTHENTICATED, CloseCode.REVOKED)
OF_ONE_SOCKET = ("handshake", "heartbeat", "probe", "outbox", "subscribe", "move")  # timers that end with it


class SignedOut(Exception):
    """There is no ticket: the session has ended."""


class NoTicket(Exception):
    """There is no ticket now; a later try may get one."""


class Ticket(Protocol):
    """Gives a WebSocket ticket, bought with a new access token if `renew`."""

    def __call__(self, *, renew: bool) -> Awaitable[str]:
        """Raise SignedOut or NoTicket where there is none."""


class Socket(Protocol):
    """A WebSocket; it calls whatever is set here until it is closed by this side."""

    on_message: Callable[[str], None] | None
    on_close: Callable[[int], None] | None

    def send(self, text: str) -> None:
        """Send a frame as soon as the network takes it."""

    def close(self) -> None:
        """End it; a closed one is closed again without harm."""


class Timer(Protocol):
    """Work that is due later."""

    def cancel(self) -> None:
        """Do it never."""


class Environment(Protocol):
    """What a client needs from outside."""

    def open(self, url: str, protocols: Sequence[str]) -> Socket:
        """Open a WebSocket; what fails calls its `on_close` with 1006."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that waits."""

    def set_timer(self, work: Callable[[], None], ms: float) -> Timer:
        """Do something later."""

    def now(self) -> float:
        """The time in ms since 1970."""

    def random(self) -> float:
        """A number from 0 up to 1."""


class ChatClient:
    """Keeps one person connected; Listener says what it promises."""

    def __init__(
        self, *, url: str, ticket: Ticket, env: Environment, outbox: Outbox | None = None, on: Listener | None = None
    ) -> None:
        self._url = url
        self._ticket = ticket
        self._env = env
        self._outbox = outbox or Outbox(random=env.random)
        self._on = on or Listener()
        self._rooms = Subscriptions(on=self._on, ask=self._ask, later=self._subscribe_later)
        self._own: Cursor | None = None
        self._socket: Socket | None = None
        self._attempt_for: object | None = None  # the try to connect whose ticket is under way
        self._ready = False
        self._stopped = True
        self._attempt = 0
        self._ready_at = 0.0
        self._heard_at = 0.0
        self._reconnect_at: float | None = None
        self._must_renew = False
        self._refs = itertools.count(1)
        self._timers: dict[str, Timer] = {}

    def start(self) -> None:
        """Connect, and reconnect whenever the connection is lost, until `stop`."""
        self._stopped = False
        self._connect()

    def stop(self) -> None:
        """Close the connection for good."""
        self._stopped = True
        self._abandon()
        for name in tuple(self._timers):
            self._cancel(name)

    def follow(self, room_ids: Iterable[str]) -> None:
        """Set the rooms to be live in: new ones are subscribed, missing ones forgotten."""
        self._rooms.follow(room_ids)

    def follow_all(self) -> None:
        """Hear every room of the person's by its mode: large ones as activity, but for those followed."""
        self._rooms.follow_all()

    def cursor(self, room_id: str) -> Cursor | None:
        """The cursor of a room, or None where it is not live yet."""
        return self._rooms.cursor(room_id)

    def post(
        self,
        *,
        room_id: str,
        content: str,
        mentions: Sequence[str] = (),
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        important: bool = False,
        nonce: str | None = None,
    ) -> str:
        """Send a message, now or as soon as it can, and again until the server answers; answers its nonce."""
        nonce = nonce or uuid.uuid4().hex
        now = self._env.now()
        self._outbox.add(
            nonce=nonce,
            room_id=room_id,
            content=content,
            mentions=list(mentions),
            now=now,
            reply_to_id=reply_to_id,
            thread_id=thread_id,
            important=important,
        )
        self._flush()
        return nonce

    def tell(self, frame: Frame) -> bool:
        """Send a frame that is not worth repeating; False where there is no connection to take it."""
        return self._ask(frame) is not None

    def retry(self, nonce: str, fresh_nonce: str | None = None) -> None:
        """Send a failed message again; under `fresh_nonce` where the server may have forgotten the first one."""
        self._outbox.retry(nonce, fresh_nonce or uuid.uuid4().hex)
        self._flush()

    def settle(self, nonce: str) -> None:
        """Give up a message that was not sent, or end one that is known to have arrived."""
        if self._outbox.settle(nonce):
            self._flush()

    def nudge(self) -> None:
        """Look after the connection at once: end a wait, and find out within 5 s whether a socket still lives."""
        if "reconnect" in self._timers:
            self._connect()
        if not self._ready:
            return
        asked_at = self._env.now()
        self._ask({"type": "HEARTBEAT"})
        self._after("probe", PROBE_MS, lambda: self._lost() if self._heard_at < asked_at else None)

    def _connect(self) -> None:
        self._cancel("reconnect")
        self._abandon()
        self._say("connecting")
        self._attempt_for = attempt = object()
        self._env.run(self._open(attempt))

    async def _open(self, attempt: object) -> None:
        try:
            ticket = await self._ticket(renew=self._must_renew)
        except (NoTicket, SignedOut) as problem:
            if self._attempt_for is not attempt:
                return
            if not isinstance(problem, SignedOut):
                self._lost()
            elif self._must_renew:
                self._sign_out()
            else:
                # The access token may have run out meanwhile; only a renewal says that the session has ended.
                self._must_renew = True
                self._connect()
            return
        if self._attempt_for is not attempt:
            return
        self._attempt_for = None
        self._must_renew = False
        self._socket = socket = self._env.open(self._url, ["chat.v1", f"ticket.{ticket}"])
        socket.on_message = lambda text: self._receive(json.loads(text))
        socket.on_close = self._lost
        self._after("handshake", HANDSHAKE_MS, self._lost)

    def _receive(self, frame: Frame) -> None:
        self._heard_at = self._env.now()
        match frame["type"]:
            case "READY":
                self._welcome(frame)
            case "SUBSCRIBED":
                self._rooms.subscribed(frame)
            case "SUBSCRIBED_ALL":
                self._rooms.subscribed_all(frame)
            case "RESYNC":
                self._rooms.resync(frame)
            case "ACK":
                self._acknowledged(frame)
            case "ERROR":
                self._refused(frame)
            case "AUTH_EXPIRING":
                self._env.run(self._renew())
            case "RECONNECT":
                self._move_later(frame)
            case "ME":
                self._personal(frame)
            case "OK" | "HEARTBEAT_ACK":
                pass
            case _ if "pos" in frame:
                self._rooms.live(frame)
            case _:
                self._on.whisper(frame)

    def _welcome(self, frame: Frame) -> None:
        self._cancel("handshake")
        self._ready = True
        self._ready_at = self._env.now()
        self._beat(frame["heartbeatMs"])
        self._say("online")
        self._rooms.resume()
        self._own = Cursor(**frame["me"])
        self._on.ready(frame)
        self._flush()

    def _beat(self, every_ms: float) -> None:
        def beat() -> None:
            if self._env.now() - self._heard_at >= 2 * every_ms:
                self._lost()
                return
            self._ask({"type": "HEARTBEAT"})
            self._beat(every_ms)

        self._after("heartbeat", every_ms, beat)

    def _personal(self, frame: Frame) -> None:
        verdict = judge(self._own, epoch=frame["epoch"], pos=frame["pos"], prev=frame["prev"])
        if verdict is Verdict.DROP:
            return
        # The stream cannot be asked for what lies in a hole, so the frame itself is taken all the same.
        self._own = Cursor(frame["epoch"], frame["pos"])
        self._on.personal(frame)
        if verdict is not Verdict.APPLY:
            self._on.missed()

    def _acknowledged(self, frame: Frame) -> None:
        entry = self._outbox.settle(frame.get("nonce"))
        if entry is None:
            return
        self._on.delivered(entry, frame)
        self._flush()

    def _refused(self, frame: Frame) -> None:
        entry = self._outbox.find(frame.get("nonce") or frame.get("ref"))
        if entry is None:
            self._rooms.refused(frame)
            return
        self._outbox.refuse(entry.nonce, frame, self._env.now())
        self._flush()

    async def _renew(self) -> None:
        socket = self._socket
        try:
            ticket = await self._ticket(renew=True)
        except SignedOut:
            if self._socket is socket:
                self._sign_out()
        except NoTicket:
            pass  # It ends in close code 4011, and with it in a reconnect that tries again.
        else:
            if self._socket is socket:
                self._send({"type": "AUTH", "ref": self._ref(), "ticket": ticket})

    def _move_later(self, frame: Frame) -> None:
        wait = frame["afterMs"] + self._env.random() * frame["jitterMs"]
        self._reconnect_at = self._env.now() + wait
        self._after("move", wait, self._lost)

    def _flush(self) -> None:
        """Send what the outbox has to say, and come back when it has more to say by itself."""
        now = self._env.now()
        if self._ready:
            for frame in self._outbox.take(now):
                self._send(frame)
            wake_at = self._outbox.wake_at(now)
            if wake_at is None:
                self._cancel("outbox")
            else:
                self._after("outbox", wake_at - now, self._flush)
        self._on.outbox()

    def _lost(self, code: int | None = None) -> None:
        now = self._env.now()
        if self._ready and now - self._ready_at >= STEADY_MS:
            self._attempt = 0
        if code in NOT_SIGNED_IN:
            self._must_renew = True
        self._abandon()
        if self._stopped:
            return
        if code == CloseCode.FORBIDDEN:
            self._say("offline", reason=code)
            return
        if self._reconnect_at is None:
            wait = full_jitter(self._attempt, self._env.random)
            self._attempt += 1
        else:
            wait = max(0.0, self._reconnect_at - now)
        self._reconnect_at = None
        self._after("reconnect", wait, self._connect)
        self._say("waiting", retry_at=now + wait)

    def _sign_out(self) -> None:
        self.stop()
        self._on.signed_out()

    def _abandon(self) -> None:
        """Listen to the socket no longer: the close event of a dead network can take a minute."""
        socket, self._socket = self._socket, None
        self._attempt_for = None
        self._ready = False
        for name in OF_ONE_SOCKET:
            self._cancel(name)
        self._outbox.lost()
        if socket is not None:
            socket.on_message = socket.on_close = None
            socket.close()

    def _ask(self, frame: Frame) -> str | None:
        """Send a frame with a ref and answer it; None where there is no connection."""
        if not self._ready:
            return None
        ref = self._ref()
        self._send({**frame, "ref": ref})
        return ref

    def _send(self, frame: Frame) -> None:
        if self._socket is not None:
            self._socket.send(json.dumps(frame, ensure_ascii=False))

    def _ref(self) -> str:
        return f"r{next(self._refs)}"

    def _say(self, state: State, *, retry_at: float | None = None, reason: int | None = None) -> None:
        self._on.state(state, retry_at=retry_at, reason=reason)

    def _subscribe_later(self, ms: float | None, work: Callable[[], None]) -> None:
        self._after("subscribe", full_jitter(2, self._env.random) if ms is None else ms, work)

    def _after(self, name: str, ms: float, work: Callable[[], None]) -> None:
        def due() -> None:
            del self._timers[name]
            work()

        self._cancel(name)
        self._timers[name] = self._env.set_timer(due, ms)

    def _cancel(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
