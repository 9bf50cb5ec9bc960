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
    """A room that is followed: how far it was heard, and the ref of the SUBSCRIBE that has no answer yet."""

    cursor: Cursor | None = None
    awaiting: str | None = None


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

    def follow(self, room_ids: Iterable[str]) -> None:
        """Set the rooms to be live in: new ones are subscribed, missing ones forgotten."""
        wanted = dict.fromkeys(room_ids)
        for room_id in [one for one in self._rooms if one not in wanted]:
            del self._rooms[room_id]
            self._ask({"type": "UNSUBSCRIBE", "rooms": [room_id]})
        added = [room_id for room_id in wanted if room_id not in self._rooms]
        self._rooms |= {room_id: Room() for room_id in added}
        self._subscribe(added)

    def cursor(self, room_id: str) -> Cursor | None:
        """The cursor of a room, or None where it is not live yet."""
        room = self._rooms.get(room_id)
        return room.cursor if room else None

    def resume(self) -> None:
        """Subscribe every room from where it is: a new connection is up."""
        self._subscribe(self._rooms)

    def subscribed(self, frame: Frame) -> None:
        """Take the answer to a SUBSCRIBE from a cursor: everything since, in parts."""
        room_id, reached = frame["roomId"], Cursor(frame["epoch"], frame["pos"])
        room = self._rooms.get(room_id)
        if room is None or room.awaiting != frame.get("ref"):
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

    def resync(self, frame: Frame) -> None:
        """Take RESYNC: live from its pos, and what lies before is lost."""
        room = self._rooms.get(frame["roomId"])
        if room is None:
            return
        if room.awaiting == frame.get("ref"):
            room.awaiting = None
        room.cursor = Cursor(frame["epoch"], frame["pos"])
        self._on.reload(frame["roomId"])

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
        refused = [one for one in self._waiting_for(frame["ref"]) if frame.get("roomId") in (None, one)]
        if not refused:
            return
        # Only of one room can it be said that it is not theirs; what a whole frame met may pass.
        if frame["retryable"] or frame.get("roomId") is None:
            for room_id in refused:
                self._rooms[room_id].awaiting = LATER
            self._later(frame.get("retryAfterMs"), lambda: self._subscribe(self._waiting_for(LATER)))
        else:
            del self._rooms[frame["roomId"]]
            self._on.gone(frame["roomId"])

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
