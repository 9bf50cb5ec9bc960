"""The rooms that one connection is live in, and how far each was heard.

Each room has a cursor that moves as the receiver rule judges its frames; every
reconnect resumes from it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chatsite.gateway.protocol import Cursor, Verdict, judge
from tests.chat_client.listener import Frame, Listener

ROOMS_PER_FRAME = 200  # a cursor takes up to about 200 bytes of a frame of at most 64 KiB
LATER = "later"  # stands in a room's `awaiting`, in place of a ref, until its SUBSCRIBE is sent again


@dataclass
class Room:
    """A room: how far it was heard, the ref of a SUBSCRIBE without an answer, whether it is followed."""

    cursor: Cursor | None = None
    awaiting: str | None = None
    is_named: bool = False


class Subscriptions:
    """The rooms of one client.

    `ask(frame)` sends a frame and answers its ref, or None where there is no
    connection; `later(ms, work)` runs work after a while (None: some while),
    unless the connection is lost before.
    """

    def __init__(
        self,
        *,
        on: Listener,
        ask: Callable[[Frame], str | None],
        later: Callable[[float | None, Callable[[], None]], None],
    ) -> None:
        self._on = on
        self._ask = ask
        self._later = later
        self._rooms: dict[str, Room] = {}
        self._hears_all = False
        self._all: str | None = None  # the ref of the SUBSCRIBE "all" that has no answer yet

    def follow(self, room_ids: Iterable[str]) -> None:
        """Set the rooms to be live in: new ones are subscribed, missing ones forgotten, or heard by their mode."""
        wanted = dict.fromkeys(room_ids)
        for room_id in [one for one, room in self._rooms.items() if room.is_named and one not in wanted]:
            if self._hears_all:
                self._rooms[room_id].is_named = False
            else:
                del self._rooms[room_id]
            self._ask({"type": "UNSUBSCRIBE", "rooms": [room_id]})
        added = [room_id for room_id in wanted if not self._room(room_id).is_named]
        for room_id in added:
            self._rooms[room_id].is_named = True
        self._subscribe(added)

    def follow_all(self) -> None:
        """Hear every room of the person's by its mode, and those that become theirs."""
        self._hears_all = True
        self._ask_all()

    def cursor(self, room_id: str) -> Cursor | None:
        """The cursor of a room, or None where it is not live yet."""
        room = self._rooms.get(room_id)
        return room.cursor if room else None

    def resume(self) -> None:
        """Subscribe every room from where it is: a new connection is up."""
        for room in self._rooms.values():
            room.awaiting = None  # What was being filled is asked for again by the answer to "all".
        self._subscribe([room_id for room_id, room in self._rooms.items() if room.is_named])
        if self._hears_all:
            self._ask_all()

    def subscribed_all(self, frame: Frame) -> None:
        """Take the answer to SUBSCRIBE "all": what was missed of rooms heard in full is asked for by name."""
        if self._all is None or self._all != frame.get("ref"):
            return
        self._all = None
        missed: list[str] = []
        for room_id, told in frame["rooms"].items():
            room, now = self._room(room_id), Cursor(told["epoch"], told["pos"])
            self._on.summary(room_id, {name: told[name] for name in ("mode", "unread", "mentions")})
            if room.is_named or (room.cursor and told["mode"] == "activity"):
                continue
            if room.cursor is None:
                room.cursor = now
                if told["mode"] == "full":
                    self._on.fresh(room_id, now)
            elif room.cursor.epoch != now.epoch or room.cursor.pos < now.pos:
                missed.append(room_id)
        self._subscribe(missed)

    def subscribed(self, frame: Frame) -> None:
        """Take the answer to a SUBSCRIBE from a cursor: everything since, in parts."""
        room_id, reached = frame["roomId"], Cursor(frame["epoch"], frame["pos"])
        ref = frame.get("ref")
        if ref is None:
            self._joined(room_id, reached)
        room = self._rooms.get(room_id)
        if room is None or ref is None or room.awaiting != ref:
            return
        is_new = room.cursor is None
        room.awaiting = None
        room.cursor = room.cursor or reached
        fits = all(self._apply(room, event) for event in frame["events"])
        if room_id not in self._rooms:  # One of them may have told that the person was removed.
            return
        room.cursor = Cursor(reached.epoch, max(reached.pos, room.cursor.pos) if fits else reached.pos)
        if not fits:
            self._on.reload(room_id)
        elif is_new:
            self._on.fresh(room_id, room.cursor)
        if frame.get("more"):
            self._subscribe([room_id])
        else:
            self._fall_back(room_id)

    def resync(self, frame: Frame) -> None:
        """Take RESYNC: live from its pos, and what lies before is lost."""
        room_id = frame["roomId"]
        room = self._room(room_id) if self._hears_all else self._rooms.get(room_id)
        if room is None:
            return
        if is_answer := room.awaiting is not None and room.awaiting == frame.get("ref"):
            room.awaiting = None
        room.cursor = Cursor(frame["epoch"], frame["pos"])
        self._on.reload(room_id)
        if is_answer:
            self._fall_back(room_id)

    def live(self, frame: Frame) -> None:
        """Take a live frame; whatever comes before the answer to SUBSCRIBE is in that answer too.

        After a hole, or a frame of another epoch, the server says from the
        cursor what is missing: events, or RESYNC.
        """
        room = self._rooms.get(frame.get("roomId", ""))
        if room is None or room.awaiting is not None or self._apply(room, frame):
            return
        self._subscribe([frame["roomId"]])

    def refused(self, frame: Frame) -> None:
        """Take the ERROR that answers a SUBSCRIBE: of one of its rooms, or of all that have no answer yet."""
        if frame.get("ref") is None:
            return
        if frame["ref"] == self._all:
            self._all = LATER
            self._later(frame.get("retryAfterMs"), self._again)
            return
        refused = [one for one in self._waiting_for(frame["ref"]) if frame.get("roomId") in (None, one)]
        if not refused:
            return
        # Only of one room can it be said that it is not theirs; what a whole frame met may pass.
        if frame["retryable"] or frame.get("roomId") is None:
            for room_id in refused:
                self._rooms[room_id].awaiting = LATER
            self._later(frame.get("retryAfterMs"), self._again)
        else:
            del self._rooms[frame["roomId"]]
            self._on.gone(frame["roomId"])

    def _room(self, room_id: str) -> Room:
        return self._rooms.setdefault(room_id, Room())

    def _joined(self, room_id: str, cursor: Cursor) -> None:
        """The server has joined the person to a room that became theirs."""
        if not self._hears_all or self._room(room_id).is_named:
            return
        self._rooms[room_id] = Room(cursor)
        self._on.fresh(room_id, cursor)

    def _fall_back(self, room_id: str) -> None:
        """What was asked for by name to fill it is heard by its mode again."""
        if not self._rooms[room_id].is_named:
            self._ask({"type": "UNSUBSCRIBE", "rooms": [room_id]})

    def _ask_all(self) -> None:
        self._all = self._ask({"type": "SUBSCRIBE", "rooms": "all"})

    def _again(self) -> None:
        self._subscribe(self._waiting_for(LATER))
        if self._all == LATER:
            self._ask_all()

    def _waiting_for(self, answer: str) -> list[str]:
        return [room_id for room_id, room in self._rooms.items() if room.awaiting == answer]

    def _subscribe(self, room_ids: Iterable[str]) -> None:
        every = list(room_ids)
        for start in range(0, len(every), ROOMS_PER_FRAME):
            some = {room_id: self._rooms[room_id] for room_id in every[start : start + ROOMS_PER_FRAME]}
            rooms = {room_id: room.cursor and room.cursor._asdict() for room_id, room in some.items()}
            ref = self._ask({"type": "SUBSCRIBE", "rooms": rooms})
            for room in some.values():
                room.awaiting = ref

    def _apply(self, room: Room, frame: Frame) -> bool:
        """Whether the frame fits the cursor of its room: applied, or known already."""
        verdict = judge(room.cursor, epoch=frame["epoch"], pos=frame["pos"], prev=frame["prev"])
        if verdict is Verdict.APPLY:
            room.cursor = Cursor(frame["epoch"], frame["pos"])
            self._on.event(frame)
        return verdict in (Verdict.APPLY, Verdict.DROP)
