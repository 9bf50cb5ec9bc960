"""Stories of other services that ask who is there, or say that somebody is; minutes are seconds here (tests.hasty)."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from subprocess import PIPE

import grpc
import pytest

from tests.flow.test_presence import friends, is_seen, seen
from tests.hasty import beating
from tests.installations import SHARED, environment_of
from tests.preloaded import popen
from tests.services import CALLERS, PRESENCE, TOKENS, Learnt, Refused, Service
from tests.world import Server, World, in_time

NOBODY = "00000000-0000-4000-8000-000000000000"
HEALTH, REFLECTION = "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"


@pytest.fixture(scope="session")
def address(hasty_server: Server, services_port: int) -> Iterator[str]:
    """Where services ask: a process beside the servers, or the one server itself."""
    if not SHARED:
        yield f"127.0.0.1:{services_port}"
        return
    ours = {"CHAT_PRESENCE_GRPC_PORT": str(services_port), "CHAT_PRESENCE_GRPC_TOKENS": CALLERS}
    environment = environment_of(hasty_server.folder) | ours
    with (hasty_server.folder / "presence_grpc.log").open("w") as log:
        process = popen(["-m", "tests.hasty", "presence_grpc"], env=environment, stdout=PIPE, stderr=log)
        with process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"Presence is at grpc://127.0.0.1:{services_port}")
            yield f"127.0.0.1:{services_port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


@pytest.fixture(scope="session")
def learnt(address: str) -> Learnt:
    """What it offers."""
    return Learnt(address, TOKENS["read"])


@pytest.fixture
async def world(hasty_server: Server) -> AsyncIterator[World]:
    """People, on the servers beside it."""
    async with World(hasty_server) as world:
        yield world


class Office:
    """Systems of one company."""

    def __init__(self, address: str, learnt: Learnt, held: AsyncExitStack) -> None:
        self._address, self._learnt, self._held = address, learnt, held

    async def system(self, token: str | None) -> Service:
        """One with a token."""
        channel = await self._held.enter_async_context(grpc.aio.insecure_channel(self._address))
        return Service(channel, self._learnt, token)


@pytest.fixture
async def office(address: str, learnt: Learnt) -> AsyncIterator[Office]:
    """Those of a test."""
    async with AsyncExitStack() as held:
        yield Office(address, learnt, held)


@pytest.fixture
async def service(office: Office) -> Service:
    """One that may read and beat."""
    return await office.system(TOKENS["read+beat"])


async def test_a_client_made_of_what_the_server_says_reads_watches_and_beats(world: World, service: Service) -> None:
    assert service.learnt.services == sorted([PRESENCE, HEALTH, REFLECTION])
    assert set(service.learnt.methods) == {"Beat", "Get", "Watch"}
    await service.is_well()
    assert await service.health("") == "SERVING"
    await friends(world, "ada", "ben")
    ada = await world.id("ada")
    [before] = await service.get(ada)
    assert before["status"] == "OFFLINE"
    async with service.watching(ada, NOBODY) as watching, world.connect("ben") as ben, beating(ben):
        assert [one["user_id"] for one in watching.first] == [ada, NOBODY]
        assert await service.beat({"user_id": ada, "device": "desk phone"}) == 1
        came = await watching.until(ada, "ONLINE")
        await ben.expect("PRESENCE", userId=ada, status="ONLINE")
        assert [one["version"] for one in await service.get(ada)] == [came["version"]]
        await service.beat({"user_id": ada, "device": "desk phone", "goodbye": True})
        went = await watching.until(ada, "OFFLINE")
        assert went["version"] > came["version"] > before["version"]
        assert went["last_seen"] >= came["last_seen"]
        await ben.expect("PRESENCE", userId=ada, status="OFFLINE")


async def test_who_is_not_heard_of_is_gone_and_devices_and_sockets_are_one_person(
    world: World, service: Service
) -> None:
    await friends(world, "ada", "ben")
    ada, ben = await world.id("ada"), await world.id("ben")
    async with service.watching(ada, ben) as watching:
        async with world.connect("ada") as device, beating(device):
            await watching.until(ada, "ONLINE")
            await service.beat({"user_id": ada, "device": "phone"}, {"user_id": ben, "device": "phone"})
            await watching.until(ben, "ONLINE")
            await watching.until(ben, "OFFLINE")  # No word for a TTL.
            await service.beat({"user_id": ada, "device": "phone"})
            assert [one["status"] for one in watching.told if one["user_id"] == ada] == ["OFFLINE", "ONLINE"]
        await watching.until(ada, "OFFLINE")
        assert [one["status"] for one in watching.told if one["user_id"] == ada] == ["OFFLINE", "ONLINE", "OFFLINE"]


async def test_a_device_is_its_callers_alone(world: World, office: Office, service: Service) -> None:
    await friends(world, "ada", "ben")
    ada, other = await world.id("ada"), await office.system(TOKENS["beat"])
    async with service.watching(ada) as watching:
        await service.beat({"user_id": ada, "device": "phone"})
        await watching.until(ada, "ONLINE")
        goodbye = {"user_id": ada, "device": "phone", "goodbye": True}
        await other.beat(goodbye)
        # A grace passes: ben's, who came and left after that.
        async with service.watching(await world.id("ben")) as at_ben:
            await service.beat({"user_id": await world.id("ben")})
            await at_ben.until(await world.id("ben"), "ONLINE")
            await service.beat({"user_id": await world.id("ben"), "goodbye": True})
            await service.beat({"user_id": ada, "device": "phone"})
            await at_ben.until(await world.id("ben"), "OFFLINE")
        assert (await service.get(ada))[0]["status"] == "ONLINE"
        await service.beat(goodbye)
        await watching.until(ada, "OFFLINE")


async def test_what_services_and_people_see_is_the_same(world: World, service: Service) -> None:
    await friends(world, "ada", "ben")
    ada = await world.id("ada")
    async with world.connect("ada") as device, beating(device):
        await world.until("ben", f"/api/presence?user={ada}", is_seen("ONLINE"))
        await device.ask("PRESENCE_SET", status="DND", text="in a meeting")
        for url in world.server.urls:
            shown = await seen(world, "ben", "ada")
            [told] = await service.get(ada)
            assert {**shown, "last_seen": told["last_seen"]} == told, url
            assert shown["last_seen"][:19] == told["last_seen"][:19]


@pytest.mark.parametrize("state", ["ONLINE", "AWAY", "DND", "INVISIBLE"])
async def test_no_service_sees_who_is_invisible(world: World, service: Service, state: str) -> None:
    """Every way to read x every state, over a socket and over a device that a service speaks for."""
    await friends(world, "ada", "ben")
    ada = await world.id("ada")
    [gone] = await service.get(ada)
    await world.rest("ada", "PATCH", "/api/me/presence", {"status": state, "text": "psst"})
    wanted = ("OFFLINE", "") if state == "INVISIBLE" else (state, "psst")
    async with service.watching(ada) as watching:
        await service.beat({"user_id": ada, "device": "phone", "active": True})
        async with world.connect("ada") as device, beating(device):
            # What is told of her would have come by the time that ben is told of.
            async with service.watching(await world.id("ben")) as at_ben:
                await service.beat({"user_id": await world.id("ben")})
                await at_ben.until(await world.id("ben"), "ONLINE")
            if state != "INVISIBLE":
                await watching.until(ada, state)
            async with service.watching(ada) as again:
                looks = [*await service.get(ada), *again.first, watching.told[-1]]
    assert [(one["status"], one["text"]) for one in looks] == [wanted] * 3
    if state == "INVISIBLE":
        assert watching.told == [gone]
        assert looks == [gone] * 3


async def test_a_last_seen_that_is_kept_to_oneself_is_told_to_no_service(world: World, service: Service) -> None:
    await friends(world, "ada", "ben")
    ada = await world.id("ada")
    await world.rest("ada", "PATCH", "/api/me/presence", {"shows_last_seen": False})
    async with service.watching(ada) as watching:
        await service.beat({"user_id": ada})
        await watching.until(ada, "ONLINE")
        await service.beat({"user_id": ada, "goodbye": True})
        await watching.until(ada, "OFFLINE")
    assert [one["last_seen"] for one in [*watching.told, *await service.get(ada)]] == [None] * 4


# --- bad input


@pytest.mark.parametrize("token", [None, "", "x" * 64, TOKENS["read"][:-1], TOKENS["read"] + "0"])
@pytest.mark.rules
async def test_without_a_good_token_nothing_is_answered_but_health(office: Office, token: str | None) -> None:
    stranger = await office.system(token)
    for call in (stranger.get(NOBODY), stranger.beat({"user_id": NOBODY}), stranger.watching(NOBODY).__aenter__()):
        with pytest.raises(Refused) as refused:
            await call
        assert (refused.value.code, refused.value.ours) == ("UNAUTHENTICATED", "unauthenticated")
    await stranger.is_well()


@pytest.mark.rules
async def test_who_brings_no_token_is_not_told_what_there_is(address: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        await asyncio.to_thread(Learnt, address, "guessed")
    assert "UNAUTHENTICATED" in str(refused.value)


@pytest.mark.rules
async def test_a_token_is_good_for_its_scopes(office: Office) -> None:
    reader, phone = await office.system(TOKENS["read"]), await office.system(TOKENS["beat"])
    assert await phone.beat({"user_id": NOBODY}) == 1
    assert len(await reader.get(NOBODY)) == 1
    for call in (reader.beat({"user_id": NOBODY}), phone.get(NOBODY), phone.watching(NOBODY).__aenter__()):
        with pytest.raises(Refused) as refused:
            await call
        assert (refused.value.code, refused.value.ours) == ("PERMISSION_DENIED", "forbidden")


@pytest.mark.rules
async def test_more_than_two_hundred_are_too_many(service: Service) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(20_000)]
    for call in (service.get(*ids), service.get(*ids[:201]), service.watching(*ids[:201]).__aenter__()):
        with pytest.raises(Refused) as refused:
            await call
        assert (refused.value.code, refused.value.ours) == ("INVALID_ARGUMENT", "invalid_field")
        assert refused.value.details.startswith("invalid_field: user_ids: at most 200")
    with pytest.raises(Refused) as refused:
        await service.get(*["x" * 64] * 20_000)  # 1.3 MB
    assert refused.value.code == "RESOURCE_EXHAUSTED"
    assert len(await service.get(*ids[:200])) == 200
    async with service.watching(*ids[:200], ids[0]) as watching:
        assert len(watching.first) == 200


@pytest.mark.rules
async def test_ids_of_nobody_and_nonsense_look_alike(service: Service) -> None:
    ids = ["", "nobody", NOBODY, NOBODY.upper(), "'; DROP TABLE presence; --", "é" * 500]
    shown = await service.get(*ids, *ids)
    assert [one.pop("user_id") for one in shown] == list(dict.fromkeys(ids))
    assert shown == [{"status": "OFFLINE", "last_seen": None, "version": 0, "text": ""}] * len(shown)
    assert await service.get() == []


@pytest.mark.rules
async def test_beats_of_nobody_make_nobody_and_nonsense_is_refused(world: World, service: Service) -> None:
    assert await service.beat({"user_id": NOBODY}, {"user_id": NOBODY}) == 2
    assert [one["version"] for one in await service.get(NOBODY)] == [0]
    assert await service.beat() == 0
    ada = await world.id("ada")
    for beat, field in (
        ({"user_id": "ada"}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": ada, "device": "x" * 201}, "device"),
    ):
        with pytest.raises(Refused) as refused:
            await service.beat(beat)
        assert (refused.value.code, refused.value.details.split(":")[1].strip()) == ("INVALID_ARGUMENT", field)


async def test_a_caller_has_so_many_streams_and_gets_their_places_back(office: Office) -> None:
    reader = await office.system(TOKENS["read"])
    async with AsyncExitStack() as held:
        for _ in range(100):
            await held.enter_async_context(reader.watching(NOBODY))
        with pytest.raises(Refused) as refused:
            await reader.watching(NOBODY).__aenter__()
        assert (refused.value.code, refused.value.ours) == ("RESOURCE_EXHAUSTED", "too_many_connections")
        other = await office.system(TOKENS["read+beat"])
        async with other.watching(NOBODY):
            pass
    async with in_time("their places are free"):
        while True:
            try:
                async with reader.watching(NOBODY):
                    return
            except Refused:
                pass
