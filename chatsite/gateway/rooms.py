"""One subject with subscribers in this process: who hears it, how, and what they are due."""

import asyncio
import sys
from collections.abc import Iterable
from typing import NamedTuple

from chatsite.gateway.protocol import Cursor
from chatsite.gateway.session import Session

FULL, ACTIVITY = "full", "activity"  # how those who hear everything of theirs hear a room
HELD_EVENTS = 1_000  # live events kept for a session that is being subscribed; over it it resyncs


class Held(NamedTuple):
    """A live event that waits for somebody's SUBSCRIBED."""

    pos: int
    frame: bytes


class Room:
    """One subject with subscribers here; everybody live in it has had, or is due, everything up to `cursor`.

    What everybody is due is joined, and written to them in one pass, or in several turns of the loop
    where they are many: under load a socket is written to once for many events.
    """

    def __init__(self, subject: str, cursor: Cursor, mode: str, *, is_own: bool = False) -> None:
        self.subject, self.cursor, self.mode = subject, cursor, mode
        self.is_own = is_own  # of one person, and no chat
        self.live: set[Session] = set()
        self.skimming: set[Session] = set()  # who hears only now and then that there is something new
        self.ahead: dict[Session, int] = {}  # live sessions whose replay went above the cursor
        self.held: dict[Session, list[Held]] = {}  # sessions that wait for their SUBSCRIBED
        self.leaving: set[Session] = set()  # sent away by a newer roster; only their farewell is still due
        self.members_version = 0
        self.behind = False
        self.catching_up: asyncio.Task[None] | None = None
        self._due: list[bytes] = []  # for the next pass; bounded by the hub, which waits for the writing
        self._late: dict[Session, int] = {}  # who came since, and how many of `_due` they have without it
        self._pass: dict[Session, bytes] = {}  # who is still to be written to in this pass, and what

    def hearers(self) -> set[Session]:
        """Everybody who is sent what happens here."""
        return self.live | self.held.keys() | self.skimming

    def broadcast(self, frame: bytes, pos: int, *, to: Iterable[Session] | None = None) -> None:
        """Let one event be due to all, or send it to some; the others have no right to it."""
        if to is None and not self.ahead:
            self._due.append(frame)
        else:
            self.write_all()
            chosen = self.live if to is None else self.live.intersection(to)
            for session in chosen:
                if self.ahead.get(session, 0) < pos:
                    session.push(frame)
            self.ahead = {session: at for session, at in self.ahead.items() if at > pos}
        for session, held in self.held.items():
            if (to is None or session in to) and len(held) <= HELD_EVENTS:
                held.append(Held(pos, frame))
        self.cursor = Cursor(self.cursor.epoch, pos)

    def write(self, most: int) -> int:
        """Write to at most so many sessions what they are due; answers to how many, fewer once all have it."""
        done = 0
        while done < most and (self._pass or self._begin_pass()):
            for _ in range(min(most - done, len(self._pass))):
                session, frames = self._pass.popitem()
                session.push(frames)
                done += 1
        return done

    def write_all(self) -> None:
        """Write what is due to everybody, before something that must come after it."""
        self.write(sys.maxsize)

    def _begin_pass(self) -> bool:
        due, self._due = self._due, []
        if not due:
            return False
        self._pass = dict.fromkeys(self.live, due[0] if len(due) == 1 else b"".join(due))
        for session, had in self._late.items():
            self._pass[session] = b"".join(due[had:])
        self._late.clear()
        return bool(self._pass)

    def enter(self, session: Session) -> None:
        """Make a session live that has had everything up to the cursor; one that is live already is due what it was."""
        if session in self.live:
            return
        self.live.add(session)
        if self._due:
            self._late[session] = len(self._due)

    def leave(self, session: Session) -> None:
        """Let a session be live no more, once it was sent what it is due."""
        if session in self.live:
            if frames := self._pass.pop(session, None):
                session.push(frames)
            if self._due and (frames := b"".join(self._due[self._late.pop(session, 0) :])):
                session.push(frames)
            self.live.discard(session)
        self.ahead.pop(session, None)
