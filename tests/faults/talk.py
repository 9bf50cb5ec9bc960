"""People who talk while something happens to the system, whatever it answers them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import websockets

from chatsite.kernel.errors import CODES
from tests.faults.checks import SENDERS, Sender, require_agreement
from tests.faults.stacks import Stack
from tests.planted import LAST_WORDS
from tests.world import Device, Frame, World

PACE_SECONDS = 0.05  # between two messages of a person
PAUSE_SECONDS = 0.1  # between tries to come back
PATIENCE = 90.0  # seconds; a system on two busy cores that has been hit needs some


@dataclass
class Talker(Sender):
    """A person who says one thing after the other, each again until it is acked, on whichever server there is."""

    errors: list[str] = field(default_factory=list)  # codes of what was refused, to be tried again

    async def go_on(self, stopping: asyncio.Event) -> None:
        """Talk until told to stop; what was begun is brought to its ACK."""
        while not stopping.is_set():
            async with asyncio.timeout(PATIENCE):
                await self.insist(f"{self.device.name} {next(self.numbers)}")
            await asyncio.sleep(PACE_SECONDS)

    async def insist(self, text: str, *, nonce: str | None = None) -> None:
        """Say something until it is acked."""
        began, nonce = time.monotonic(), nonce or f"n-{text}"
        retry: dict[str, Any] = {}
        while nonce not in self.acked:
            try:
                answer = await self.device.say(self.chat, text, nonce=nonce, **retry)
            except (ConnectionError, websockets.ConnectionClosed):
                await self._come_back()
            else:
                await self._take(answer.body)
                if answer.body["type"] == "ACK":
                    self._settle(answer)
            retry = {"retry": True, "firstTriedMs": max(1, int((time.monotonic() - began) * 1_000))}

    async def _take(self, body: Frame) -> None:
        if body["type"] == "ERROR":
            assert CODES[body["code"]].retryable, body
            self.errors.append(body["code"])
            await asyncio.sleep(min(1.0, (body.get("retryAfterMs") or 100) / 1_000))

    async def _come_back(self) -> None:
        """Connect to a server that is there, and go on hearing from where one was."""
        while True:
            start = len(self.device.frames)
            try:
                await self.device.resume()
                if not any(frame["type"] == "ERROR" for frame in self.device.frames[start:]):
                    return
                await self.device.cut()
            except (AssertionError, httpx.HTTPError, OSError, StopIteration, websockets.WebSocketException):
                pass  # Nobody is there, or nobody can let one in.
            await asyncio.sleep(PAUSE_SECONDS)


class Talk:
    """A chat of four who talk until `agrees`, which says what has become of it all."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.world = World(stack)
        self.chat = ""
        self.talkers: list[Talker] = []
        self._stopping = asyncio.Event()
        self._talking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.world.__aenter__()
        self.chat = await self.world.chat(list(SENDERS))
        self.talkers = [Talker(Device(self.world, name), self.chat) for name in SENDERS]
        for number, talker in enumerate(self.talkers):
            with self.stack.through(self.stack.serving[number % 2]):
                await talker.device.open()
                await talker.device.subscribe(self.chat)
        self._talking = [asyncio.create_task(talker.go_on(self._stopping)) for talker in self.talkers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        await self.world.__aexit__()

    @property
    def acked(self) -> int:
        """How many messages are acked."""
        return sum(len(talker.acked) for talker in self.talkers)

    @property
    def errors(self) -> set[str]:
        """The codes of what was refused."""
        return {code for talker in self.talkers for code in talker.errors}

    async def acks(self, count: int) -> None:
        """Wait until so many more are acked."""
        wanted = self.acked + count
        await self.until(lambda: self.acked >= wanted, story=f"{count} more ACKs")

    async def is_being_stored(self) -> None:
        """Wait until some of it is in the store."""
        while not await asyncio.to_thread(self.stack.stored, self.chat):
            await self.acks(10)

    async def goes_on_for(self, seconds: float) -> None:
        """Let the present state last."""
        await asyncio.sleep(seconds)

    async def until(self, done: Callable[[], bool], *, story: str) -> None:
        """Talk on until it is so."""
        end = time.monotonic() + PATIENCE
        while not done():
            for task in self._talking:
                if task.done() and not self._stopping.is_set():
                    task.result()  # Somebody broke off.
            assert time.monotonic() < end, f"{story}: in vain"
            await asyncio.sleep(PACE_SECONDS)

    def all_reload(self) -> bool:
        """Whether everybody was told to load the chat anew."""
        return all(any(one["roomId"] == self.chat for one in talker.device.resyncs) for talker in self.talkers)

    async def settle(self) -> None:
        """Say nothing new; everything said is acked, and all that the log holds is stored."""
        self._stopping.set()
        await asyncio.gather(*self._talking)
        await self._shows("/metrics", _is_caught_up)
        last = max(answer.body["pos"] for talker in self.talkers for answer in talker.acked.values())
        path = f"/api/chats/{self.chat}/messages?limit=1&at_least={last}"
        await self._shows(path, lambda body: body.get("complete"))

    async def _shows(self, path: str, wanted: Callable[[Any], Any]) -> None:
        """Wait until an answer is as wanted; a group whose members were given up needs 20 s and more to meet again."""
        await self.world.until("ada", path, wanted, seconds=PATIENCE)

    async def agrees(self, *, resyncs: int = 0) -> None:
        """Nothing acked is lost or doubled, everybody heard the same in one order, reloading so often."""
        await self.settle()
        kept = await require_agreement(self.world, self.chat, self.talkers, resyncs=resyncs)
        assert await asyncio.to_thread(self.stack.stored, self.chat) == kept, (
            "the store holds something else than history shows"
        )


def _is_caught_up(text: object) -> bool:
    """Whether history writers have finished all that the log holds, as /metrics tells."""
    return 'chat_consumer_lag{group="history-writers"} 0.0' in str(text)


async def says_again_elsewhere(stack: Stack, *, forget: bool = False) -> int:
    """Say something to a server that dies of it, then to the other; answers how many messages that made."""
    first, other = stack.serving
    text = LAST_WORDS.decode()
    async with World(stack) as world:
        chat = await world.chat(["ada", "ben"])
        ada, ben = Talker(Device(world, "ada"), chat), Device(world, "ben")
        with stack.through(other):
            await ben.open()
            await ben.subscribe(chat)
        with stack.through(first):
            await ada.device.open()
            saying = asyncio.create_task(ada.insist(text))
            await asyncio.wait([saying, asyncio.create_task(ada.device.closed())], return_when="FIRST_COMPLETED")
            await asyncio.to_thread(first.kill)
            if forget:
                await asyncio.to_thread(stack.redis.master.restart)
        await saying
        await ada.device.cut()
        await ada.device.resume()
        again = await ada.device.say(chat, text, nonce=f"n-{text}", retry=True, firstTriedMs=1_000)
        assert again.body["messageId"] == ada.acked[f"n-{text}"].body["messageId"]
        if forget:  # What is said before is not heard, but loaded.
            await ben.expect("RESYNC", roomId=chat)
        after = await ada.device.say(chat, "after it")
        await ben.until(lambda frame: frame.get("content") == "after it" and frame["type"] == "MESSAGE")
        history = await world.history("ben", chat, at_least=after.body["pos"])
        heard = [one["messageId"] for one in ben.heard[chat] if one["type"] == "MESSAGE"]
        assert [one["id"] for one in history][-len(heard) :] == heard
        return sum(one["content"] == text for one in history)
