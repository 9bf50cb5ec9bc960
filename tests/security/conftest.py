"""The scene in which tables of who may do what are played."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.world import World

KEEP_SECONDS = 300  # an access token is good for twice as long
ENDS_SIGN_INS = ("logout", "password", "sessions")

PLACES = {
    "<path:anything>": "nothing/here",
    "<str:chat_id>": "{chat}",
    "<str:message_id>": "{message}",
    "<str:poll_id>": "{poll}",
    "<str:emoji>": "%F0%9F%91%8D",
    "<str:user_id>": "{ben}",
    "<str:banned_id>": "{jon}",
    "<uuid:user_id>": "{ada}",
    "<uuid:receipt_id>": "00000000-0000-4000-8000-000000000000",
    "<str:code>": "{code}",
    "<uuid:sign_in_id>": "{session}",
    "<uuid:folder_id>": "{session}",
    "<uuid:template_id>": "{session}",
    "<uuid:scheduled_id>": "{session}",
    "<uuid:reminder_id>": "{session}",
    "<uuid:subscription_id>": "{session}",
    "<uuid:webhook_id>": "{session}",
    "<str:webhook_id>": "{session}",
    "<str:secret>": "no-secret",
    "<str:delivery_id>": "1",
    "<uuid:token_id>": "{session}",
    "<uuid:bot_id>": "{session}",
    "<uuid:invocation_id>": "{session}",
    "<uuid:group_id>": "{session}",
    "<str:token>": "no-token",
}


def in_places(address: str) -> str:
    """An address with the names of the scene's ids where the route has a parameter."""
    for place, name in PLACES.items():
        address = address.replace(place, name)
    return address


@dataclass
class Scene:
    """A chat of ada's with somebody of each role in it, in which something was said."""

    world: World
    names: dict[str, str]

    def fill(self, value: Any) -> Any:
        """Put the scene's ids in the places that name them."""
        match value:
            case dict():
                return {self.fill(name): self.fill(inner) for name, inner in value.items()}
            case list():
                return [self.fill(inner) for inner in value]
            case str():
                for name, text in self.names.items():
                    value = value.replace("{" + name + "}", text)
        return value


@dataclass
class Kept:
    """What the cells of one test process share: sign-ins, and the scene of those that change nothing."""

    signed_in_at: float = -KEEP_SECONDS
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] | None = None


_kept = Kept()


@pytest.fixture
async def signed_in(world: World, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The world, where whoever signed in for an earlier cell need not again."""
    if time.monotonic() - _kept.signed_in_at > KEEP_SECONDS:
        _kept.tokens, _kept.signed_in_at = {}, time.monotonic()
    world.known(tokens=_kept.tokens, ids=_kept.ids)
    yield world
    if any(word in request.node.name for word in ENDS_SIGN_INS):
        _kept.tokens = {}


@pytest.fixture
async def scene(signed_in: World) -> Scene:
    """A scene for one cell, which may change it."""
    return Scene(signed_in, await make_scene(signed_in))


@pytest.fixture
async def kept(signed_in: World) -> Scene:
    """The scene of all cells that change nothing; did a refused one do so, those after it would see."""
    return await keep_scene(signed_in)


async def keep_scene(world: World) -> Scene:
    """The scene that the cells of one test process share."""
    if _kept.names is None:
        _kept.names = await make_scene(world)
    return Scene(world, dict(_kept.names))


async def make_scene(world: World) -> dict[str, str]:
    """The ids of a new chat with somebody of each role in it."""
    chat = await world.chat(["ada", "ben", "cyd", "fay", "gus", "hal", "ivy", "jon"])
    path = f"/api/chats/{chat}"
    said = await world.made("ada", f"{path}/messages", {"content": "first", "important": True})
    poll = {"content": "Tea?", "poll": {"options": ["yes", "no"]}}
    asked = await world.made("ada", f"{path}/messages", poll)
    invite = await world.made("ada", f"{path}/invites")
    sessions = (await world.rest("dan", "GET", "/api/me/sessions")).body["sessions"]
    ids = {name: await world.id(name) for name in ("ada", "ben", "dan", "jon")}

    async def change(name: str, **body: Any) -> None:
        await world.rest("ada", "PATCH", f"{path}/participants/{await world.id(name)}", body)

    await world.rest("cyd", "POST", f"{path}/leave")
    await world.rest("ada", "DELETE", f"{path}/participants/{ids['jon']}", {"ban": True})
    for name, role in (("fay", "guest"), ("gus", "moderator"), ("hal", "admin")):
        await change(name, role=role)
    await change("ivy", muted_until="2090-01-01T00:00:00Z")
    names = {"chat": chat, "message": said["id"], "poll": asked["id"]}
    names |= {"code": invite["code"], "session": sessions[0]["id"]}
    return ids | names
