"""Whatever servers and networks do to a client, it hears all once in order, and what it says arrives once in order."""

from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatsite.gateway.protocol import Cursor
from tests.chat_client import ChatClient, Listener, Outbox
from tests.chat_client.listener import Frame
from tests.conformance.fakes import FakeWorld

ROOM = "r"
PART = 3  # events in one answer to SUBSCRIBE
MISHAPS = (
    "an event is lost",
    "a frame comes twice",
    "the connection breaks",
    "the log is away",
    "the stream is emptied",
)
COURSE = ("she says something", "others say something", "the server works", "a frame arrives", "time passes")


class Server(FakeWorld):
    """A server of one room, and a network on which frames wait until something happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Frame] = []
        self.to_server: deque[Frame] = deque()
        self.to_client: deque[Frame] = deque()
        self._epoch = 1
        self._is_away = False
        self._is_live = False

    def did(self, kind: str, what: Any) -> None:
        """Take what the client does."""
        match kind:
            case "sends":
                self.to_server.append(what)
            case "connects" | "leaves":
                self._disconnect()
        if kind == "connects":
            self.to_client.append({"type": "READY", "heartbeatMs": 30_000, "me": {"epoch": "p", "pos": 0}})

    def happens(self, what: str) -> None:
        """Do one of what may happen."""
        match what:
            case "others say something":
                self.say(None)
            case "the server works" if self.to_server:
                self._handle(self.to_server.popleft())
            case "a frame arrives" if self.socket and self.to_client:
                self.socket.take(self.to_client.popleft())
            case "a frame comes twice" if self.socket and self.to_client:
                self.to_client.appendleft(self.to_client[0])
            case "an event is lost":
                lost = next((frame for frame in self.to_client if "prev" in frame), None)
                self.to_client = deque(frame for frame in self.to_client if frame is not lost)
            case "the connection breaks" if self.socket and self.socket.on_close:
                self._disconnect()
                self.socket.end(1006)
            case "the log is away":
                self._is_away = True
            case "the log is back" if not self._refuses:
                self._is_away = False
            case "the stream is emptied":
                self._epoch += 1
            case "time passes":
                self.let_pass(700)
        while self.waiting:
            self.give("t")

    def heal(self) -> None:
        """Let all that waits come to its end."""
        for _ in range(200):
            self.happens("the server works")
            self.happens("a frame arrives")
            if not self.to_server and not self.to_client:
                self.happens("the log is back")
                self.happens("time passes")

    def say(self, nonce: str | None) -> None:
        """Put one more message into the room."""
        pos = len(self.log) + 1
        self.log.append({"type": "CONFETTI", "roomId": ROOM, "nonce": nonce, "pos": pos, "prev": pos - 1})
        if self._is_live:
            self.to_client.append({**self.log[-1], "epoch": str(self._epoch)})

    @property
    def _refuses(self) -> bool:
        """Whether a refusal has not been heard: what is sent meanwhile can be held back by nobody."""
        sends = any(frame["type"] == "SEND_MESSAGE" for frame in self.to_server)
        return sends or any(frame["type"] == "ERROR" for frame in self.to_client)

    def _disconnect(self) -> None:
        self.to_server.clear()
        self.to_client.clear()
        self._is_live = False

    def _handle(self, frame: Frame) -> None:
        match frame["type"]:
            case "SUBSCRIBE":
                self.to_client.append(self._replay(frame["rooms"][ROOM]) | {"ref": frame["ref"], "roomId": ROOM})
            case "SEND_MESSAGE" if self._is_away:
                refusal = {"type": "ERROR", "code": "log_unavailable", "message": "", "retryable": True}
                self.to_client.append({**refusal, "nonce": frame["nonce"]})
            case "SEND_MESSAGE":
                if frame["nonce"] not in [one["nonce"] for one in self.log]:
                    self.say(frame["nonce"])
                self.to_client.append({"type": "ACK", "nonce": frame["nonce"]})
            case "HEARTBEAT":
                self.to_client.append({"type": "HEARTBEAT_ACK"})

    def _replay(self, cursor: Frame | None) -> Frame:
        epoch = str(self._epoch)
        self._is_live = True
        if cursor is not None and cursor["epoch"] != epoch:
            return {"type": "RESYNC", "epoch": epoch, "pos": len(self.log)}
        missed = [] if cursor is None else [{**one, "epoch": epoch} for one in self.log[cursor["pos"] :]]
        if len(missed) <= PART:
            return {"type": "SUBSCRIBED", "epoch": epoch, "pos": len(self.log), "events": missed}
        self._is_live = False
        return {
            "type": "SUBSCRIBED", "epoch": epoch, "pos": missed[PART - 1]["pos"], "events": missed[:PART], "more": True,
        }  # fmt: skip


class Reader(Listener):
    """Shows the room: what is told, on top of what is read again where something was lost."""

    def __init__(self, server: Server) -> None:
        self.shown: list[int] = []
        self.outbox_of_hers = Outbox(random=server.random)
        self.client = ChatClient(
            url="wss://test", ticket=server.ticket, outbox=self.outbox_of_hers, on=self, env=server
        )

    def event(self, frame: Frame) -> None:
        """Show it; nothing is left out before it."""
        assert frame["pos"] == len(self.shown) + 1
        self.shown.append(frame["pos"])

    def fresh(self, room_id: str, cursor: Cursor) -> None:
        """Read the room."""
        self.shown = [*range(1, cursor.pos + 1)]

    def reload(self, room_id: str) -> None:
        """Read it again."""
        cursor = self.client.cursor(room_id)
        assert cursor is not None
        self.fresh(room_id, cursor)


@given(st.lists(st.sampled_from(COURSE * 2 + MISHAPS), min_size=30, max_size=80))
def test_all_is_heard_and_said_once_in_order(course: list[str]) -> None:
    server = Server()
    reader = Reader(server)
    said: list[str] = []
    reader.client.follow([ROOM])
    reader.client.start()
    server.heal()
    for what in course:
        if what == "she says something":
            said.append(reader.client.post(room_id=ROOM, content=what))
        server.happens(what)
    server.heal()
    server.say(None)  # Whatever was lost last is found out by what comes after it.
    server.heal()
    assert reader.shown == [one["pos"] for one in server.log]
    assert [one["nonce"] for one in server.log if one["nonce"]] == said
    assert reader.outbox_of_hers.entries == []
    reader.client.stop()
