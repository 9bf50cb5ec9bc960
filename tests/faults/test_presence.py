"""Who is there, when servers are killed and Redis loses what it knew; minutes are seconds here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.faults.stacks import Part, Stack
from tests.hasty import beating
from tests.world import Device, World

pytestmark = [
    pytest.mark.stack,
    pytest.mark.parametrize("system", ["standard"], indirect=True, scope="session"),
]
PEOPLE = ("ada", "ben", "cyd", "dan")


class Office:
    """Four people in one chat; ben watches them all."""

    def __init__(self, world: World, stack: Stack, held: AsyncExitStack) -> None:
        self.world, self.stack, self._held = world, stack, held
        self.ids: dict[str, str] = {}

    async def come(self, name: str, part: Part) -> Device:
        """Somebody connects to a server and beats."""
        with self.stack.through(part):
            device = await self._held.enter_async_context(self.world.connect(name))
        await self._held.enter_async_context(beating(device))
        return device

    async def watch(self, device: Device) -> None:
        """A device watches everybody."""
        self.ids = {name: await self.world.id(name) for name in PEOPLE}
        await device.send({"type": "PRESENCE_WATCH", "userIds": list(self.ids.values())})

    async def hears(self, device: Device, name: str, status: str) -> None:
        """Wait until a device is told that somebody looks so."""
        await device.expect("PRESENCE", userId=self.ids[name], status=status)

    async def has_heard(self, device: Device, name: str, *statuses: str) -> None:
        """Wait until a device was told so of somebody, in this order, and nothing else."""
        await device.until(lambda _: len(self.told(device, name)) >= len(statuses))
        assert self.told(device, name) == [*statuses]

    def told(self, device: Device, name: str) -> list[str]:
        """What a device was told of somebody after they came; the same version again is nothing new.

        Where the machine stalls, lives are longer, and who does nothing meanwhile is AWAY first.
        """
        frames = [one for one in device.frames if one["type"] == "PRESENCE" and one["userId"] == self.ids[name]]
        told = [status for status in {one["version"]: one["status"] for one in frames}.values() if status != "AWAY"]
        return told[told.index("ONLINE") :] if "ONLINE" in told else []


@pytest.fixture
async def office(stack: Stack) -> AsyncIterator[Office]:
    """The office on two servers."""
    stack.plant("hasty_presence", stack.serving)
    # Whom an earlier test left there is there for ninety seconds of theirs: nobody here would be found gone before.
    stack.redis.ask("FLUSHALL")
    async with World(stack) as world, AsyncExitStack() as held:
        await world.chat(list(PEOPLE))
        yield Office(world, stack, held)


async def test_people_of_a_killed_server_are_gone_by_deadline_and_told_of_once(stack: Stack, office: Office) -> None:
    here, there = stack.serving
    ben, dan = await office.come("ben", there), await office.come("dan", there)
    for device in (ben, dan):
        await office.watch(device)
    for name in ("ada", "cyd"):
        await office.come(name, here)
    await office.come("ada", there)
    for device in (ben, dan):
        for name in ("ada", "cyd"):
            await office.hears(device, name, "ONLINE")
    await asyncio.to_thread(here.kill)
    for device in (ben, dan):
        await office.has_heard(device, "cyd", "ONLINE", "OFFLINE")
    await office.come("cyd", there)
    for device in (ben, dan):
        await office.has_heard(device, "cyd", "ONLINE", "OFFLINE", "ONLINE")
        assert office.told(device, "ada") == ["ONLINE"]


async def test_an_emptied_redis_and_a_failover_are_no_wave_of_people_gone(stack: Stack, office: Office) -> None:
    here, there = stack.serving
    ben = await office.come("ben", there)
    await office.watch(ben)
    for name in ("ada", "dan"):
        await office.come(name, here)
        await office.hears(ben, name, "ONLINE")
    stack.redis.ask("FLUSHALL")
    await _comes_and_goes(office, ben, "cyd", here)
    await asyncio.to_thread(stack.redis.fail_over)
    await _comes_and_goes(office, ben, "cyd", there)
    await asyncio.to_thread(stack.redis.fail_back)
    await _comes_and_goes(office, ben, "cyd", here)
    for name in ("ada", "dan"):
        assert office.told(ben, name) == ["ONLINE"]


async def _comes_and_goes(office: Office, watcher: Device, name: str, part: Part) -> None:
    """Somebody is found gone by deadline: by then whoever was to be found gone would have been."""
    start = len(watcher.frames)
    with office.stack.through(part):
        device = await office.world.let_in(name)
    user = office.ids[name]
    for status in ("ONLINE", "OFFLINE"):
        await device.send({"type": "HEARTBEAT"}) if status == "ONLINE" else await device.cut()
        wanted = {"type": "PRESENCE", "userId": user, "status": status}
        await watcher.until(lambda frame, wanted=wanted: wanted.items() <= frame.items(), start=start)  # type: ignore[misc]
