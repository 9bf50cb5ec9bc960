"""Sockets, tickets, timers, a clock and chance for a client, in the hands of a test."""

import json
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

from tests.chat_client.listener import Frame


class FakeSocket:
    """A socket whose other end the test plays."""

    def __init__(self, world: "FakeWorld") -> None:
        self.on_message: Callable[[str], None] | None = None
        self.on_close: Callable[[int], None] | None = None
        self._world = world

    def send(self, text: str) -> None:
        """Note a frame."""
        self._world.did("sends", json.loads(text))

    def close(self) -> None:
        """Note that the client hung up, unless the other end did."""
        if self._world.socket is self:
            self._world.socket = None
            self._world.did("leaves", True)

    def take(self, frame: Frame) -> None:
        """Let a frame reach the client."""
        assert self.on_message is not None, "the client does not listen"
        self.on_message(json.dumps(frame))

    def end(self, code: int) -> None:
        """Close it from the other end."""
        assert self.on_close is not None, "the client does not listen"
        self._world.socket = None
        self.on_close(code)


class FakeTimer:
    """Work that is due when the test lets enough time pass."""

    def __init__(self, world: "FakeWorld", work: Callable[[], None], at: float) -> None:
        self.work, self.at = work, at
        self._world = world

    def cancel(self) -> None:
        """Do it never."""
        if self in self._world.timers:
            self._world.timers.remove(self)


class FakeTicket:
    """A ticket that somebody waits for until the test gives it."""

    def __await__(self) -> Generator[None, str, str]:
        return (yield)


class FakeWorld:
    """Sockets, tickets, timers, a clock and chance, all in the test's hands."""

    def __init__(self) -> None:
        self.socket: FakeSocket | None = None
        self.timers: list[FakeTimer] = []
        self.time = 1_000_000.0
        self.chance = 0.5
        self.done: dict[str, deque[Any]] = {}
        self.waiting: list[Coroutine[Any, Any, None]] = []  # whoever waits for a ticket, the newest last

    def did(self, kind: str, what: Any) -> None:
        """Note what the client did, until the test expects it."""
        self.done.setdefault(kind, deque()).append(what)

    async def ticket(self, *, renew: bool) -> str:
        """Ask the test for a ticket."""
        self.did("asks", {"renew": renew})
        return await FakeTicket()

    def give(self, ticket: str | Exception, *, to: int = -1) -> None:
        """Answer one who waits for a ticket: the one who asked last."""
        work = self.waiting.pop(to)
        try:
            work.throw(ticket) if isinstance(ticket, Exception) else work.send(ticket)
        except StopIteration:
            return
        raise AssertionError("the client waits for something else than a ticket")

    def open(self, url: str, protocols: Sequence[str]) -> FakeSocket:
        """Open a socket to the test."""
        self.did("connects", list(protocols))
        self.socket = FakeSocket(self)
        return self.socket

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until it asks for its ticket."""
        work.send(None)
        self.waiting.append(work)

    def set_timer(self, work: Callable[[], None], ms: float) -> FakeTimer:
        """Do something once so much time has passed."""
        timer = FakeTimer(self, work, self.time + ms)
        self.timers.append(timer)
        return timer

    def now(self) -> float:
        """The test's time."""
        return self.time

    def random(self) -> float:
        """The test's chance."""
        return self.chance

    def let_pass(self, ms: float) -> None:
        """Let time pass, and do what becomes due."""
        end = self.time + ms
        while due := [timer for timer in self.timers if timer.at <= end]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.time = first.at
            first.work()
        self.time = end

    def forget(self) -> None:
        """Lose everything that an application loses when it ends."""
        self.close()
        self.socket, self.timers, self.waiting = None, [], []

    def close(self) -> None:
        """Let go of whoever still waits for a ticket."""
        for work in self.waiting:
            work.close()
