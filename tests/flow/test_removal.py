"""Somebody is removed while they send, read, subscribe and resume: nothing of later reaches them."""

import asyncio
import random
import time
from dataclasses import dataclass, field

import pytest

from tests.world import Device, Frame, World

GRACE_SECONDS = 1.0  # what the contract gives a removal to reach every server


@dataclass
class Removed:
    """What the removed person tried, and how it went."""

    accepted: list[tuple[float, int]] = field(default_factory=list)  # when it was tried (monotonic), and its pos
    pages: list[tuple[float, int, int]] = field(default_factory=list)  # when, the status, the highest pos seen


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_above_the_removal_reaches_who_was_removed(world: World, seed: int) -> None:
    chance = random.Random(seed)
    chat = await world.chat(["ada", "ben", "cyd"])
    ben_id, tried, stop = await world.id("ben"), Removed(), asyncio.Event()
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as phone, world.connect("ben") as laptop:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talks(ada, chat, stop))
            tasks.create_task(talks(phone, chat, stop, tried))
            tasks.create_task(reads(world, chat, stop, tried))
            tasks.create_task(comes_and_goes(laptop, chat, chance, stop))
            await ada.heard_until(chat, lambda heard: len(heard) > chance.randrange(20, 120))
            path = f"/api/chats/{chat}/participants/{ben_id}"
            assert (await world.rest("ada", "DELETE", path)).status == 204
            removed_at = time.monotonic()
            last = await ada.expect("MEMBER", change="removed", userId=ben_id)
            for _ in range(40):
                await ada.say(chat, "without ben")
            stop.set()
        await ada.until(lambda frame: frame.get("content") == "without ben")
        for device in (phone, laptop):
            await device.ask("HEARTBEAT")
            late = [frame for frame in device.frames if frame.get("roomId") == chat and is_later(frame, last["pos"])]
            assert not late
    assert all(pos < last["pos"] or at < removed_at + GRACE_SECONDS for at, pos in tried.accepted)
    assert all(status == 404 or at < removed_at for at, status, _ in tried.pages)
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}/unread/why")).code == "not_found"


def is_later(frame: Frame, pos: int) -> bool:
    """Whether a frame, or an event in it, tells of something above a pos."""
    if frame["type"] in ("ACK", "ME", "ERROR"):
        return False
    return frame.get("pos", 0) > pos or any(event["pos"] > pos for event in frame.get("events", ()))


async def talks(device: Device, chat: str, stop: asyncio.Event, tried: Removed | None = None) -> None:
    """Say one thing after the other, until told to stop."""
    number = 0
    while not stop.is_set():
        at, number = time.monotonic(), number + 1
        answer = await device.say(chat, f"{device.name} {number}")
        if tried is not None and answer.code is None:
            tried.accepted.append((at, answer.body["pos"]))


async def reads(world: World, chat: str, stop: asyncio.Event, tried: Removed) -> None:
    """Read the newest page again and again."""
    while not stop.is_set():
        at = time.monotonic()
        page = await world.rest("ben", "GET", f"/api/chats/{chat}/messages?limit=5")
        tried.pages.append((at, page.status, page.body.get("pos", 0)))


async def comes_and_goes(device: Device, chat: str, chance: random.Random, stop: asyncio.Event) -> None:
    """Subscribe, leave, break off and resume."""
    device.cursors.setdefault(chat, None)
    while not stop.is_set():
        match chance.randrange(4):
            case 0:
                await device.cut()
                await device.resume()
            case 1:
                await device.ask("UNSUBSCRIBE", rooms=[chat])
            case _:
                await device.subscribe(chat)
