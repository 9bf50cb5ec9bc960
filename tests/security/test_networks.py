"""Networks that cut what is idle, or swallow everything: who is behind one misses nothing, who is gone is let go."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.phones import phone
from tests.planted import HURRIED_PING_SECONDS
from tests.servers.proxy import Proxy
from tests.world import Server, World, in_time

MakeServer = Callable[..., Server]
IDLE_SECONDS = 2.4 * HURRIED_PING_SECONDS  # as 60 s, which proxies give, are to our pings of 25 s
TIMES = 3  # that long an idle connection is watched


class Behind(World):
    """A world whose every request goes through a proxy."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        super().__init__(server)
        self._proxy = proxy

    @property
    def urls(self) -> Iterator[str]:
        """The proxy, always."""
        return itertools.repeat(f"http://{self._proxy.address}")


async def test_a_proxy_that_cuts_what_is_idle_cuts_nobody_who_is_pinged(make_server: MakeServer) -> None:
    server = make_server(bug="hurried_pings")
    with Proxy("127.0.0.1", server.port, idle_seconds=IDLE_SECONDS) as proxy:
        async with Behind(server, proxy) as world, world.connect("ada") as ada:
            with pytest.raises(AssertionError, match="in vain"):
                async with in_time("ada is cut", seconds=TIMES * IDLE_SECONDS):
                    await ada.closed()
            assert (await ada.ask("HEARTBEAT")).code is None


async def test_who_is_cut_all_the_same_resumes_and_misses_nothing(make_server: MakeServer) -> None:
    server = make_server()
    with Proxy("127.0.0.1", server.port, idle_seconds=IDLE_SECONDS) as proxy:
        async with World(server) as world, Behind(server, proxy) as behind:
            chat = await world.chat(["ada", "ben"])
            async with world.connect("ben", chat) as ben, phone(behind, "ada", chat) as ada:
                for number in range(TIMES):
                    cuts = ada.states.count("waiting")
                    await ada.until(lambda cuts=cuts: ada.states.count("waiting") > cuts)  # type: ignore[misc]
                    await ben.say(chat, f"{number}")
                await ada.until(lambda: len(ada.said(chat)) == TIMES)
                assert (ada.said(chat), ada.reloads) == (ben.said(chat), [])


async def test_who_is_gone_without_a_word_is_let_go(make_server: MakeServer) -> None:
    server = make_server(bug="hurried_pings", environment={"CHAT_CONNECTIONS": "1"})
    with Proxy("127.0.0.1", server.port) as proxy:
        async with World(server) as world, Behind(server, proxy) as behind:
            chat = await world.chat(["ada", "ben"])
            async with behind.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
                assert (await world.knock("ada")).frames[0]["code"] == "too_many_connections"
                proxy.stall()
                assert (await ben.say(chat, "to nobody but ben")).code is None
                again = await world.let_in("ada")  # Her place is free: the server has given up on the first.
                proxy.heal()
                await ada.closed()
                again.cursors = ada.cursors
                await again.subscribe(chat)
                assert ada.said(chat) + again.said(chat) == ["to nobody but ben"]
                assert again.resyncs == []
