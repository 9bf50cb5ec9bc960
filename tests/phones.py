"""A phone of a person: a client that looks after its connection itself, on a real server.

    async with phone(world, "ada", chat) as ada:
        ada.client.post(room_id=chat, content="hi")
        await ada.until(lambda: ada.said(chat) == ["hi"])

A `Device` shows every frame as it came and is told when to connect; a phone is told nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from chatsite.gateway.protocol import Cursor
from tests.chat_client import ChatClient, Entry, Listener, Network, NoTicket, Outbox
from tests.chat_client.listener import Frame, State
from tests.chat_client.network import NetworkSocket
from tests.world import World, in_time


class Balanced(Network):
    """A network whose every connection a balancer gives to a server that is there."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def open(self, url: str, protocols: Sequence[str]) -> NetworkSocket:
        """Open a WebSocket to whichever server has the turn."""
        return super().open(next(self._world.urls).replace("http", "ws") + url, protocols)


class Phone(Listener):
    """One client of a person and what it told, in the order told."""

    def __init__(self, world: World, name: str, network: Network) -> None:
        self.name = name
        self.unsent = Outbox()
        self.heard: dict[str, list[Frame]] = {}
        self.acks: dict[str, Frame] = {}  # by nonce
        self.states: list[State] = []
        self.live: set[str] = set()
        self.reloads: list[str] = []
        self.lost: list[str] = []
        self._world = world
        self._changed = asyncio.Event()
        self.client = ChatClient(url="/ws/chat/", ticket=self._ticket, outbox=self.unsent, on=self, env=network)

    async def _ticket(self, *, renew: bool) -> str:
        try:
            return await self._world.ticket(self.name, renew=renew)
        except (AssertionError, httpx.HTTPError) as problem:  # Nobody is there, or nobody can let one in.
            raise NoTicket from problem

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something of what was told is so."""
        async with in_time(f"{self.name} waits"):
            while not wanted():
                self._changed.clear()
                await self._changed.wait()

    def said(self, chat: str) -> list[str]:
        """The texts heard in a chat, in order."""
        return [frame["content"] for frame in self.heard.get(chat, []) if frame["type"] == "MESSAGE"]

    # --- what the client tells

    def event(self, frame: Frame) -> None:
        """Keep it."""
        self.heard.setdefault(frame["roomId"], []).append(frame)
        self._changed.set()

    def fresh(self, room_id: str, cursor: Cursor) -> None:
        """The room is live."""
        self.live.add(room_id)
        self._changed.set()

    def reload(self, room_id: str) -> None:
        """Note it."""
        self.reloads.append(room_id)
        self._changed.set()

    def gone(self, room_id: str) -> None:
        """Note it."""
        self.lost.append(room_id)
        self._changed.set()

    def delivered(self, entry: Entry, frame: Frame) -> None:
        """Keep the ACK."""
        self.acks[entry.nonce] = frame
        self._changed.set()

    def state(self, state: State, *, retry_at: float | None = None, reason: int | None = None) -> None:
        """Keep it."""
        self.states.append(state)
        self._changed.set()


@asynccontextmanager
async def phone(world: World, name: str, *chats: str) -> AsyncIterator[Phone]:
    """A person's phone that follows some chats, once it is live in all that it may follow."""
    async with Balanced(world) as network:
        phone = Phone(world, name, network)
        phone.client.follow(chats)
        phone.client.start()
        try:
            await phone.until(lambda: "online" in phone.states and {*phone.live, *phone.lost} >= set(chats))
            yield phone
        finally:
            phone.client.stop()
