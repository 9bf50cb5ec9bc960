"""Waiting over HTTP for what a socket would be sent, for clients that cannot open one.

A poll brings a cursor for each subject and is answered what a SUBSCRIBE with it
would be, as soon as there is something, or nothing after its time. It is stateless:
the answer has the cursors of the next poll, which any server can answer. While it
waits it is one of its person's connections; it reads nothing until the hub wakes it.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from django.conf import settings

from chatsite.gateway.bodies import EVERYBODY
from chatsite.gateway.hub import hub
from chatsite.gateway.protocol import Cursor, error_frame
from chatsite.gateway.registry import Identity, who_may_hear
from chatsite.gateway.replays import members_version_of, missed_since, replay
from chatsite.gateway.sessions import session_registry
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.gateway.watches import Watch
from chatsite.kernel.errors import NotFound, RateLimited, Unauthenticated, Unavailable
from chatsite.kernel.metrics import long_polls

MAX_SECONDS = 25  # shorter than what proxies give a silent answer
MAX_WAITING = 1_000  # polls of one process, about 100 kB each with their request
ANSWER_BYTES = 512 * 1024  # of frames, after which no further subject is read; the last may add 128 KiB
BUSY_MS = 5_000  # after which a place may be free
RETURN_MS = 1_000


class Answer(NamedTuple):
    """Frames, and the cursors of the next poll: None where a subject without one was not read yet.

    What is not theirs has no cursor. `more` says that there is more to read at once.
    """

    frames: list[bytes]
    rooms: Mapping[str, Cursor | None]
    more: bool


async def poll(identity: Identity, rooms: Mapping[str, Cursor | None], *, seconds: float) -> Answer:
    """What somebody missed of some subjects, once there is something; nothing after so many seconds.

    Unauthenticated where their sign-in or token ends meanwhile, RateLimited where too many wait.
    """
    if hub.draining:
        raise Unavailable(code="draining", retry_after_ms=RETURN_MS)
    asked = _Poll(identity, rooms)
    await asked.refuse_strangers()
    await asked.look(rooms)
    if not asked.frames and seconds > 0:
        await _wait(asked, seconds)
    asked.require_signed_in()
    return Answer(asked.frames, asked.cursors, asked.more)


class _Poll:
    """What one poll asks for, and what was found."""

    def __init__(self, identity: Identity, rooms: Mapping[str, Cursor | None]) -> None:
        self.identity = identity
        self.cursors = dict(rooms)
        self.frames: list[bytes] = []
        self.more = False
        self._size = 0

    def require_signed_in(self) -> None:
        """Unauthenticated where the sign-in has ended, or the token."""
        if hub.has_ended(self.identity.sign_in_id):
            raise Unauthenticated("You have been signed out.")
        if time.time() >= self.identity.expires_at:
            raise Unauthenticated(code="token_expired")

    async def refuse_strangers(self) -> None:
        """Answer for subjects that are not theirs, and ask no further about those."""
        for subject in tuple(self.cursors):
            if not await self._may_hear(subject, version=0):
                self._refuse(subject)

    async def look(self, subjects: Iterable[str]) -> None:
        """Find what was missed of some subjects."""
        theirs = [subject for subject in subjects if subject in self.cursors]
        heads = await stream().heads(theirs) if theirs else {}
        for subject, head in heads.items():
            if self.cursors[subject] == Cursor(head.epoch, head.pos):
                continue
            if self._size >= ANSWER_BYTES:
                self.more = True
                return
            await self._read(subject, head)

    async def _read(self, subject: str, head: Head) -> None:
        cursor = self.cursors[subject]
        missed = await missed_since(subject, cursor, head)
        # Once it is read, by members as new as it: a removal in between or in it is not missed.
        stays = await self._may_hear(subject, version=members_version_of(missed))
        if not stays and not (missed := _until_farewell(missed or (), self.identity.user_id)):
            self._refuse(subject)
            return
        found = replay(subject, cursor, head, missed)
        self._add(found.frame)
        if stays:
            self.cursors[subject] = Cursor(head.epoch, found.pos)
            self.more |= found.more
        elif found.more:
            self._refuse(subject)  # Their farewell did not fit.
        else:
            del self.cursors[subject]

    async def _may_hear(self, subject: str, *, version: int) -> bool:
        return bool(await who_may_hear([self.identity.user_id], subject, version=version))

    def _refuse(self, subject: str) -> None:
        del self.cursors[subject]
        self._add(error_frame(NotFound(), room_id=subject))

    def _add(self, frame: bytes) -> None:
        self.frames.append(frame)
        self._size += len(frame)


def _until_farewell(missed: Sequence[Entry], user: str) -> Sequence[Entry]:
    """What somebody who is no member any more may hear: all up to their farewell, if it is there."""
    for number, entry in enumerate(missed, 1):
        if entry.body.farewell in (user, EVERYBODY):
            return missed[:number]
    return ()


async def _wait(asked: _Poll, seconds: float) -> None:
    """Wait until a poll has found something, its time or its sign-in is over, or the server stops."""
    lasts = asked.identity.expires_at - time.time()
    until = asyncio.get_running_loop().time() + min(seconds, lasts)
    # Nothing was found, so each subject was read up to a cursor.
    cursors = {subject: cursor for subject, cursor in asked.cursors.items() if cursor is not None}
    watch = Watch(asked.identity.sign_in_id, cursors)
    async with _place_of(asked.identity), hub.watching(watch):
        await asked.look(cursors)  # Again, now that whatever happens is told.
        while not (asked.frames or hub.draining or hub.has_ended(asked.identity.sign_in_id)):
            try:
                async with asyncio.timeout_at(until):
                    news = await watch.news()
            except TimeoutError:
                if lasts <= seconds:
                    raise Unauthenticated(code="token_expired") from None
                return
            await asked.look(news)


@asynccontextmanager
async def _place_of(identity: Identity) -> AsyncIterator[None]:
    """One of a person's connections over all servers, and one of the places here; RateLimited where there is none."""
    place, most = uuid.uuid4().hex, settings.GATEWAY["CONNECTIONS"]
    try:
        if not await session_registry().enter(identity.user_id, place, most=most):
            raise RateLimited(code="too_many_connections", retry_after_ms=BUSY_MS)
        if len(hub.watches) >= MAX_WAITING:
            raise RateLimited("Too many wait at this server.", retry_after_ms=BUSY_MS)
        yield
    finally:
        session_registry().leave(identity.user_id, place)


long_polls.set_function(lambda: len(hub.watches))
