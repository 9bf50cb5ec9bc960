"""Who is connected here, and who here is told of whom; one turn a second.

Sessions come, give signs of life and go; all that is gathered, and told to the
store in a few calls each second. What it answers is told to every process once, and
each tells those of its sessions that may know: who asked to (PRESENCE_WATCH), or,
until then, the members of one's full chats. Notices may be lost, so those who were
told to be there are looked at again, some at a time.

Presence is the first thing to be dropped: frames are whispers, and while the store
or the database is away everything here waits for the next turn.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, InterfaceError

from chatsite.gateway.notices import tell_all
from chatsite.gateway.protocol import prepare
from chatsite.gateway.session import Session
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.metrics import presence_online, presence_sweep_seconds, presence_transitions
from presence import commands, queries
from presence.commands import Seen
from presence.followers import Follower
from presence.models import Presence
from presence.pacing import Pace
from presence.policy import Choice, Shown, Status
from presence.protocol import presence_frame
from presence.stores import Arrival, Beat, Change, presence_store

logger = logging.getLogger(__name__)

TURN_SECONDS = 1.0
BEAT_SECONDS = 10.0  # more often than this nobody's signs of life are passed on
JUDGE_SECONDS = 60.0  # how long it is believed who may see whom
SEEN_SECONDS = 60.0  # between two writings of when people were seen last
PRESENT_SECONDS = 300.0  # after which it is written of people who are still there
MOST = 1_000  # sessions of one turn, and changes of one notice; the next turn goes on
JOINED = 100  # frames of one write, some 15 KB
SLICE = 200  # sessions written to in one turn of the loop: 1 to 2 ms
TOLD = 32  # people whose hearers are found in one turn of the loop: 1 to 2 ms
BREATH_SECONDS = 0.002  # between two of those, in which messages are delivered
LOOKED_AT = 200  # people of one turn whose notices may have been lost
MOST_LEAVING = 10_000  # goodbyes that wait; over it the oldest end by their deadline
MOST_SEEN = 100_000  # people to be written down; over it the oldest keep what is written
MOST_CLOSE = 20_000  # people whose circle is remembered, about 5 KiB each of 50
CHANGED, CHOSEN = "presence.changed", "presence.chosen"
AWAY = (DatabaseError, InterfaceError, Unavailable)


@dataclass(slots=True, eq=False)
class _Seat:
    """One session here; `watch` is None until it said whom it wants to hear of."""

    user: str
    device: str
    has_arrived: bool = False
    beat_at: float = 0.0
    active_at: float = 0.0
    watch: Collection[str] | None = None
    allowed: set[str] = field(default_factory=set)  # those of them whom its person may see
    judged_at: float = 0.0


class Tracker:
    """The sessions of this process, as presence sees them."""

    def __init__(self) -> None:
        self._here: dict[Session, _Seat] = {}
        self._by_user: defaultdict[str, set[Session]] = defaultdict(set)
        self._arriving: dict[Session, None] = {}  # in that order
        self._heard: dict[Session, bool] = {}  # since they were passed on; True where somebody did something
        self._leaving: deque[_Seat] = deque(maxlen=MOST_LEAVING)
        self._choose_at: dict[
            str, int
        ] = {}  # when to ask what somebody chose (Unix ms): quiet hours are over, or at once
        self._watchers: defaultdict[str, set[Session]] = defaultdict(set)
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._undecided: set[Session] = set()  # those that have not said whom they watch
        self._pace = Pace()
        self._close: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()
        self._checking: deque[str] = deque()  # whom to look at again; refilled when all were
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._since: int | None = None
        self._is_away = False
        self._written_at = self._presented_at = 0.0

    # --- sessions

    def entered(self, session: Session) -> None:
        """A session was welcomed."""
        seat = self._here[session] = _Seat(session.require_user, session.id[:16])
        self._by_user[seat.user].add(session)
        self._undecided.add(session)
        self._arriving[session] = None

    def heard(self, session: Session, *, active: bool) -> None:
        """It gave a sign of life."""
        if session in self._here:
            self._heard[session] = self._heard.get(session, False) or active

    def left(self, session: Session) -> None:
        """It has ended: with a goodbye its person is gone after a grace, else by deadline."""
        if (seat := self._here.pop(session, None)) is None:
            return
        self._by_user[seat.user].discard(session)
        if not self._by_user[seat.user]:
            del self._by_user[seat.user]
            self._choose_at.pop(seat.user, None)
        self._arriving.pop(session, None)
        self._heard.pop(session, None)
        self._undecided.discard(session)
        self._unwatch(session, seat)
        if seat.has_arrived and session.said_goodbye:
            self._leaving.append(seat)

    async def watch(self, session: Session, users: Sequence[str]) -> dict[str, Shown]:
        """Let a session hear of these people and of no others; answers what it may see of each now."""
        seat = self._here[session]
        allowed = await queries.acquaintances(seat.user, users) | {seat.user}
        before, was_undecided = seat.watch, session in self._undecided
        self._unwatch(session, seat)
        seat.watch, seat.allowed, seat.judged_at = frozenset(users), allowed, time.monotonic()
        if session in self._here:  # It may have ended meanwhile.
            self._undecided.discard(session)
            for user in seat.watch:
                self._watchers[user].add(session)
        try:
            found = await queries.shown_of(users, allowed=allowed)
        except AWAY:
            self._unwatch(session, seat)
            seat.watch = before
            if session in self._here:
                self._undecided.update({session} if was_undecided else ())
                for user in before or ():
                    self._watchers[user].add(session)
            raise
        now = time.monotonic()
        for user in allowed & found.keys():
            self._pace.meet(user, found[user], now=now)
        return found

    def _unwatch(self, session: Session, seat: _Seat) -> None:
        for user in seat.watch or ():
            self._watchers[user].discard(session)
            if not self._watchers[user]:
                del self._watchers[user]

    async def follow(self, follower: Follower, users: Sequence[str], *, allowed: Collection[str]) -> dict[str, Shown]:
        """Let somebody without a session hear of these people; answers what may be seen of each now."""
        for user in allowed:
            self._followers[user].add(follower)
        try:
            found = await queries.shown_of(users, allowed=allowed)
        except BaseException:
            self.unfollow(follower, users)
            raise
        now = time.monotonic()
        for user in allowed:
            self._pace.meet(user, found[user], now=now)
        return found

    def unfollow(self, follower: Follower, users: Iterable[str]) -> None:
        """Tell a follower nothing more of these people."""
        for user in users:
            if user in self._followers:
                self._followers[user].discard(follower)
                if not self._followers[user]:
                    del self._followers[user]

    # --- turns

    async def run(self) -> None:
        """Take a turn a second until cancelled; then write down who was here."""
        try:
            while True:
                await asyncio.sleep(TURN_SECONDS)
                await self.turn()
        finally:
            self._presented_at = self._written_at = 0.0
            await self._attempt(self._write_down)

    async def turn(self) -> None:
        """Pass on what happened here, and tell what is new; what is away is tried again by the next turn."""
        steps = (self._leave, self._arrive, self._beat, self._choose, self._sweep, self._tell, self._write_down)
        self._is_away = not all([await self._attempt(step) for step in steps])

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except AWAY as error:
            if not self._is_away:
                logger.warning("presence waits until it is back: %s", error)
            self._is_away = True
            return False
        except Exception:  # Whatever it is: it must not end the server for what nobody misses.
            logger.exception("a turn of presence failed")
        return True

    async def _leave(self) -> None:
        for _ in range(min(MOST, len(self._leaving))):
            await presence_store().leave(self._leaving[0].user, self._leaving[0].device)
            self._leaving.popleft()

    async def _arrive(self) -> None:
        sessions = [session for session, _ in zip(self._arriving, range(MOST), strict=False)]
        if not sessions:
            return
        seats = [self._here[session] for session in sessions]
        choices = await self._choices({seat.user for seat in seats})
        changes = await presence_store().arrive([Arrival(one.user, one.device, choices[one.user]) for one in seats])
        for session, seat in zip(sessions, seats, strict=True):
            self._arriving.pop(session, None)
            seat.has_arrived, seat.beat_at = True, time.monotonic()
            if session not in self._here and session.said_goodbye:
                self._leaving.append(seat)
        await self.announce(changes)
        self._choose_at.update((user, 0) for user in choices if user in self._by_user)  # Where the next line fails.
        await self.take_over_newer(choices)

    async def take_over_newer(self, known: Mapping[str, Choice]) -> None:
        """Let others see what people have chosen since these choices were read and they arrived with them.

        The store may have been told while it did not know them yet: it keeps nothing of who is not there.
        """
        for user, choice in (await self._choices(known.keys())).items():
            if choice.version > known[user].version:
                await self.announce(await presence_store().choose(user, choice))

    async def _choices(self, users: Collection[str]) -> dict[str, Choice]:
        choices = await queries.choices_of(users, now=clock.now_ms())
        for user, choice in choices.items():
            self._note_choice(user, choice)
        return choices

    async def _beat(self) -> None:
        now = time.monotonic()
        due = [
            (session, active)
            for session, active in self._heard.items()
            if self._here[session].has_arrived
            and now - (self._here[session].active_at if active else self._here[session].beat_at) >= BEAT_SECONDS
        ][:MOST]
        if not due:
            return
        beats = {}
        for session, active in due:
            seat = self._here[session]
            beats[Beat(seat.user, seat.device, active)] = session
        beaten = await presence_store().beat(list(beats))
        for session, active in due:
            if (here := self._here.get(session)) is not None:
                here.beat_at, here.active_at = now, now if active else here.active_at
            self._heard.pop(session, None)
        for beat in beaten.unknown:
            if beats[beat] in self._here:
                self._arriving[beats[beat]] = None  # What kept it was emptied.
        await self.announce(beaten.changes)

    async def _choose(self) -> None:
        """Tell the store what people chose, of those whose quiet hours are over, or whom it could not hear."""
        now = clock.now_ms()
        due = [user for user, at in self._choose_at.items() if at <= now][:MOST]
        for user, choice in (await queries.choices_of(due, now=now)).items() if due else ():
            await self.announce(await presence_store().choose(user, choice))
            self._note_choice(user, choice)

    def _note_choice(self, user: str, choice: Choice) -> None:
        if choice.quiet_until_ms and user in self._by_user:
            self._choose_at[user] = choice.quiet_until_ms
        else:
            self._choose_at.pop(user, None)

    async def take_over(self, row: Presence) -> None:
        """Let others see what a person has chosen: now, or as soon as the store is back."""
        user, choice = str(row.user_id), queries.choice_of(row, now=clock.now_ms())
        try:
            changes = await presence_store().choose(user, choice)
            await self.announce(changes)
            await tell_all({"type": CHOSEN, "user": user})
        except Unavailable:
            self._choose_at[user] = 0

    async def _sweep(self) -> None:
        with presence_sweep_seconds.time():
            swept = await presence_store().sweep()
        presence_online.set(swept.online)
        if self._since is not None and swept.since_ms > self._since:
            self._heard = {session: self._heard.get(session, False) for session in self._here}
            for seat in self._here.values():
                seat.beat_at = 0.0
        self._since = swept.since_ms
        await self.announce(swept.changes)
        if not swept.is_frozen:
            await self._look_again()

    async def _look_again(self) -> None:
        """Find out what a lost notice said, of some who are watched or were told to be there."""
        if not self._checking:
            heard_of = self._watchers.keys() | self._followers.keys()
            watched = (user for user in heard_of if self._pace.told(user) is not None)
            self._checking.extend({*self._pace.present(), *watched})
        users = [self._checking.popleft() for _ in range(min(LOOKED_AT, len(self._checking)))]
        if not (users := [user for user in users if self._is_anyones(user)]):
            return
        found = await queries.shown_of(users, allowed=users)
        for user in users:
            known, shown = self._pace.told(user), found[user]
            if shown.status is Status.OFFLINE and known is not None:
                if known.status is Status.OFFLINE:
                    continue
                shown = shown._replace(version=max(shown.version, known.version + 1))
            self._pace.note(user, shown)

    def _is_anyones(self, user: str) -> bool:
        """Whether somebody here may have to be told of a person."""
        return bool(self._undecided) or user in self._watchers or user in self._followers

    # --- telling

    async def announce(self, changes: Sequence[Change]) -> None:
        """Tell every process what has changed, and note when those were seen who are gone."""
        for status, number in Counter(shown.status for _, shown in changes).items():
            presence_transitions.labels(str(status)).inc(number)
        for user, shown in changes:
            if shown.status is Status.OFFLINE and shown.last_seen_ms:
                self._note_seen(user, Seen(shown.last_seen_ms, shown.version))
        for start in range(0, len(changes), MOST):
            rows = [[user, *shown] for user, shown in changes[start : start + MOST]]
            await tell_all({"type": CHANGED, "changes": rows})

    def hear(self, notice: Mapping[str, Any]) -> None:
        """Take what a process has announced."""
        for user, status, text, last_seen_ms, version in notice["changes"]:
            if self._is_anyones(user):
                self._pace.note(user, Shown(Status(status), text, last_seen_ms, version))
            else:
                self._pace.forget(user)

    def hear_choice(self, notice: Mapping[str, Any]) -> None:
        """Take that somebody chose something, on whatever server: their quiet hours may be others."""
        if notice["user"] in self._by_user:
            self._choose_at[notice["user"]] = 0

    async def _tell(self) -> None:
        changes = self._pace.take(now=time.monotonic())
        if changes and self._undecided:
            with suppress(*AWAY):  # Then what was known of them holds a little longer.
                await self._learn_circles([user for user, _ in changes])
        told: defaultdict[Session, list[bytes]] = defaultdict(list)
        for number, (user, shown) in enumerate(changes, 1):
            if number % TOLD == 0:
                await asyncio.sleep(BREATH_SECONDS)
            frame = prepare(presence_frame(user, shown))
            for session in await self._audience(user):
                told[session].append(frame)
            for follower in tuple(self._followers.get(user, ())):
                follower.tell(user, shown)
        await _whisper(told)

    async def _audience(self, user: str) -> Iterable[Session]:
        _, circle = self._close.get(user, (0.0, set()))
        few, many = sorted((circle | {user}, self._by_user.keys()), key=len)
        near = {session for one in few if one in many for session in self._by_user[one] if session in self._undecided}
        for session in tuple(self._watchers.get(user, ())):
            if (seat := self._here.get(session)) is not None and user in await self._allowed(seat):
                near.add(session)
        return near

    async def _allowed(self, seat: _Seat) -> set[str]:
        """Those whom a session's person may see, of those it watches."""
        now = time.monotonic()
        if now - seat.judged_at > JUDGE_SECONDS:
            with suppress(*AWAY):
                seat.allowed = await queries.acquaintances(seat.user, seat.watch or ()) | {seat.user}
                seat.judged_at = now
        return seat.allowed

    async def _learn_circles(self, users: Sequence[str]) -> None:
        now = time.monotonic()
        new = [user for user in users if now - self._close.get(user, (float("-inf"), set()))[0] > JUDGE_SECONDS]
        for start in range(0, len(new), LOOKED_AT):
            some = new[start : start + LOOKED_AT]
            found = await queries.close_to(some)
            for user in some:
                self._close[user] = (now, set(found.get(user, ())))
                self._close.move_to_end(user)
        while len(self._close) > MOST_CLOSE:
            self._close.popitem(last=False)

    # --- what outlives the store

    def _note_seen(self, user: str, seen: Seen) -> None:
        self._seen[user] = seen
        self._seen.move_to_end(user)
        while len(self._seen) > MOST_SEEN:
            self._seen.popitem(last=False)

    async def _write_down(self) -> None:
        now = time.monotonic()
        if now - self._presented_at >= PRESENT_SECONDS:
            await self._note_present()
            self._presented_at = now
        if now - self._written_at < SEEN_SECONDS:
            return
        while self._seen:
            some = dict(zip(tuple(self._seen)[:MOST], tuple(self._seen.values())[:MOST], strict=True))
            await in_db_thread(commands.write_down, some)
            for user, seen in some.items():
                if self._seen.get(user) == seen:
                    del self._seen[user]
        self._written_at = now

    async def _note_present(self) -> None:
        """Note those who are here: should everything end now, this is when they were seen last."""
        users, now = list(self._by_user), clock.now_ms()
        for start in range(0, len(users), MOST):
            found = await presence_store().statuses(users[start : start + MOST])
            for user, shown in found.items():
                if shown.status is not Status.OFFLINE and shown.last_seen_ms:
                    self._note_seen(user, Seen(now, shown.version + 1))


async def _whisper(told: Mapping[Session, Sequence[bytes]]) -> None:
    """Tell each session all that is new in few writes: a frame of its own costs as much as many in one."""
    for number, (session, frames) in enumerate(told.items(), 1):
        for start in range(0, len(frames), JOINED):
            session.whisper(b"".join(frames[start : start + JOINED]))
        if number % SLICE == 0:
            await asyncio.sleep(0)


tracker = Tracker()
