"""The subscribers of this process: one channel of the layer, one cursor a room.

A notice of the layer is a hint. The hub checks it against its own cursor, fills
holes from the room's stream, and compares heads every two seconds, so that a
lost notice delays an event and never loses it. What a room's members hear is
judged again whenever an event changes the membership.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from chatsite.gateway.bodies import EVERYBODY
from chatsite.gateway.joining import JoinedRooms
from chatsite.gateway.notices import HUBS, listeners, tell_perhaps
from chatsite.gateway.protocol import (
    MAX_SUBSCRIPTIONS,
    CloseCode,
    Cursor,
    Ref,
    Verdict,
    frame,
    judge,
    prepare,
    resync_frame,
    stamp,
)
from chatsite.gateway.registry import heard_by, mode_of, subjects_of, unread_of, who_may_hear
from chatsite.gateway.replays import Replay, is_behind, members_version_of, missed_since, nothing_missed, replay, see
from chatsite.gateway.rooms import ACTIVITY, FULL, HELD_EVENTS, Held, Room
from chatsite.gateway.session import Session
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.gateway.watches import Watch, Watches
from chatsite.gateway.writing import SLICE, Writer
from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError, NotFound, RateLimited, Unavailable
from chatsite.kernel.ids import unix_ms_of
from chatsite.kernel.metrics import active_sessions, fanout_latency_ms, ws_resumes

logger = logging.getLogger(__name__)

HEADS_SECONDS = 2.0
JUDGE_SECONDS = 60.0
ACTIVITY_SECONDS = 1.0  # between two notices of what happens in a large room
AWAY = (DatabaseError, InterfaceError, Unavailable)  # what is behind is asked again later
ENDED_SECONDS = 60.0  # how long an ended sign-in is remembered: its tickets live half as long
MAX_ENDED = 100_000  # remembered ends, about 20 MB; over it the oldest is forgotten
TELL_SECONDS = 5.0  # how long a command beside the server tries to tell the hubs

_resumes = {result: ws_resumes.labels(result) for result in ("fresh", "resync", "recovered")}


def _reached(room: Room, head: Head) -> Head:
    """How far a SUBSCRIBE is answered: no further than its room is, where a removal above would not be noticed."""
    return head._replace(pos=room.cursor.pos) if head.pos > room.cursor.pos else head


def _result(cursor: Cursor | None, missed: Sequence[Entry] | None) -> str:
    """What the answer to a cursor counts as."""
    return "fresh" if cursor is None else "resync" if missed is None else "recovered"


def _mode_notice(room: Room) -> bytes:
    """That a room is heard in another way from now on."""
    return prepare(frame("ROOM", roomId=room.subject, change="mode", chat={"mode": room.mode}))


def _pass_on(room: Room, notice: dict[str, Any]) -> None:
    for session in room.live:
        if session.user_id != notice["besides"]:
            session.whisper(notice["frame"])


def _note_fanout(accepted_ms: int) -> None:
    fanout_latency_ms.observe(max(0.0, time.time() * 1_000 - accepted_ms))


class Hub:
    """Every session of this process, by subject."""

    def __init__(self) -> None:
        self.sessions: set[Session] = set()
        self.draining = False  # the server stops: nothing new is accepted
        self.watches = Watches()
        self._rooms = JoinedRooms(self.watches)
        self._following: set[asyncio.Task[None]] = set()  # sessions being joined to a room they came into
        self._ended: dict[str, float] = {}  # sign-in -> the moment (monotonic) it ended, in that order
        self._news: dict[Room, int] = {}  # rooms that are skimmed, and the newest message in each
        self._writer = Writer()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        layer = get_channel_layer()
        self.tell_here()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._join_hubs())
            tasks.create_task(self._compare_heads())
            tasks.create_task(self._judge_members())
            tasks.create_task(self._tell_activity())
            while True:
                notice = await layer.receive(await self._rooms.channel())
                match notice["type"]:
                    case "sign_ins.ended":
                        self._end(notice["ids"])
                    case "members.changed":
                        await who_may_hear((), notice["subject"], version=notice["version"])
                    case type_ if type_ in listeners:
                        listeners[type_](notice)
                    case _:
                        self.receive(notice)
                        await self._writer.breathe(len(notice["frame"]))

    def receive(self, notice: dict[str, Any]) -> None:
        """Judge a notice of the layer and deliver it, or catch up from the stream."""
        if notice["type"] == "room.event":
            self.watches.note(notice["subject"])
        if (room := self._rooms.get(notice["subject"])) is None:
            return
        if notice["type"] == "room.whisper":
            # In the loop's next turn: behind what happened before it, which is due then.
            asyncio.get_running_loop().call_soon(_pass_on, room, notice)
            return
        if room.catching_up:
            room.behind = True
            return
        match judge(room.cursor, epoch=notice["epoch"], pos=notice["pos"], prev=notice["prev"]):
            case Verdict.DROP:
                return
            case Verdict.APPLY if notice["members_version"] <= room.members_version:
                self._writer.broadcast(room, notice["frame"], notice["pos"])
                if notice["joins"]:
                    self._follow(room, notice["joins"], version=notice["joins_version"])
                if notice["minted"] is not None:
                    clock.see(notice["minted"])
                    self._note_activity(room, notice["minted"])
                    # What is due now is written, or begun to be, before this is called.
                    asyncio.get_running_loop().call_soon(_note_fanout, unix_ms_of(notice["minted"]))
            case _:
                self._catch_up(room)

    async def subscribe(
        self, session: Session, rooms: Mapping[str, Cursor | None], *, ref: Ref
    ) -> dict[str, DomainError]:
        """Send what a session missed of some subjects, then everything as it happens, however many are in them.

        Answers why not, of those that it does not hear now. What takes long is done for all of them together.
        """
        async with session.subscribing:
            refused = await self._subscribe(session, rooms, ref=ref)
            session.named |= session.subjects & rooms.keys()
        return refused

    async def _subscribe(
        self, session: Session, rooms: Mapping[str, Cursor | None], *, ref: Ref
    ) -> dict[str, DomainError]:
        judged = {room: room.members_version for subject in rooms if (room := self._rooms.get(subject))}
        refused = await self._refusals(session, rooms, {room.subject: version for room, version in judged.items()})
        theirs = {subject: cursor for subject, cursor in rooms.items() if subject not in refused}
        try:
            missed, strange = await self._begin(session, theirs, judged, ref)
        except DomainError as error:
            return refused | dict.fromkeys(theirs, error)
        refused |= {subject: NotFound() for subject in strange}
        for subject in missed:
            await session.drained()
            if session.closing:
                break
            try:
                await self._resume(session, subject, theirs[subject], ref)
            except DomainError as error:
                refused[subject] = error
        return refused

    async def _refusals(
        self, session: Session, rooms: Collection[str], versions: Mapping[str, int]
    ) -> dict[str, DomainError]:
        """Which subjects a session cannot subscribe to: those that are not theirs, and one too many."""
        heard = await heard_by(session.require_user, {subject: versions.get(subject, 0) for subject in rooms})
        refused: dict[str, DomainError] = {}
        left = MAX_SUBSCRIPTIONS + 1 - len(session.subjects)  # The one more is their own, which is no room.
        for subject in rooms:
            if subject not in heard:
                refused[subject] = NotFound()
            elif subject not in session.subjects:
                left -= 1
                if left < 0:
                    refused[subject] = RateLimited(f"A connection may have {MAX_SUBSCRIPTIONS} subscriptions.")
        return refused

    async def _begin(
        self, session: Session, theirs: Mapping[str, Cursor | None], judged: Mapping[Room, int], ref: Ref
    ) -> tuple[list[str], list[str]]:
        """Make a session live where nothing has to be read for it; answers where it has, and what is not theirs."""
        rooms: list[Room] = []
        missed: list[str] = []
        strange: list[str] = []

        def hold(room: Room) -> None:
            if room.subject in session.subjects or room.subject in session.named:
                self.unsubscribe(session, room.subject, keep_room=True)
            rooms.append(room)
            room.held[session] = []

        try:
            await self._rooms.enter(theirs, hold)
            # Again, now that a removal would be seen here: one in between is not missed.
            doubted = {room.subject: room.members_version for room in rooms if judged.get(room) != room.members_version}
            if doubted:
                heard = await heard_by(session.require_user, doubted)
                strange += [subject for subject in doubted if subject not in heard]
            heads = await stream().heads(list(theirs))
        except BaseException:
            for room in rooms:
                self._release(room, session)
            raise
        answered: list[tuple[Room, Replay]] = []
        results: list[str] = []
        has_ended = session.closing or session.gone
        for room in rooms:
            cursor, head = theirs[room.subject], heads[room.subject]
            if has_ended or room.subject in strange:
                self._release(room, session)
            elif session not in room.held:  # Removed from the chat while it was being read.
                strange.append(room.subject)
                self._rooms.leave_if_empty(room)
            elif head.epoch != room.cursor.epoch or is_behind(cursor, head):
                self._release(room, session)
                missed.append(room.subject)
            else:
                nothing = nothing_missed(cursor, head)
                results.append(_result(cursor, nothing))
                answered.append((room, replay(room.subject, cursor, _reached(room, head), nothing, ref=ref)))
        for result, count in Counter(results).items():
            _resumes[result].inc(count)
        session.replay(*[answer.frame for _, answer in answered])
        for room, answer in answered:
            self._go_live(room, session, room.held.pop(session), answer.pos)
        return missed, strange

    def _release(self, room: Room, session: Session) -> None:
        """Hold nothing for a session any more."""
        room.held.pop(session, None)
        self._rooms.leave_if_empty(room)

    async def _resume(self, session: Session, subject: str, cursor: Cursor | None, ref: Ref) -> None:
        """Send a session what it missed of one subject, and make it live there; NotFound if it is not theirs."""
        known = self._rooms.get(subject)
        judged = known.members_version if known else 0
        await self._require_hearer(session, subject, version=judged)
        room = await self._rooms.joined(subject)
        room.held[session] = []
        try:
            if room is not known or room.members_version != judged:
                # Again, now that a removal would be seen here: one in between is not missed.
                judged = room.members_version
                await self._require_hearer(session, subject, version=judged)
            answer = await self._replay(room, session, cursor, ref, judged=judged)
        except BaseException:
            self._release(room, session)
            raise
        held = room.held.pop(session, None)
        if held is None or session.closing or session.gone:  # Removed from the chat, or gone, while it was being read.
            self._rooms.leave_if_empty(room)
            if held is None:
                raise NotFound()
            return
        session.replay(answer.frame)
        if answer.more:
            self._rooms.leave_if_empty(room)
            return
        self._go_live(room, session, held, answer.pos)

    def _go_live(self, room: Room, session: Session, held: Sequence[Held], pos: int) -> None:
        """Send a session what was held above the pos it was answered with, and everything from now on."""
        if len(held) > HELD_EVENTS:
            pos = room.cursor.pos
            session.reply(resync_frame(room.subject, room.cursor))
        for event in held:
            if event.pos > pos:
                session.push(event.frame)
        room.enter(session)
        session.subjects.add(room.subject)
        if pos > room.cursor.pos:
            room.ahead[session] = pos

    async def hear_oneself(self, session: Session) -> Cursor:
        """Let a session hear what concerns its person alone; answers from where on."""
        room = await self._rooms.joined(session.require_user, is_own=True)
        room.enter(session)
        session.subjects.add(room.subject)
        return room.cursor

    async def subscribe_all(self, session: Session, *, ref: Ref) -> None:
        """Let a session hear everything that is its person's, and what becomes so later."""
        heard_all, session.hears_all = session.hears_all, True
        try:
            async with session.subscribing:
                await self._subscribe_all(session, ref=ref)
        except BaseException:
            session.hears_all = heard_all
            raise

    async def _subscribe_all(self, session: Session, *, ref: Ref) -> None:
        rooms: list[Room] = []
        pinned: list[Room] = []  # those that it was not live in, nor being joined to already
        theirs: dict[str, dict[str, Any]] = {}
        held: dict[str, list[Held]] = {}

        def pin(room: Room) -> None:
            rooms.append(room)
            if session not in room.hearers():
                room.held[session] = []
                pinned.append(room)

        try:
            await self._rooms.enter(await subjects_of(session.require_user), pin)
            # Again, now that a removal would be seen here: one in between is not missed.
            theirs = await subjects_of(session.require_user)
        finally:
            for room in pinned:
                if (events := room.held.pop(session, None)) is not None:
                    held[room.subject] = events
        if session.closing or session.gone:
            theirs = {}
        # Where it was live before, or is held still, its person is a member; a hold that is gone was a removal.
        heard = [
            one
            for one in rooms
            if one.subject in theirs and (session in one.live | one.skimming or one.subject in held)
        ]
        modes = {room.subject: FULL if room.subject in session.named else room.mode for room in heard}
        answer = {
            room.subject: {"epoch": room.cursor.epoch, "mode": modes[room.subject]} | theirs[room.subject]
            for room in heard
        }
        session.reply(frame("SUBSCRIBED_ALL", ref=ref, rooms=answer))
        for room in heard:
            if modes[room.subject] == ACTIVITY:
                self._skim(room, session)
            else:
                self._go_live(room, session, held.get(room.subject, ()), theirs[room.subject]["pos"])
        for room in rooms:
            self._rooms.leave_if_empty(room)

    def unsubscribe(self, session: Session, subject: str, *, keep_room: bool = False) -> None:
        """Send no more of a subject."""
        session.subjects.discard(subject)
        session.named.discard(subject)
        if (room := self._rooms.get(subject)) is not None:
            room.leave(session)
            room.skimming.discard(session)
            if not keep_room:
                self._rooms.leave_if_empty(room)

    def unname(self, session: Session, subject: str) -> None:
        """Let a session that hears everything of its person's hear a subject by its mode again."""
        session.named.discard(subject)
        room = self._rooms.get(subject)
        if room is not None and room.mode == ACTIVITY and session in room.live:
            self._skim(room, session)

    def _skim(self, room: Room, session: Session) -> None:
        """Tell a session from now on that there is something new in a room, and not what."""
        room.leave(session)
        room.skimming.add(session)
        session.subjects.add(room.subject)

    @asynccontextmanager
    async def watching(self, watch: Watch) -> AsyncIterator[None]:
        """Wake a watch at whatever happens in its subjects; within two seconds where the notice is lost."""
        with self.watches.opened(watch):
            await self._rooms.watch(watch.cursors)
            yield

    async def end_sign_ins(self, ids: Sequence[str]) -> None:
        """Close the sessions of sign-ins that have ended, in every process."""
        self._end(ids)
        await tell_perhaps({"type": "sign_ins.ended", "ids": list(ids)})

    def tell_here(self) -> None:
        """Tell other processes on this loop what threads of this one have to say, where no hub runs too."""
        self._loop = asyncio.get_running_loop()

    def tell_ended(self, ids: Sequence[str]) -> None:
        """The same from a thread of a command, which need not wait for it."""
        self._from_a_thread(self.end_sign_ins(ids))

    def tell_changed(self, subject: str, version: int) -> None:
        """Let no process believe older members of a subject than these; for a thread of a command."""
        self._from_a_thread(tell_perhaps({"type": "members.changed", "subject": subject, "version": version}))

    def _from_a_thread(self, told: Coroutine[Any, Any, None]) -> None:
        if self._loop is None or self._loop.is_closed():  # A command beside the server.
            async_to_sync(asyncio.wait_for)(told, TELL_SECONDS)
        else:
            asyncio.run_coroutine_threadsafe(told, self._loop)

    def has_ended(self, sign_in_id: str | None) -> bool:
        """Whether a sign-in ended so lately that a ticket of it may still come."""
        return sign_in_id in self._ended

    def _end(self, ids: Sequence[str]) -> None:
        now, ended = time.monotonic(), set(ids)
        for known, moment in tuple(self._ended.items()):
            if moment > now - ENDED_SECONDS and len(self._ended) + len(ended) <= MAX_ENDED:
                break
            del self._ended[known]
        self._ended.update(dict.fromkeys(ids, now))
        for session in tuple(self.sessions):
            if session.sign_in_id in ended:
                session.close(CloseCode.REVOKED)
        self.watches.end(ended)

    def forget(self, session: Session) -> None:
        """Let go of a session that has ended."""
        self.sessions.discard(session)
        session.gone = True  # Whatever still joins it to a room finds that out.
        for subject in tuple(session.subjects):
            self.unsubscribe(session, subject)
        for subject in session.leaving:
            if (room := self._rooms.get(subject)) is not None:
                room.leaving.discard(session)

    async def _require_hearer(self, session: Session, subject: str, *, version: int) -> None:
        if not await who_may_hear([session.require_user], subject, version=version):
            raise NotFound()

    # --- replay

    async def _replay(self, room: Room, session: Session, cursor: Cursor | None, ref: Ref, *, judged: int) -> Replay:
        """The answer to a SUBSCRIBE for which events are read.

        Its person was `judged` by the members at that version.
        """
        while True:
            head = (await stream().heads([room.subject]))[room.subject]
            missed = await missed_since(room.subject, cursor, head)
            if head.epoch == room.cursor.epoch:
                break
            await asyncio.wait([room.catching_up or self._catch_up(room)])
        head = _reached(room, head)
        told = None if missed is None else [entry for entry in missed if entry.pos <= head.pos]
        # One that the room began behind is noticed here.
        if (version := members_version_of(told)) > judged:
            await self._require_hearer(session, room.subject, version=version)
        _resumes[_result(cursor, told)].inc()
        return replay(room.subject, cursor, head, told, ref=ref)

    # --- rooms

    async def _join_hubs(self) -> None:
        while True:
            try:
                await get_channel_layer().group_add(HUBS, await self._rooms.channel())
                return
            except Unavailable as error:
                logger.warning("the other processes are not heard yet: %s", error)
                await asyncio.sleep(HEADS_SECONDS)

    async def _compare_heads(self) -> None:
        while True:
            await asyncio.sleep(HEADS_SECONDS)
            try:
                await self._rooms.leave_forgotten()
                for subject, head in (await stream().heads(list(self._rooms.heard))).items():
                    self.watches.compare(subject, Cursor(head.epoch, head.pos))
                    room = self._rooms.get(subject)
                    if room and not room.catching_up and room.cursor != Cursor(head.epoch, head.pos):
                        self._catch_up(room)
            except AWAY as error:
                logger.warning("heads are not compared this time: %s", error)

    async def _judge_members(self) -> None:
        """Ask for the members of each room again, in case the notice of a change was lost."""
        while True:
            await asyncio.sleep(JUDGE_SECONDS)
            for room in self._rooms.all():
                room.leaving.clear()
                try:
                    self._send_away(room, await self._entitled(room, version=room.members_version))
                    await self._fit_mode(room)
                except AWAY as error:
                    logger.warning("members of %s are not judged this time: %s", room.subject, error)

    # --- catching up

    def _catch_up(self, room: Room) -> "asyncio.Task[None]":
        room.behind = True
        room.catching_up = asyncio.create_task(self._deliver_missed(room))
        room.catching_up.add_done_callback(lambda task: self._caught_up(room, task))
        return room.catching_up

    def _caught_up(self, room: Room, task: "asyncio.Task[None]") -> None:
        room.catching_up = None
        if not task.cancelled() and (error := task.exception()):
            # The next comparison of heads tries again; nothing was sent past the hole.
            logger.error("catching up %s failed", room.subject, exc_info=error)
        elif room.behind:
            self._catch_up(room)

    async def _deliver_missed(self, room: Room) -> None:
        while room.behind:
            room.behind = False
            head = (await stream().heads([room.subject]))[room.subject]
            missed = await stream().since(room.subject, room.cursor.pos) if head.epoch == room.cursor.epoch else None
            if missed is None:
                # What cannot be completed may hold a removal.
                self._send_away(room, await self._entitled(room, version=room.members_version))
                self._resync(room, Cursor(head.epoch, head.pos))
                await self._fit_mode(room)
                continue
            for entry in missed:
                await self._deliver(room, entry)
                await self._writer.breathe(len(entry.body.bytes))

    async def _deliver(self, room: Room, entry: Entry) -> None:
        see(entry)
        if entry.body.minted is not None:
            self._note_activity(room, entry.body.minted)
        frame = prepare(stamp(entry.body.bytes, epoch=room.cursor.epoch, pos=entry.pos, prev=entry.prev))
        if entry.body.members_version <= room.members_version:
            self._writer.broadcast(room, frame, entry.pos)
            if entry.body.joins:
                self._follow(room, entry.body.joins, version=entry.body.joins_version)
            return
        staying = await self._entitled(room, version=entry.body.members_version)
        room.members_version = entry.body.members_version
        last = entry.body.farewell
        farewell = {session for session in room.hearers() if last in (session.user_id, EVERYBODY)}
        room.broadcast(frame, entry.pos, to=staying | farewell)
        # Who skims is sent no events, and who was sent away none any more, but for this one.
        for session in [one for one in room.skimming | room.leaving if last in (one.user_id, EVERYBODY)]:
            session.push(frame)
            room.leaving.discard(session)
        # The roster may be newer than this event: whom a later one removes hears that one, and nothing before it.
        early = room.hearers() - staying - farewell
        self._send_away(room, staying)
        for session in early:
            room.leaving.add(session)
            session.leaving.add(room.subject)
        await self._fit_mode(room)

    def _follow(self, room: Room, subject: str, *, version: int) -> None:
        """Join those who hear everything of theirs to a room that their person came into."""
        for session in room.live:
            if session.hears_all:
                task = asyncio.create_task(self._join_later(session, subject, version=version))
                self._following.add(task)
                task.add_done_callback(self._following.discard)

    async def _join_later(self, session: Session, subject: str, *, version: int) -> None:
        try:
            await self._require_hearer(session, subject, version=version)
            async with session.subscribing:
                if subject in session.subjects or len(session.subjects) > MAX_SUBSCRIPTIONS:
                    return  # Where its client was faster, it hears the room as that asked for.
                if refused := await self._subscribe(session, {subject: None}, ref=None):
                    raise refused[subject]
                room = self._rooms.get(subject)
                if room is not None and room.mode == ACTIVITY and session in room.live:
                    self._skim(room, session)
                    session.push(_mode_notice(room))
        except NotFound:
            logger.debug("%s was left again at once", subject)
        except AWAY as error:
            # Silence would look like a quiet room: the client comes back and asks for everything again.
            logger.warning("session %s cannot hear %s: %s", session.id, subject, error)
            session.close(CloseCode.TOO_SLOW)

    async def _fit_mode(self, room: Room) -> None:
        """Move those who hear everything of theirs to the mode that the room's members make it have now."""
        if room.is_own or (mode := await mode_of(room.subject)) == room.mode:
            return
        room.mode = mode
        notice = _mode_notice(room)
        if mode == ACTIVITY:
            for session in [one for one in room.live if one.hears_all and room.subject not in one.named]:
                self._skim(room, session)
                session.push(notice)
            return
        # They have not had what was said since, so they begin anew.
        begin = prepare(resync_frame(room.subject, room.cursor))
        for session in tuple(room.skimming):
            room.skimming.discard(session)
            room.enter(session)
            session.push(notice + begin)

    def _note_activity(self, room: Room, message_id: int) -> None:
        if room.skimming:
            self._news[room] = message_id

    async def _tell_activity(self) -> None:
        """Tell those who skim large rooms once a second that there is something new; nobody misses what is dropped."""
        while True:
            await asyncio.sleep(ACTIVITY_SECONDS)
            news, self._news = self._news, {}
            for room, message_id in news.items():
                try:
                    unread = await unread_of(room.subject, {session.require_user for session in room.skimming})
                except Exception as error:  # Whatever it is: it must not end the hub for what nobody misses.
                    logger.warning("nobody is told of news in %s this time", room.subject, exc_info=error)
                else:
                    await self._tell_unread(room, message_id, unread)

    async def _tell_unread(self, room: Room, message_id: int, unread: Mapping[str, int | None]) -> None:
        """Tell each who skims a room what is unread; who is not counted yet is told next time, None is no member."""
        frames = {
            number: prepare(frame("ROOM_ACTIVITY", roomId=room.subject, messageId=str(message_id), unread=number))
            for number in set(unread.values())
        }
        for told, session in enumerate(tuple(room.skimming), 1):
            if session.require_user not in unread:
                self._news.setdefault(room, message_id)
            elif session in room.skimming and unread[session.require_user] is not None:
                session.whisper(frames[unread[session.require_user]])
            if told % SLICE == 0:
                await asyncio.sleep(0)

    async def _entitled(self, room: Room, *, version: int) -> set[Session]:
        """The sessions here whose people are members, those that came while it was asked too."""
        asked: set[str] = set()
        allowed: set[str] = set()
        while new := {session.require_user for session in room.hearers()} - asked:
            allowed |= await who_may_hear(new, room.subject, version=version)
            asked |= new
        return {session for session in room.hearers() if session.user_id in allowed}

    def _send_away(self, room: Room, staying: set[Session]) -> None:
        for session in room.hearers() - staying:
            self._remove(room, session)

    def _remove(self, room: Room, session: Session) -> None:
        room.leave(session)
        room.skimming.discard(session)
        if (held := room.held.pop(session, None)) is not None:
            for event in held:
                session.push(event.frame)
        session.subjects.discard(room.subject)
        self._rooms.leave_if_empty(room)

    def _resync(self, room: Room, cursor: Cursor) -> None:
        notice = prepare(resync_frame(room.subject, cursor))
        room.write_all()
        room.cursor = cursor
        room.ahead.clear()
        for session in room.live:
            session.push(notice)
        for held in room.held.values():
            held.append(Held(cursor.pos, notice))


hub = Hub()
active_sessions.set_function(lambda: len(hub.sessions))
