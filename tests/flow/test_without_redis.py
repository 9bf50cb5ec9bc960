"""What a server of the shape standard answers while Redis is away: what it did, or when to come again."""

import asyncio
from pathlib import Path
from typing import Any

from tests.flow.test_long_poll import LONG, Poller, polls_wait
from tests.servers.proxy import Proxy
from tests.standard import proxy_of, through
from tests.world import Answer, Device, Server, World, manage

LOST, BACK = "other processes are not heard:", "other processes are heard again"


async def test_who_asks_without_redis_is_answered_or_told_to_come_again(
    installation: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    manage(folder, module="tests.people", environment=installation)
    with proxy_of(installation["CHAT_REDIS_URL"]) as redis:
        environment = installation | {"CHAT_REDIS_URL": through(redis, installation["CHAT_REDIS_URL"])}
        server = Server(folder, tmp_path / "served", environment=environment)
        server.start()
        try:
            async with World(server) as world:
                await world.until(None, "/health/ready", lambda body: not body["wrong"])
                await story(world, redis)
            server.stop()
        finally:
            server.kill()
    log = server.log()
    assert log.count(LOST) == log.count(BACK) == 1
    assert "Traceback" not in log
    assert "ERROR chatsite" not in log


async def story(world: World, redis: Proxy) -> None:
    """Redis goes and comes back."""
    room = await world.chat(["ada", "ben"])
    chat = f"/api/chats/{room}"
    cyd, ticket = await world.id("cyd"), await world.ticket("ada")
    new = {"body": {"chat_type": "group", "name": "Later"}, "headers": {"Idempotency-Key": "one"}}
    ben = Poller(world, "ben", room)
    await ben.poll()
    polled = asyncio.create_task(ben.ask(wait=LONG))
    await polls_wait(world, 1)
    redis.cut()
    world.is_patient = False
    added = await world.rest("ada", "POST", f"{chat}/participants", {"user_id": cyd})
    assert added.status == 201, added
    is_put_off(await world.rest("ada", "POST", "/api/chats", **new))  # It is made; what it looks like Redis knows.
    is_put_off(await world.rest("ada", "POST", "/api/auth/ws-ticket"))
    is_put_off(await ben.ask(wait=LONG))
    is_put_off(await world.rest(None, "POST", "/admin/login/"))
    assert (await world.rest(None, "GET", "/admin/login/")).status == 200
    await is_closed(world, subprotocols=["chat.v1", f"ticket.{ticket}"])
    await is_closed(world, headers={"Authorization": f"Bearer {await world.token('ada')}"})
    redis.heal()
    world.is_patient = True
    await world.until(None, "/health/ready", lambda body: not body["wrong"] and BACK in world.server.log())
    assert (await world.rest("ada", "POST", "/api/chats", **new)).status == 201
    (told,) = (await polled).body["frames"]  # Who waited all the while hears what happened.
    assert [event["userId"] for event in told["events"]] == [cyd]
    found = (await world.rest("ada", "GET", "/api/chats")).body["chats"]
    assert [one["name"] for one in found].count("Later") == 1
    async with world.connect("ada") as ada:
        assert ada.me


def is_put_off(answer: Answer) -> None:
    """Check: who asked may come again in a second."""
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "store_unavailable", "1")


async def is_closed(world: World, **credentials: Any) -> None:
    """Open a socket; check that it is closed for one who may come again."""
    device = Device(world, "ada")
    await device.open_raw(**credentials)
    assert await device.closed() == 4012
    (error,) = device.frames
    assert (error["code"], error["retryable"], error["retryAfterMs"]) == ("store_unavailable", True, 1_000)
