"""The people of a real log say their real lines again, with connections that break."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import irc
from tests.world import Device, Server, World, make_template


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the people of the log have accounts."""
    nicks = sorted({line.nick for line in irc.said()})
    return make_template(tmp_path_factory.mktemp("irc"), nicks)


async def test_a_real_hour_reaches_everybody_in_order(make_server: Callable[..., Server]) -> None:
    chance = random.Random(2004)
    lines = list(irc.said())
    nicks = sorted({line.nick for line in lines})
    async with World(make_server()) as world:
        chat = await world.chat(nicks, name="#ubuntu")
        devices = {nick: Device(world, nick) for nick in nicks}
        for device in devices.values():
            await device.open()
            await device.subscribe(chat)
        gone: set[str] = set()
        for line in lines:
            if chance.random() < 0.05:
                nick = chance.choice(nicks)
                await devices[nick].cut()
                gone.add(nick)
            if gone and (line.nick in gone or chance.random() < 0.05):
                nick = line.nick if line.nick in gone else chance.choice(sorted(gone))
                await devices[nick].resume()
                gone.discard(nick)
            assert (await devices[line.nick].say(chat, line.text)).body["type"] == "ACK"
        for nick in gone:
            await devices[nick].resume()
        texts = [line.text for line in lines]
        for device in devices.values():
            await device.heard_until(chat, lambda heard: len(heard) >= len(texts))
            assert device.said(chat) == texts
            assert (device.holes, device.resyncs) == (0, [])
        assert [message["content"] for message in await world.history(nicks[0], chat)] == texts
        senders = {nick: await world.id(nick) for nick in nicks}
        spoken = [senders[line.nick] for line in lines]
        assert [message["sender"]["id"] for message in await world.history(nicks[0], chat)] == spoken
