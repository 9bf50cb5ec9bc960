"""A whole embedded server that a test can talk to, kill and restart.

    async def test_a_stranger_cannot_post(world):
        chat = await world.chat(members=["ada"])
        async with world.connect("eve") as eve:
            assert (await eve.say(chat, "hi")).code == "not_found"

The server is a real process on real files. Its people are made once per run in
a template folder that each server copies: ada, ben, cyd and dan work together,
eve works there too and is in no chat, fay to jon fill the roles of the matrix, zoe
is of another company, sam is staff.
"""

import asyncio
import contextlib
import itertools
import json
import re
import shutil
import signal
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message
from pathlib import Path
from subprocess import PIPE
from typing import Any, Self

import httpx
import websockets

from chatsite.gateway.protocol import CloseCode, Cursor, Verdict, judge
from tests import forks, installations
from tests.installations import environment_of
from tests.preloaded import Process, popen

PASSWORD = "pw"
COLLEAGUES = ("ada", "ben", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy", "jon")
PEOPLE = (*COLLEAGUES, "zoe", "sam")
# Of clients that only ever ask over http: each would else read all authorities of this machine, 50 ms of a core.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# A server where chats may have previews, of sites on this machine.
PREVIEWING = {"CHAT_LINK_PREVIEWS": "on", "CHAT_LINK_PREVIEW_ALLOW": "127.0.0.0/8"}
# Of a 503: a new Redis may have lost nonces, a busy machine keeps a worker number from being written on or a
# server from its answer, and one that was away may be missed by a connection or two.
MAY_COME_AGAIN = {"lagging", "clock_skew", "store_unavailable"}
ANSWER_SECONDS = 20.0  # a machine with two busy cores answers within this, or the test fails
CLAIM_SECONDS = 20 + ANSWER_SECONDS  # what a killed process had claimed is taken up after twenty (chores.CLAIM)
Frame = dict[str, Any]


def manage(folder: Path, *arguments: str, module: str = "manage", environment: dict[str, str] | None = None) -> str:
    """Run a management command on a data folder; answers what it printed."""
    done = forks.run(module, arguments, environment=environment_of(folder) | (environment or {}), folder=folder)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def make_template(folder: Path, people: Iterable[str] = ()) -> Path:
    """A data folder with tables and people, to be copied for each server."""
    folder.mkdir(parents=True, exist_ok=True)
    installations.found(folder)
    manage(folder, "migrate_all", "-v", "0")
    manage(folder, *people, module="tests.people")
    return folder


class Server:
    """The server processes of an installation; each keeps its port over restarts.

    In the embedded shape there is one, in the others there are two.
    """

    def __init__(
        self,
        template: Path,
        folder: Path,
        *,
        bug: str | None = None,
        module: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        installations.branch(folder)
        self.folder = folder
        self.ports = [0] * installations.PROCESSES
        self._bug = bug
        self._module = module  # that serves instead of manage.py
        self._environment = environment_of(folder) | (environment or {})
        self._processes: list[Process] = []

    @property
    def port(self) -> int:
        """The port of the first process."""
        return self.ports[0]

    @property
    def url(self) -> str:
        """The base address of the first process."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """The base addresses of all."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def pid(self) -> int:
        """The process id of the first."""
        return self._first.pid

    @property
    def _first(self) -> Process:
        if not self._processes:
            raise RuntimeError("The server does not run.")
        return self._processes[0]

    def start(self, *, bug: str | None = None) -> None:
        """Start and wait until each says where it is; `bug` plants a defect (tests.planted)."""
        planted = bug or self._bug
        module = (
            ["-m", "tests.planted", planted] if planted else ["-m", self._module] if self._module else ["manage.py"]
        )
        with (self.folder / "serve.log").open("a") as log:
            for port in self.ports:
                arguments = [*module, "serve", "--all", "--port", str(port)]
                self._processes.append(popen(arguments, env=self._environment, stdout=PIPE, stderr=log))
        self.ports = [self._port_of(process) for process in self._processes]

    def _port_of(self, process: Process) -> int:
        for line in process.stdout or ():
            if line.startswith("Chat is at "):
                return int(line.split("/")[2].rpartition(":")[2])
        raise RuntimeError(f"the server did not start:\n{self.log()}")

    def log(self) -> str:
        """What the server wrote to its log so far."""
        return (self.folder / "serve.log").read_text()

    def told(self) -> str:
        """The next line that it prints."""
        if self._first.stdout is None:
            raise RuntimeError("no pipe")
        return self._first.stdout.readline()

    def mails(self) -> list[Message]:
        """What it mailed so far, in order."""
        mails = []
        for path in sorted((self.folder / "mail").glob("*.log"), key=lambda path: path.stat().st_mtime_ns):
            texts = path.read_text().split("-" * 79 + "\n")
            mails += [message_from_string(text) for text in texts if text.strip()]
        return mails

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator does."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(how)
        for process in self._processes:
            process.wait(30)
            if process.stdout:
                process.stdout.close()
        self._processes = []


@dataclass
class Answer:
    """What the server said to one request or frame."""

    status: int
    body: Any
    headers: httpx.Headers = field(default_factory=httpx.Headers)

    @property
    def code(self) -> str | None:
        """The error code, or None where it succeeded."""
        return self.body.get("code") if isinstance(self.body, dict) else None


@asynccontextmanager
async def in_time(story: str, *, seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Fail the test, and say in what, when it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise AssertionError(f"{story} in vain") from None


class Device:
    """A client of one person: it sends, applies the receiver rule, resumes.

    `heard` is what it would show: each room's events in the order applied.
    """

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.cursors: dict[str, Cursor | None] = {}
        self.me: Cursor | None = None  # where this device is in its person's own stream
        self.told: list[Frame] = []  # what concerns its person, in the order applied
        self.heard: dict[str, list[Frame]] = {}
        self.resyncs: list[Frame] = []
        self.holes = 0
        self.frames: list[Frame] = []  # everything as it came
        self.closed_with: int | None = None
        self._arrived = asyncio.Condition()
        self._refs = itertools.count()
        self._socket: websockets.ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        world.devices.append(self)

    # --- connection

    async def open(self, *, ticket: str | None = None, origin: str | None = None) -> None:
        """Connect with a ticket and wait for READY; where a server is busy or stops again, as a client does."""
        began = time.monotonic()
        while True:
            start = len(self.frames)
            bought = ticket or await self.world.ticket(self.name, origin=origin)
            await self.open_raw(subprotocols=["chat.v1", f"ticket.{bought}"], origin=origin)
            try:
                await self.until(lambda frame: frame["type"] == "READY", start=start)
                return
            except ConnectionError:
                is_late = time.monotonic() - began > ANSWER_SECONDS
                if ticket or is_late or not self.world.is_patient or self.closed_with != CloseCode.DRAINING:
                    raise
            await self._joined()
            await asyncio.sleep(0.1)

    async def open_raw(
        self,
        *,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Connect without waiting for anything."""
        self.closed_with = None
        self._socket = await websockets.connect(
            # A page has its own server's origin; whoever has none connects wherever there is one.
            (self.world.server.url if origin else next(self.world.urls)).replace("http", "ws") + "/ws/chat/",
            subprotocols=[websockets.Subprotocol(name) for name in subprotocols] or None,
            origin=websockets.Origin(origin) if origin else None,
            additional_headers=headers,
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read(self._socket))

    async def close(self) -> None:
        """Close politely."""
        if self._socket is not None:
            await self._socket.close()
        await self._joined()

    async def cut(self) -> None:
        """Vanish without a close frame."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._joined()

    async def _joined(self) -> None:
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def resume(self) -> None:
        """Connect again and subscribe every room from where it was."""
        await self._joined()
        await self.open()
        await self.subscribe(*self.cursors)

    async def _read(self, socket: websockets.ClientConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                frame = json.loads(await socket.recv())
                async with self._arrived:
                    self.frames.append(frame)
                    again = self._take(frame)
                    self._arrived.notify_all()
                if again is not None:
                    await self.send(again)
        async with self._arrived:
            self.closed_with = socket.close_code
            self._arrived.notify_all()

    def _take(self, frame: Frame) -> Frame | None:
        """Apply the receiver rule; answers the SUBSCRIBE that a hole or `more` calls for."""
        room = str(frame.get("roomId"))
        match frame["type"]:
            case "READY":
                self.me = Cursor(frame["me"]["epoch"], frame["me"]["pos"])
            case "ME":
                if judge(self.me, epoch=frame["epoch"], pos=frame["pos"], prev=frame["prev"]) is Verdict.APPLY:
                    self.me = Cursor(frame["epoch"], frame["pos"])
                    self.told.append(frame)
            case "SUBSCRIBED_ALL":
                self.cursors |= {room: Cursor(one["epoch"], one["pos"]) for room, one in frame["rooms"].items()}
            case "SUBSCRIBED":
                for event in frame["events"]:
                    self._event(room, event)
                self.cursors[room] = Cursor(frame["epoch"], frame["pos"])
                return self._subscription([room]) if frame.get("more") else None
            case "RESYNC":
                self.cursors[room] = Cursor(frame["epoch"], frame["pos"])
                self.heard[room] = []
                self.resyncs.append(frame)
            case "ACK":
                self.world.acked(frame)
            case _ if "prev" in frame and "roomId" in frame:
                return self._event(room, frame)
        return None

    def _event(self, room: str, event: Frame) -> Frame | None:
        match judge(self.cursors.get(room), epoch=event["epoch"], pos=event["pos"], prev=event["prev"]):
            case Verdict.APPLY:
                self.cursors[room] = Cursor(event["epoch"], event["pos"])
                self.heard.setdefault(room, []).append(event)
            case Verdict.HOLE | Verdict.RESYNC:
                self.holes += 1
                return self._subscription([room])
        return None

    def _subscription(self, rooms: Iterable[str]) -> Frame:
        cursors = {
            room: {"epoch": cursor.epoch, "pos": cursor.pos} if (cursor := self.cursors.get(room)) else None
            for room in rooms
        }
        return {"type": "SUBSCRIBE", "ref": self.ref(), "rooms": cursors}

    # --- talking

    def ref(self) -> str:
        """A ref that this device has not used."""
        return f"r{next(self._refs)}"

    async def send(self, frame: Frame | str | bytes) -> None:
        """Send a frame, or any text or bytes."""
        if self._socket is None:
            raise RuntimeError("not connected")
        await self._socket.send(json.dumps(frame, ensure_ascii=False) if isinstance(frame, dict) else frame)

    async def ask(self, type_: str, **fields: Any) -> Answer:
        """Send a frame and wait for the answer with its ref."""
        ref, start = fields.pop("ref", None) or self.ref(), len(self.frames)
        await self.send({"type": type_, "ref": ref, **fields})
        frame = await self.until(lambda frame: frame.get("ref") == ref, start=start)
        return Answer(0, frame)

    async def say(self, chat: str, content: str, **fields: Any) -> Answer:
        """Send a message and wait for its ACK or ERROR."""
        fields.setdefault("nonce", uuid.uuid4().hex)
        return await self.ask("SEND_MESSAGE", roomId=chat, content=content, **fields)

    async def subscribe(self, *chats: str) -> None:
        """Subscribe chats from their cursors and wait until each is complete."""
        for chat in chats:
            self.cursors.setdefault(chat, None)
            self.heard.setdefault(chat, [])
        frame = self._subscription(chats)
        start = len(self.frames)
        await self.send(frame)
        waiting = set(chats)

        def complete(frame: Frame) -> bool:
            if frame["type"] in ("RESYNC", "ERROR") or (frame["type"] == "SUBSCRIBED" and not frame.get("more")):
                waiting.discard(frame.get("roomId", ""))
            return not waiting

        if waiting:
            await self.until(complete, start=start)

    async def expect(self, type_: str, **fields: Any) -> Frame:
        """Wait for a frame of a type with these fields; it may have come already."""
        return await self.until(
            lambda frame: frame["type"] == type_ and all(frame.get(name) == value for name, value in fields.items())
        )

    async def until(self, wanted: Callable[[Frame], bool], *, start: int = 0) -> Frame:
        """Wait for a frame; it may have come already, from number `start` on."""
        seen = start
        async with in_time(f"{self.name} waits for a frame"), self._arrived:
            while True:
                for frame in itertools.islice(self.frames, seen, None):
                    if wanted(frame):
                        return frame
                seen = len(self.frames)
                if self.closed_with is not None:
                    raise ConnectionError(f"{self.name} was closed with {self.closed_with}; heard {self.frames[-3:]}")
                await self._arrived.wait()

    async def closed(self) -> int:
        """Wait for the close code."""
        async with in_time(f"{self.name} waits for its close"), self._arrived:
            while self.closed_with is None:
                await self._arrived.wait()
            return self.closed_with

    async def heard_until(self, chat: str, wanted: Callable[[list[Frame]], bool]) -> list[Frame]:
        """Wait until what was applied of a chat is as wanted."""
        try:
            async with in_time(f"{self.name} waits to hear more"), self._arrived:
                while not wanted(self.heard.get(chat, [])):
                    await self._arrived.wait()
        except AssertionError as in_vain:
            in_vain.add_note(
                f"heard {len(self.heard.get(chat, []))}, of them {len(self.said(chat))} messages; "
                f"{self.holes} holes, {len(self.resyncs)} resyncs, closed with {self.closed_with}"
            )
            raise
        return self.heard[chat]

    def said(self, chat: str) -> list[str]:
        """The texts applied in a chat, in order."""
        return [frame["content"] for frame in self.heard.get(chat, []) if frame["type"] == "MESSAGE"]


class World:
    """A running server and everything a test does with it."""

    def __init__(self, server: Server, *, password: str = PASSWORD) -> None:
        self.server = server
        self.devices: list[Device] = []
        self.is_patient = True  # Who asks again where somebody may; else a test sees what one is told.
        self._password = password
        self._http: httpx.AsyncClient | None = None
        self._tokens: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._turns = itertools.count()
        self._acked: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(verify=NO_TLS, timeout=ANSWER_SECONDS)
        return self

    @property
    def urls(self) -> Iterator[str]:
        """Base addresses of the server's processes, each in turn."""
        return (self.server.urls[next(self._turns) % len(self.server.urls)] for _ in itertools.count())

    async def __aexit__(self, *_: object) -> None:
        for device in self.devices:
            await device.close()
        if self._http is not None:
            await self._http.aclose()

    def known(self, *, tokens: dict[str, str], ids: dict[str, str]) -> None:
        """Share sign-ins and ids with other worlds of the same server."""
        self._tokens, self._ids = tokens, ids

    async def token(self, name: str) -> str:
        """An access token of a person, signed in once."""
        if name not in self._tokens:
            known = {"username": name, "password": self._password}
            self._tokens[name] = (await self.made(None, "/api/auth/token", known))["access"]
        return self._tokens[name]

    async def rest(
        self, name: str | None, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """Ask over REST as somebody, or as nobody; where that is away for a while again, as a client does."""
        if self._http is None:
            raise RuntimeError("enter the world first")
        sent = dict(headers or {})
        if name is not None:
            sent.setdefault("Authorization", f"Bearer {await self.token(name)}")
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = {}
        began = time.monotonic()
        while True:
            response = await self._http.request(method, next(self.urls) + path, json=body, headers=sent)
            if response.status_code != 503 or response.json().get("code") not in MAY_COME_AGAIN:
                break
            if not self.is_patient or time.monotonic() - began > ANSWER_SECONDS:
                break
            await asyncio.sleep(0.1)
        is_json = "json" in response.headers.get("content-type", "")
        answer = Answer(response.status_code, response.json() if is_json else response.text, response.headers)
        if method != "GET" and answer.status in (200, 201) and (to := re.match(r"/api/chats/([^/]+)/messages", path)):
            self.acked({"roomId": to[1]} | answer.body)
        return answer

    def acked(self, answer: Frame) -> None:
        """Keep up to where chats were answered to be kept, which is what their history has to have."""
        copies = [{"roomId": one["chat_id"]} | (one["message"] or {}) for one in answer.get("results", ())]
        for one in (answer, *answer.get("to", ()), *copies):
            if "roomId" in one and one.get("pos") is not None:
                self._acked[one["roomId"]] = max(self._acked.get(one["roomId"], 0), one["pos"])

    async def page(self, path: str, form: dict[str, str] | None = None) -> Answer:
        """Open a page of a browser's, or fill in its form; cookies and the CSRF token as it does."""
        async with httpx.AsyncClient(base_url=self.server.url, verify=NO_TLS, timeout=ANSWER_SECONDS) as browser:
            response = await browser.get(path)
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.text)
            if form is not None and token is not None:  # A page without a form is the answer.
                sent = {"csrfmiddlewaretoken": token.group(1), **form}
                response = await browser.post(path, data=sent, headers={"Origin": self.server.url})
            return Answer(response.status_code, response.text, response.headers)

    async def ticket(self, name: str, *, origin: str | None = None, renew: bool = False) -> str:
        """A one-use ticket, bought with a new access token if `renew`."""
        if renew:
            self._tokens.pop(name, None)
        headers = {"Origin": origin} if origin else None
        return str((await self.made(name, "/api/auth/ws-ticket", headers=headers))["ticket"])

    async def id(self, name: str) -> str:
        """The id of a person."""
        if name not in self._ids:
            self._ids[name] = (await self.until(name, "/api/me", lambda me: me))["id"]
        return self._ids[name]

    async def chat(self, members: Sequence[str], *, name: str = "A chat") -> str:
        """A new chat of the first member with the others; answers its id."""
        people = [await self.id(member) for member in members[1:]]
        body = {"chat_type": "group", "name": name, "participants": people}
        return str((await self.made(members[0], "/api/chats", body))["id"])

    async def made(
        self, name: str | None, path: str, body: Frame | None = None, *, headers: dict[str, str] | None = None
    ) -> Any:
        """Have something made by a POST; answers it."""
        answer = await self.rest(name, "POST", path, body, headers=headers)
        assert answer.status in (200, 201), answer
        return answer.body

    async def until(
        self,
        name: str | None,
        path: str,
        wanted: Callable[[Any], Any],
        *,
        status: int = 200,
        seconds: float = ANSWER_SECONDS,
    ) -> Any:
        """Ask again and again until an answer has this status and its body is as wanted; answers that body.

        What is not there yet may be answered 404, and what is away 503: anything else that is not asked for fails.
        """
        answer = Answer(0, "there was none")
        try:
            async with in_time(f"{name} asks for {path}", seconds=seconds):
                while (answer := await self.rest(name, "GET", path)).status != status or not wanted(answer.body):
                    assert answer.status in (status, 200, 404, 503), answer
                    await asyncio.sleep(0.02)
        except AssertionError as in_vain:
            in_vain.add_note(f"the last answer: {answer.status} {str(answer.body)[:500]}")
            raise
        return answer.body

    async def history(self, name: str, chat: str, *, at_least: int = 0) -> list[Frame]:
        """A chat's whole history, oldest first, page by page from the newest; has all that was answered here."""
        messages: list[Frame] = []
        query = f"limit=100&at_least={max(at_least, self._acked.get(chat, 0))}"
        while True:
            path = f"/api/chats/{chat}/messages?{query}"
            page = await self.until(name, path, lambda page: page["complete"])
            messages[:0] = page["messages"]
            if not page["has_before"]:
                return messages
            before = page["next_before"] or page["messages"][0]["id"]
            query = f"limit=100&before={before}"

    async def mail(self, to: str, *, count: int = 1) -> str:
        """The text of the newest mail to an address, once so many have come."""
        async with in_time(f"{count} mails to {to}"):
            while len(found := [mail for mail in self.server.mails() if mail["To"] == to]) < count:
                await asyncio.sleep(0.05)
        return str(found[-1].get_payload())

    @asynccontextmanager
    async def connect(self, name: str, *chats: str) -> AsyncIterator[Device]:
        """A device of a person, subscribed to some chats."""
        device = Device(self, name)
        await device.open()
        try:
            if chats:
                await device.subscribe(*chats)
            yield device
        finally:
            await device.close()

    async def knock(self, name: str) -> Device:
        """A device of a person that is answered READY, or why it is not let in."""
        device = Device(self, name)
        await device.open_raw(headers={"Authorization": f"Bearer {await self.token(name)}"})
        await device.until(lambda frame: True)
        return device

    async def let_in(self, name: str) -> Device:
        """A device of a person that knocks until it is let in."""
        async with in_time(f"{name} knocks"):
            while (device := await self.knock(name)).frames[0]["type"] != "READY":
                await asyncio.sleep(0.1)
        return device

    async def restart(self, *, kill: bool = True) -> None:
        """End the server, by kill -9 unless told otherwise, and start it on the same folder and port."""
        await asyncio.to_thread(self.server.kill if kill else self.server.stop)
        await asyncio.to_thread(self.server.start)
