"""Plays a script against the client in Python; README.md says what each step means."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chatsite.gateway.protocol import Cursor
from tests.chat_client import ChatClient, Entry, Listener, NoTicket, Outbox, SignedOut, fold, ordered
from tests.chat_client.fold import Messages
from tests.chat_client.listener import Frame, State
from tests.conformance.fakes import FakeWorld

HERE = Path(__file__).parent
COMMON = json.loads((HERE / "common.json").read_text())
Step = dict[str, Any]


def scripts() -> list[dict[str, Any]]:
    """Every script there is."""
    files = sorted(path for path in HERE.glob("*.json") if path.name != "common.json")
    return [script for path in files for script in json.loads(path.read_text())]


def play(script: dict[str, Any]) -> None:
    """Play one script; fails at the first step that comes out otherwise."""
    player = Player()
    for number, step in enumerate(_unfolded(script["steps"]), start=1):
        try:
            player.step(step)
        except AssertionError as problem:
            problem.add_note(f"step {number}: {json.dumps(step)}")
            raise
    player.require_silence()
    player.world.close()


def _unfolded(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield from _unfolded(COMMON["beginnings"][step["play"]]) if "play" in step else [step]


class Heard(Listener):
    """Notes what a client tells, as scripts call it."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.now: dict[str, Any] = {}
        self.messages: Messages = {}

    def event(self, frame: Frame) -> None:
        """Note it, and what it says of messages."""
        self.messages = fold(self.messages, frame)
        self._tells("event", **frame)

    def whisper(self, frame: Frame) -> None:
        """Note it."""
        self._tells("whisper", **frame)

    def personal(self, frame: Frame) -> None:
        """Note it."""
        self._tells("personal", **frame)

    def missed(self) -> None:
        """Note it."""
        self._tells("missed")

    def fresh(self, room_id: str, cursor: Cursor) -> None:
        """Note it."""
        self._tells("fresh", roomId=room_id, epoch=cursor.epoch, pos=cursor.pos)

    def summary(self, room_id: str, told: Frame) -> None:
        """Note it."""
        self._tells("summary", roomId=room_id, **told)

    def reload(self, room_id: str) -> None:
        """Note it."""
        self._tells("reload", roomId=room_id)

    def gone(self, room_id: str) -> None:
        """Note it."""
        self._tells("gone", roomId=room_id)

    def delivered(self, entry: Entry, frame: Frame) -> None:
        """Note it."""
        self._tells("delivered", **frame, content=entry.content)

    def signed_out(self) -> None:
        """Note it."""
        self._tells("signedOut")

    def state(self, state: State, *, retry_at: float | None = None, reason: int | None = None) -> None:
        """Keep the newest."""
        self.now = {"state": state, "retryAt": retry_at, "reason": reason}

    def _tells(self, name: str, **what: Any) -> None:
        self._world.did("tells", (name, what))


class Player:
    """One client in the world of a script."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self._storage: dict[str, str] = {}
        self._refs: dict[str, str] = {}  # what a script calls them -> what the client chose
        self._start()

    def _start(self, *, owner: str = "ada") -> None:
        world = self.world
        self._outbox = Outbox(storage=self._storage, owner=owner, random=world.random)
        self._heard = Heard(world)
        self._client = ChatClient(
            url="wss://test/ws/chat/", ticket=world.ticket, outbox=self._outbox, on=self._heard, env=world
        )

    def step(self, step: Step) -> None:
        """Play one step."""
        verb = next(iter(step))
        if verb in ("app", "server", "closes", "ticket", "passes", "chance"):
            self.require_silence()
            getattr(self, f"_{verb}")(**step)
        else:
            getattr(self, f"_expect_{verb}")(**step)

    def require_silence(self) -> None:
        """Fail where the client did something that no step expected."""
        unexpected = {kind: list(things) for kind, things in self.world.done.items() if things}
        assert not unexpected, f"unexpected: {unexpected}"

    # --- what happens

    def _app(self, app: str, **what: Any) -> None:
        match app:
            case "start" | "stop" | "nudge":
                getattr(self._client, app)()
            case "follow":
                self._client.follow(what["rooms"])
            case "followAll":
                self._client.follow_all()
            case "post":
                message = dict(what["message"])
                names = {"room_id": "roomId", "reply_to_id": "replyToId", "thread_id": "threadId"}
                ids = {name: message.pop(wire, None) for name, wire in names.items()}
                self._client.post(**ids, **message)
            case "retry":
                self._client.retry(what["nonce"], what["freshNonce"])
            case "settle":
                self._client.settle(what["nonce"])
            case "tell":
                self._client.tell(what["frame"])
            case "restart":
                self.world.forget()
                self._start(**what)
            case _:
                raise ValueError(f"no such step: {app}")

    def _server(self, server: Frame) -> None:
        assert self.world.socket is not None, "not connected"
        self.world.socket.take(self._whole(server))

    def _closes(self, closes: int) -> None:
        assert self.world.socket is not None, "not connected"
        self.world.socket.end(closes)

    def _ticket(self, ticket: str) -> None:
        self.world.give(ticket, to=0)

    def _passes(self, passes: float) -> None:
        self.world.let_pass(passes)

    def _chance(self, chance: float) -> None:
        self.world.chance = chance

    # --- what is expected

    def _expect_asks(self, asks: dict[str, bool], gets: str | None = None, fails: int | None = None) -> None:
        assert self._next("asks") == asks
        if fails is not None:
            self.world.give(SignedOut() if fails == 401 else NoTicket())
        elif gets is not None:
            self.world.give(gets)

    def _expect_connects(self, connects: list[str]) -> None:
        assert self._next("connects") == connects

    def _expect_sends(self, sends: Frame) -> None:
        frame, wanted = self._next("sends"), dict(sends)
        # A ref is the client's own choice; a step that names one says which answers belong to it.
        ref = frame.pop("ref", None)
        if name := wanted.pop("ref", None):
            self._refs[name] = ref
        # Whether a field that says nothing is sent is the client's own choice too.
        assert {key: value for key, value in frame.items() if value not in (None, False, [])} == wanted

    def _expect_tells(self, tells: dict[str, dict[str, Any]]) -> None:
        ((name, wanted),) = tells.items()
        told, what = self._next("tells")
        assert (told, _picked(what, wanted)) == (name, wanted)

    def _expect_leaves(self, leaves: bool) -> None:
        assert self._next("leaves") is leaves

    def _expect_state(self, state: dict[str, Any]) -> None:
        retry_at = self._heard.now["retryAt"]
        now = {**self._heard.now, "retryInMs": None if retry_at is None else retry_at - self.world.time}
        assert _picked(now, state) == state

    def _expect_unsent(self, unsent: list[dict[str, Any]]) -> None:
        entries = [
            {"nonce": one.nonce, "status": one.status, "code": one.reason and one.reason["code"]}
            for one in self._outbox.entries
        ]
        assert entries == unsent

    def _expect_shows(self, shows: list[dict[str, Any]]) -> None:
        assert [
            {"id": str(one.message_id), "content": one.content, "isDeleted": one.is_deleted, "isEdited": one.is_edited}
            for one in ordered(self._heard.messages)
        ] == shows

    def _next(self, kind: str) -> Any:
        assert self.world.done.get(kind), f"{kind}: did not happen"
        return self.world.done[kind].popleft()

    def _whole(self, frame: Frame) -> Frame:
        whole = {"type": frame["type"], **COMMON["frames"].get(frame["type"], {}), **frame}
        if frame.get("ref") in self._refs:
            whole["ref"] = self._refs[frame["ref"]]
        if "events" in whole:
            whole["events"] = [self._whole(event) for event in whole["events"]]
        return whole


def _picked(what: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {key: what.get(key) for key in wanted}
