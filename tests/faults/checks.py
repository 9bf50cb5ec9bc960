"""The checks of the promises: run against a good server they pass, against a broken one they fail."""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.world import Answer, Device, Frame, Server, World

SENDERS = ("ada", "ben", "cyd", "dan")
MakeServer = Callable[..., Server]


@dataclass
class Sender:
    """A person who sends without pause and retries what was not acked, in order."""

    device: Device
    chat: str
    acked: dict[str, Answer] = field(default_factory=dict)  # nonce -> ACK
    unacked: list[tuple[str, str]] = field(default_factory=list)  # (nonce, content) in order of sending
    numbers: itertools.count = field(default_factory=itertools.count)  # type: ignore[type-arg]

    async def talk(self, *, until: int) -> None:
        """Send, up to eight at once, until so many are acked or the connection breaks."""
        while len(self.acked) < until:
            burst = []
            for _ in range(8):
                text = f"{self.device.name} {next(self.numbers)}"
                self.unacked.append((f"n-{text}", text))
                burst.append(self.device.say(self.chat, text, nonce=f"n-{text}"))
            answers = await asyncio.gather(*burst, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, Answer):
                    self._settle(answer)
            if self.device.closed_with is not None:
                return

    async def catch_up(self) -> None:
        """Retry what was not acked, one by one, so that the order holds."""
        for nonce, text in list(self.unacked):
            self._settle(await self.device.say(self.chat, text, nonce=nonce, retry=True, firstTriedMs=1))

    def _settle(self, answer: Answer) -> None:
        assert answer.body["type"] == "ACK", answer.body
        nonce = answer.body["nonce"]
        self.acked[nonce] = answer
        self.unacked = [one for one in self.unacked if one[0] != nonce]


async def survives_kill(make_server: MakeServer, *, bug: str | None = None, rounds: int = 4, seed: int = 1) -> None:
    """`kill -9` under load, again and again: nothing acked is lost or doubled, everybody resumes."""
    chance = random.Random(seed)
    server = make_server(bug=bug)
    async with World(server) as world:
        chat = await world.chat(list(SENDERS))
        senders = [Sender(Device(world, name), chat) for name in SENDERS]
        for sender in senders:
            await sender.device.open()
            await sender.device.subscribe(chat)
        for _ in range(rounds):
            goal = len(senders[0].acked) + chance.randint(20, 120)
            talking = [asyncio.create_task(sender.talk(until=10**9)) for sender in senders]
            while len(senders[0].acked) < goal:
                await senders[0].device.until(lambda frame: frame["type"] == "ACK", start=len(senders[0].device.frames))
            await world.restart()
            await asyncio.gather(*talking)
            for sender in senders:
                await sender.device.resume()
                await sender.catch_up()
        await require_agreement(world, chat, senders)


async def require_agreement(world: World, chat: str, senders: Sequence[Sender], *, resyncs: int = 0) -> list[str]:
    """Nothing acked is lost or doubled, and all heard the same; answers the ids that history holds, in order."""
    acked = {nonce: answer for sender in senders for nonce, answer in sender.acked.items()}
    last = max(answer.body["pos"] for answer in acked.values())
    history = await world.history("ada", chat, at_least=last)
    kept = [message["id"] for message in history]
    assert {answer.body["messageId"] for answer in acked.values()} <= set(kept), "an acked message is lost"
    assert len(kept) == len(set(kept)) == len({message["content"] for message in history}), "a message is doubled"
    assert len(kept) == len(acked), "history holds what nobody was told of"
    assert [int(one) for one in kept] == sorted(int(one) for one in kept)
    places: dict[int, str] = {}
    for sender in senders:
        mine = [message["content"] for message in history if message["content"].startswith(f"{sender.device.name} ")]
        assert mine == sorted(mine, key=lambda text: int(text.split()[1])), "a sender's order is broken"
        reloads = [frame["pos"] for frame in sender.device.resyncs if frame["roomId"] == chat]
        assert len(reloads) == resyncs, f"{sender.device.name} reloads {len(reloads)} times"
        assert not sender.device.holes
        since = reloads[-1] if reloads else 0
        wanted = [message["id"] for message in history if message["pos"] > since]
        heard = await _hears(sender.device, chat, len(wanted))
        # Two servers give ids at the same time: the order in which they are heard is that of the log.
        assert sorted(map(int, heard.values())) == [int(one) for one in wanted], "somebody heard something else"
        assert all(places.setdefault(pos, said) == said for pos, said in heard.items()), "two heard two orders"
    return kept


async def _hears(device: Device, chat: str, count: int) -> dict[int, str]:
    return _said(await device.heard_until(chat, lambda heard: len(_said(heard)) >= count))


def _said(heard: Sequence[Frame]) -> dict[int, str]:
    """The messages among what was heard, by place."""
    return {frame["pos"]: frame["messageId"] for frame in heard if frame["type"] == "MESSAGE"}


async def projects_what_it_finished(make_server: MakeServer, *, bug: str | None = None) -> None:
    """A kill between an offset and its effect loses no row of history."""
    async with World(make_server(bug=bug)) as world:
        chat = await world.chat(["ada"])
        async with world.connect("ada") as ada:
            for number in range(40):
                await ada.say(chat, f"{number}")
            await world.restart()
        stored = [message["content"] for message in await world.history("ada", chat)]
        assert stored == [str(number) for number in range(40)], f"history misses {40 - len(stored)} messages"


async def keeps_a_nonce_over_a_restart(make_server: MakeServer, *, bug: str | None = None) -> None:
    """A retry after a restart answers with the first result and adds nothing."""
    async with World(make_server(bug=bug)) as world:
        chat = await world.chat(["ada"])
        async with world.connect("ada") as ada:
            first = await ada.say(chat, "once", nonce="n1")
        await world.restart()
        async with world.connect("ada") as ada:
            again = await ada.say(chat, "once", nonce="n1", retry=True, firstTriedMs=1)
            other = await ada.say(chat, "twice", nonce="n1", retry=True, firstTriedMs=1)
        assert len(await world.history("ada", chat)) == 1, "a message is doubled"
        assert again.body["messageId"] == first.body["messageId"]
        assert other.code == "nonce_reused"


async def delivers_no_hole(make_server: MakeServer, *, bug: str | None = None) -> None:
    """Over a layer that loses three in ten notices everybody hears everything, in order."""
    async with World(make_server(bug=bug)) as world:
        chat = await world.chat(["ada", "ben"])
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
            await asyncio.gather(*[ada.say(chat, f"{number}") for number in range(200)])
            await ben.heard_until(chat, lambda heard: heard[-1:] != [] and heard[-1]["content"] == "199")
            assert not ben.holes, "the server delivered past a hole"
            assert ben.said(chat) == [str(number) for number in range(200)]


async def silences_the_removed(make_server: MakeServer, *, bug: str | None = None) -> None:
    """Nothing above the removal goes to who was removed."""
    async with World(make_server(bug=bug)) as world:
        chat = await world.chat(["ada", "ben"])
        ben_id = await world.id("ben")
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
            talking = asyncio.gather(*[ada.say(chat, f"{number}") for number in range(200)])
            await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{ben_id}")
            await talking
            await ada.say(chat, "after")
            removed = await ben.expect("MEMBER", change="removed", userId=ben_id)
            await ada.until(lambda frame: frame.get("content") == "after")
            await ben.ask("HEARTBEAT")
            late = [frame for frame in ben.frames if frame["type"] != "ME" and frame.get("pos", 0) > removed["pos"]]
            assert not late, "the removed hears what follows"
