"""Idempotency keys over REST: a retry makes nothing twice, not even across a kill."""

from collections.abc import Callable
from typing import Any

from tests.world import Answer, Server, World

MAKE = {"chat_type": "group", "name": "Once"}


async def make(world: World, key: str, body: dict[str, Any] = MAKE, *, who: str = "ada") -> Answer:
    """Ask for a chat under a key."""
    return await world.rest(who, "POST", "/api/chats", body, headers={"Idempotency-Key": key})


async def test_a_retry_after_a_kill_answers_with_the_first_chat(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world:
        first = await make(world, "a key")
        await world.restart()
        again = await make(world, "a key", dict(reversed(MAKE.items())))
        assert (first.status, again.status, again.body["id"]) == (201, 201, first.body["id"])
        assert len((await world.rest("ada", "GET", "/api/chats")).body["chats"]) == 1
        assert (await make(world, "a key", MAKE | {"name": "Another"})).code == "idempotency_reused"
        assert (await make(world, "a key", who="ben")).body["id"] != first.body["id"]
        assert (await make(world, "other key")).body["id"] != first.body["id"]
        assert (await make(world, "k" * 256)).code == "invalid_field"
        assert (await make(world, "bad", MAKE | {"name": " "})).code == "invalid_field"
        assert (await make(world, "bad")).status == 201
