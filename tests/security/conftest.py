"""The scene in which tables of who may do what are played."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.world import World

PLACES = {
    "<path:anything>": "nothing/here",
    "<str:chat_id>": "{chat}",
    "<str:message_id>": "{message}",
    "<str:user_id>": "{ben}",
    "<str:banned_id>": "{jon}",
    "<uuid:user_id>": "{ada}",
    "<uuid:receipt_id>": "00000000-0000-4000-8000-000000000000",
    "<str:code>": "{code}",
    "<uuid:sign_in_id>": "{session}",
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
                return {name: self.fill(inner) for name, inner in value.items()}
            case list():
                return [self.fill(inner) for inner in value]
            case str():
                for name, text in self.names.items():
                    value = value.replace("{" + name + "}", text)
        return value


@pytest.fixture
async def scene(world: World) -> AsyncIterator[Scene]:
    """A fresh scene for each cell."""
    chat = await world.chat(["ada", "ben", "cyd", "fay", "gus", "hal", "ivy", "jon"])
    path = f"/api/chats/{chat}"
    said = await world.rest("ada", "POST", f"{path}/messages", {"content": "first"})
    invite = await world.rest("ada", "POST", f"{path}/invites")
    sessions = (await world.rest("dan", "GET", "/api/me/sessions")).body["sessions"]
    ids = {name: await world.id(name) for name in ("ada", "ben", "dan", "jon")}

    async def change(name: str, **body: Any) -> None:
        await world.rest("ada", "PATCH", f"{path}/participants/{await world.id(name)}", body)

    await world.rest("cyd", "POST", f"{path}/leave")
    await world.rest("ada", "DELETE", f"{path}/participants/{ids['jon']}", {"ban": True})
    for name, role in (("fay", "guest"), ("gus", "moderator"), ("hal", "admin")):
        await change(name, role=role)
    await change("ivy", muted_until="2090-01-01T00:00:00Z")
    names = {"chat": chat, "message": said.body["id"], "code": invite.body["code"], "session": sessions[0]["id"]}
    yield Scene(world, ids | names)
