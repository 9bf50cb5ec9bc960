"""The gateway's own frames: AUTH, SUBSCRIBE, UNSUBSCRIBE, HEARTBEAT."""

import time

from chatsite.gateway.hub import hub
from chatsite.gateway.joining import TOGETHER
from chatsite.gateway.protocol import (
    MAX_ROOMS_A_SUBSCRIBE,
    Auth,
    CloseCode,
    Cursor,
    Heartbeat,
    Subscribe,
    Unsubscribe,
    error_frame,
    frame,
)
from chatsite.gateway.registry import authenticate, on
from chatsite.gateway.session import Session
from chatsite.kernel.errors import Invalid, NotFound
from chatsite.kernel.events import iso


@on(Auth)
async def renew(session: Session, asked: Auth) -> None:
    """Let a session live as long as a newer token of the same person."""
    identity = await authenticate(ticket=asked.ticket, token=asked.token, origin=session.origin)
    if identity.user_id != session.user_id:
        session.close(CloseCode.FORBIDDEN)
        return
    if hub.has_ended(identity.sign_in_id):
        session.close(CloseCode.REVOKED)
        return
    session.expires_at, session.sign_in_id, session.warned = identity.expires_at, identity.sign_in_id, False
    session.reply(frame("OK", ref=asked.ref, expiresInMs=expires_in_ms(session)))


@on(Subscribe)
async def subscribe(session: Session, asked: Subscribe) -> None:
    """Subscribe to rooms, so many together; each gets its own answer."""
    if asked.rooms == "all":
        await session.drained()
        await hub.subscribe_all(session, ref=asked.ref)
        return
    rooms = dict(asked.rooms or {}) if not isinstance(asked.rooms, str) else {}
    if asked.room_id is not None:
        rooms.setdefault(asked.room_id, None)
    if not rooms:
        raise Invalid("name at least one room.", field="rooms")
    if len(rooms) > MAX_ROOMS_A_SUBSCRIBE:
        raise Invalid(f"at most {MAX_ROOMS_A_SUBSCRIBE} rooms a frame.", field="rooms")
    if session.user_id in rooms:  # One's own subject is heard from READY on; it is no room.
        session.reply(error_frame(NotFound(), ref=asked.ref, room_id=session.user_id))
    subjects = [subject for subject in rooms if subject != session.user_id]
    for start in range(0, len(subjects), TOGETHER):
        await session.drained()
        if session.closing:
            return
        positions = {subject: rooms[subject] for subject in subjects[start : start + TOGETHER]}
        some = {subject: Cursor(at.epoch, at.pos) if at else None for subject, at in positions.items()}
        for subject, error in (await hub.subscribe(session, some, ref=asked.ref)).items():
            session.reply(error_frame(error, ref=asked.ref, room_id=subject))


@on(Unsubscribe)
async def unsubscribe(session: Session, asked: Unsubscribe) -> None:
    """Hear some rooms no more."""
    for subject in asked.rooms:
        if subject == session.user_id:
            continue
        if session.hears_all:
            hub.unname(session, subject)
        else:
            hub.unsubscribe(session, subject)
    session.reply(frame("OK", ref=asked.ref))


@on(Heartbeat)
async def heartbeat(session: Session, asked: Heartbeat) -> None:
    """Say that the server is there."""
    session.reply(frame("HEARTBEAT_ACK", ref=asked.ref, serverTime=iso(time.time_ns() // 1_000_000)))


def expires_in_ms(session: Session) -> int:
    """How long a session may go on without AUTH, in ms."""
    return max(0, int((session.expires_at - time.time()) * 1_000))
