"""The Channels consumer of `/ws/chat/`: handshake, frames in, frames out.

It has its own dispatch: stock Channels hops through a thread and gives each
socket a channel of the layer; here the hub has one channel for all of them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from chatsite.gateway import protocol
from chatsite.gateway.admission import Line, admit_frame, charge_error, door
from chatsite.gateway.frames import expires_in_ms
from chatsite.gateway.hub import hub
from chatsite.gateway.outlets import Send, outlet_of
from chatsite.gateway.protocol import MAX_FRAME_BYTES, Auth, CloseCode, Heartbeat, Ref, address_of, error_frame, frame
from chatsite.gateway.registry import Identity, attendants, authenticate, frames, handle
from chatsite.gateway.session import Session
from chatsite.kernel.addresses import client_address, site_of
from chatsite.kernel.errors import DomainError, Internal, Invalid, RateLimited, TooLarge, Unauthenticated, Unavailable
from chatsite.kernel.events import iso
from chatsite.kernel.rest import AWAY, problem_response, unavailable

logger = logging.getLogger(__name__)

VERSION = "1"
FEATURES = ["resume", "history", "replies", "edits", "reads", "typing", "mentions", "all", "longpoll", "presence"]
SUBPROTOCOL = "chat.v1"
GOODBYES = (1000, 1001, 1005)  # a client that closes, a page that is left, a close without a code (RFC 6455, 7.4)
AUTH_SECONDS = 5.0
EXPIRY_WARNING_SECONDS = 120.0
MAX_BAD_FRAMES = 20  # in a row; a client that only talks nonsense is closed with 4010
RETURN_MS = (1_000, 60_000)  # within which the clients of a server that stops come to another
RETURN_MS_EACH = 10  # so a hundred a second, of whom each costs a sign-in by ticket and its replays
DRAIN_SECONDS = 2.0

_leaving = Line()  # a cut ends thousands of sockets at once, and each is taken out of its rooms
Receive = Callable[[], Awaitable[dict[str, Any]]]


def features() -> list[str]:
    """What this server can, and what of the apps is switched on; READY and `GET /api/server` tell it."""
    return [*FEATURES, *settings.GATEWAY["FEATURES"]]


def limits() -> dict[str, int]:
    """The bounds that READY and `GET /api/server` tell."""
    return {
        "frameBytes": MAX_FRAME_BYTES,
        "content": protocol.MAX_CONTENT,
        "unackedSends": protocol.MAX_UNACKED,
        "subscriptions": protocol.MAX_SUBSCRIPTIONS,
        "roomsASubscribe": protocol.MAX_ROOMS_A_SUBSCRIBE,
        "connections": settings.GATEWAY["CONNECTIONS"],
        "outboundBytes": settings.GATEWAY["OUTBOUND_BYTES"],
    }


class ChatConsumer(AsyncConsumer):
    """One WebSocket, from handshake to close."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        # A socket lives for hours, and keeps nothing of its handshake, least of all what proves who it is.
        if (admitted := await self._admit(scope, receive, send)) is None:
            return
        session, serving = admitted
        try:
            await serving
        finally:
            door.forget(session)
            for one in attendants:
                one.left(session)
            try:
                with suppress(RateLimited):  # Too many leave to wait for each other.
                    await _leaving.turn()
            finally:
                hub.forget(session)

    async def _admit(
        self, scope: dict[str, Any], receive: Receive, send: Send
    ) -> tuple[Session, Coroutine[Any, Any, None]] | None:
        """Answer a handshake: the session, and all that it does until it ends; None where it was refused."""
        origin, host, authorization = _headers(scope, "origin", "host", "authorization")
        await receive()  # websocket.connect
        if not origin_allowed(origin, host or ""):
            await send({"type": "websocket.close"})  # Before accept: HTTP 403.
            return None
        site = site_of(client_address(scope))
        offered = scope.get("subprotocols", [])
        ticket, token = _credentials(offered, authorization or "")
        is_stranger = ticket is None and token is None
        try:
            await door.admit(site, is_stranger=is_stranger)
        except RateLimited as error:
            await _refuse(scope, send, error)
            return None
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        outlet = outlet_of(scope, send)
        session = Session(outlet, outbound_bytes=settings.GATEWAY["OUTBOUND_BYTES"], origin=origin, site=site)
        scope["headers"].clear()
        offered.clear()
        if is_stranger:
            door.enter(session)
        return session, outlet.serve(self._read(session, receive, ticket, token))

    async def _read(self, session: Session, receive: Receive, ticket: str | None, token: str | None) -> None:
        try:
            known = await self._authenticate(session, receive, ticket, token)
            ticket = token = None
            if known is None:
                return
            await self._welcome(session, *known)
            for one in attendants:
                one.entered(session)
            bad = 0
            while not session.closing:
                if (message := await receive())["type"] != "websocket.receive":
                    session.said_goodbye |= not session.closing and message.get("code") in GOODBYES
                    break
                bad = 0 if await self._answer(session, message) else bad + 1
                del message  # The next one may come in hours.
                if bad == MAX_BAD_FRAMES:
                    session.close(CloseCode.PROTOCOL_ERROR)
        except (Unavailable, *AWAY) as error:
            _put_off(session, error, ref=None)
        except Exception:
            logger.exception("session %s broke", session.id)
            session.close(1011)

    async def _authenticate(
        self, session: Session, receive: Receive, ticket: str | None, token: str | None
    ) -> tuple[Identity, Ref] | None:
        """Who this is, by ticket, bearer token or first frame, and that frame's ref; None once it is refused."""
        ref = None
        try:
            if ticket is None and token is None:
                async with asyncio.timeout(AUTH_SECONDS):
                    message = await receive()
                if message["type"] != "websocket.receive":
                    session.close(1000)
                    return None
                first = frames.parse(_text(message))
                ref = first.ref
                if not isinstance(first, Auth):
                    raise Unauthenticated("The first frame must be AUTH.")
                ticket, token = first.ticket, first.token
            return await authenticate(ticket=ticket, token=token, origin=session.origin), ref
        except (Unavailable, *AWAY) as error:
            _put_off(session, error, ref=ref)
            return None
        except (DomainError, TimeoutError) as error:
            refusal = error if isinstance(error, DomainError) else Unauthenticated("AUTH did not come within 5 s.")
            session.reply(error_frame(refusal, ref=ref))
            session.close(CloseCode.UNAUTHENTICATED)
            return None

    async def _welcome(self, session: Session, identity: Identity, ref: Ref) -> None:
        session.user_id, session.sign_in_id = identity.user_id, identity.sign_in_id
        session.expires_at = identity.expires_at
        try:
            await door.know(session)
        except RateLimited as error:
            session.reply(error_frame(error, ref=ref))
            session.close(CloseCode.TOO_MANY)
            return
        # From here until the hub has it nothing is awaited: an end in between would be missed.
        if hub.draining:
            session.close(CloseCode.DRAINING)
            return
        if hub.has_ended(identity.sign_in_id):  # Its ticket was issued before, or taken while it ended.
            session.close(CloseCode.REVOKED)
            return
        hub.sessions.add(session)
        me = await hub.hear_oneself(session)
        session.reply(
            frame(
                "READY",
                ref=ref,
                connectionId=session.id,
                userId=identity.user_id,
                heartbeatMs=protocol.HEARTBEAT_MS,
                limits=limits(),
                serverTime=iso(time.time_ns() // 1_000_000),
                me={"epoch": me.epoch, "pos": me.pos},
                expiresInMs=expires_in_ms(session),
                version=VERSION,
                features=features(),
            )
        )

    async def _answer(self, session: Session, message: dict[str, Any]) -> bool:
        """Handle one frame; False when it was none."""
        text = message.get("text") or ""
        try:
            if hub.draining:
                raise Unavailable(code="draining", retry_after_ms=RETURN_MS[0])
            asked = frames.parse(_text(message))
            for one in attendants:
                one.heard(session, active=isinstance(asked, Heartbeat) and asked.active)
            await admit_frame(session, asked)
            await handle(session, asked)
        except DomainError as error:
            ref, nonce = address_of(text)
            session.reply(error_frame(error, ref=ref, nonce=nonce))
            await charge_error(session)
            return not isinstance(error, Invalid) or error.code == "invalid_field"
        except AWAY as error:
            logger.warning("a frame of session %s found no database: %s", session.id, error)
            ref, nonce = address_of(text)
            session.reply(error_frame(unavailable(), ref=ref, nonce=nonce))
        except Exception:
            logger.exception("a frame of session %s failed", session.id)
            ref, nonce = address_of(text)
            session.reply(error_frame(Internal(), ref=ref, nonce=nonce))
        return True


async def refuse_elsewhere(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Refuse a WebSocket to an address where there is none."""
    await receive()
    await send({"type": "websocket.close"})


async def _refuse(scope: dict[str, Any], send: Send, error: DomainError) -> None:
    """Refuse a handshake in HTTP; a server that cannot tells no reason, which is HTTP 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    answer = problem_response(error)
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    await send({"type": "websocket.http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.content})


def _headers(scope: dict[str, Any], *names: str) -> list[str | None]:
    """Some headers of a handshake; of one that came twice the last."""
    found = dict(scope["headers"])
    return [found[name].decode("latin-1") if (name := wanted.encode()) in found else None for wanted in names]


def _credentials(offered: list[str], authorization: str) -> tuple[str | None, str | None]:
    """The ticket and the token that a handshake brings."""
    ticket = next((name.removeprefix("ticket.") for name in offered if name.startswith("ticket.")), None)
    return ticket, authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else None


def _text(message: dict[str, Any]) -> str:
    text = message.get("text")
    if not isinstance(text, str):
        raise Invalid("Frames are text, not binary.", code="bad_frame")
    if len(text) > MAX_FRAME_BYTES or len(text.encode()) > MAX_FRAME_BYTES:
        raise TooLarge(f"A frame may have {MAX_FRAME_BYTES} bytes.")
    return text


def _put_off(session: Session, error: Exception, *, ref: Ref) -> None:
    """Refuse a session that nobody can judge or serve now, so that its client comes again."""
    if not isinstance(error, Unavailable):
        logger.warning("session %s found no database: %s", session.id, error)
        error = unavailable()
    session.reply(error_frame(error, ref=ref))
    session.close(CloseCode.DRAINING)


def origin_allowed(origin: str | None, host: str) -> bool:
    """Whether a handshake may go on: no Origin (no browser), our own, or one of the allow list."""
    if origin is None:
        return True
    if origin in settings.ALLOWED_ORIGINS:
        return True
    domain, _ = split_domain_port(host)
    ours = origin in (f"http://{host}", f"https://{host}")
    return ours and validate_host(domain, settings.ALLOWED_HOSTS)


async def watch_expiry() -> None:
    """Warn sessions 120 s before their token ends, and close them with it; runs until cancelled."""
    while True:
        await asyncio.sleep(1)
        now = time.time()
        for session in tuple(hub.sessions):
            if session.expires_at <= now:
                session.close(CloseCode.REVOKED)
            elif session.expires_at - now <= EXPIRY_WARNING_SECONDS and not session.warned:
                session.warned = True
                session.reply(frame("AUTH_EXPIRING", expiresInMs=expires_in_ms(session)))


def return_ms(sessions: int) -> int:
    """Over how many milliseconds so many clients spread their coming back."""
    low, high = RETURN_MS
    return min(max(low, sessions * RETURN_MS_EACH), high)


async def drain() -> None:
    """Answer what was accepted, tell every client to reconnect, and close with 4012."""
    hub.draining = True
    hub.watches.end_all()
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            for session in tuple(hub.sessions):
                await session.all_answered()
    jitter_ms = return_ms(len(hub.sessions))
    for session in tuple(hub.sessions):
        session.reply(frame("RECONNECT", afterMs=0, jitterMs=jitter_ms))
        session.close(CloseCode.DRAINING)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            for session in tuple(hub.sessions):
                await session.left()
