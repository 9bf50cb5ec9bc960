"""The permission matrix: every route and frame x everybody; what has no row fails.

The routes come from the URL resolver and the frames from the gateway's registry.
A cell is an HTTP status or, for frames, the answer's type or error code.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from chatsite.gateway.registry import frames
from tests.world import Device, World

PERSONAS = {
    "anonymous": None,
    "stranger": "eve",
    "other company": "zoe",
    "ex-member": "cyd",
    "member": "ben",
    "staff": "sam",
}
METHODS = ("get", "post", "put", "patch", "delete")

Row = dict[str, int | str]


def everybody(answer: int | str, *, anonymous: int | str) -> Row:
    """A row that is the same for all who are signed in."""
    return {persona: anonymous if persona == "anonymous" else answer for persona in PERSONAS}


def members(answer: int | str, *, refused: int | str = 404, anonymous: int | str = 401) -> Row:
    """A row where a member gets an answer and the others cannot tell that there is anything."""
    return everybody(refused, anonymous=anonymous) | {"member": answer}


PUBLIC = everybody(200, anonymous=200)
ROUTES: dict[str, tuple[Row, dict[str, Any] | None]] = {
    "GET /": (PUBLIC, None),
    "GET /health/live": (PUBLIC, None),
    "GET /health/ready": (PUBLIC, None),
    "GET /api/server": (PUBLIC, None),
    "GET /api/": (everybody(404, anonymous=404), None),
    "GET /api/<path:anything>": (everybody(404, anonymous=404), None),
    "POST /api/auth/token": (PUBLIC, {"username": "dan", "password": "pw"}),
    "POST /api/auth/token/refresh": (everybody(401, anonymous=401), {"refresh": "no token"}),
    "POST /api/auth/logout": (everybody(204, anonymous=401), {}),
    "POST /api/auth/ws-ticket": (everybody(201, anonymous=401), {}),
    "GET /api/me": (everybody(200, anonymous=401), None),
    "GET /api/users": (everybody(200, anonymous=401), None),
    "GET /api/users/<uuid:user_id>": (
        everybody(200, anonymous=401) | {"other company": 404, "staff": 404},
        None,
    ),
    "GET /api/chats": (everybody(200, anonymous=401), None),
    "POST /api/chats": (everybody(201, anonymous=401), {"chat_type": "group", "name": "mine"}),
    "GET /api/chats/<str:chat_id>": (members(200), None),
    "GET /api/chats/<str:chat_id>/messages": (members(200), None),
    "POST /api/chats/<str:chat_id>/messages": (members(201), {"content": "hello"}),
    "GET /api/chats/<str:chat_id>/messages/<str:message_id>": (members(200), None),
    "PATCH /api/chats/<str:chat_id>/messages/<str:message_id>": (members(403), {"content": "changed"}),
    "DELETE /api/chats/<str:chat_id>/messages/<str:message_id>": (members(403), {}),
    "GET /api/chats/<str:chat_id>/participants": (members(200), None),
    "POST /api/chats/<str:chat_id>/participants": (members(403), {"user_id": "{dan}"}),
    "DELETE /api/chats/<str:chat_id>/participants/<str:user_id>": (members(403), None),
    "POST /api/chats/<str:chat_id>/leave": (members(204), {}),
}
FRAMES: dict[str, tuple[Row, dict[str, Any]]] = {
    "AUTH": (everybody("OK", anonymous="ticket_invalid"), {"ticket": "{ticket}"}),
    "SUBSCRIBE": (members("SUBSCRIBED", refused="not_found", anonymous="unauthenticated"), {"roomId": "{chat}"}),
    "UNSUBSCRIBE": (everybody("OK", anonymous="unauthenticated"), {"rooms": ["{chat}"]}),
    "SEND_MESSAGE": (
        members("ACK", refused="not_found", anonymous="unauthenticated"),
        {"roomId": "{chat}", "content": "hello"},
    ),
    "EDIT_MESSAGE": (
        members("forbidden", refused="not_found", anonymous="unauthenticated"),
        {"roomId": "{chat}", "messageId": "{message}", "content": "changed"},
    ),
    "DELETE_MESSAGE": (
        members("forbidden", refused="not_found", anonymous="unauthenticated"),
        {"roomId": "{chat}", "messageId": "{message}"},
    ),
    "HEARTBEAT": (everybody("HEARTBEAT_ACK", anonymous="unauthenticated"), {}),
}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Every method of every route, but for Django's own admin."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not address.startswith("/admin"):
                yield from routes(pattern.url_patterns, address)
            continue
        view = getattr(pattern.callback, "cls", None)
        for method in METHODS if view else ("get",):
            if view is None or hasattr(view, method):
                yield f"{method.upper()} {address}"


def test_every_route_has_a_row() -> None:
    assert set(routes(get_resolver().url_patterns)) == set(ROUTES)


def test_every_frame_has_a_row() -> None:
    assert set(frames.types) == set(FRAMES)


def test_every_row_has_everybody() -> None:
    for row, _ in [*ROUTES.values(), *FRAMES.values()]:
        assert set(row) == set(PERSONAS)


@dataclass
class Scene:
    """A chat of ada's in which ben is, cyd was, and something was said."""

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
    chat = await world.chat(["ada", "ben", "cyd"])
    said = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "first"})
    await world.rest("cyd", "POST", f"/api/chats/{chat}/leave")
    yield Scene(
        world, {"chat": chat, "message": said.body["id"], "ada": await world.id("ada"), "dan": await world.id("dan")}
    )


PLACES = {
    "<path:anything>": "nothing/here",
    "<str:chat_id>": "{chat}",
    "<str:message_id>": "{message}",
    "<str:user_id>": "{ada}",
    "<uuid:user_id>": "{ada}",
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("route", ROUTES)
async def test_route(scene: Scene, route: str, persona: str) -> None:
    row, body = ROUTES[route]
    method, address = route.split(" ", 1)
    for place, name in PLACES.items():
        address = address.replace(place, name)
    answer = await scene.world.rest(PERSONAS[persona], method, scene.fill(address), scene.fill(body))
    assert answer.status == row[persona], answer
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("type_", FRAMES)
async def test_frame(scene: Scene, type_: str, persona: str) -> None:
    row, fields = FRAMES[type_]
    name = PERSONAS[persona]
    device = await _device(scene.world, name)
    scene.names["ticket"] = await scene.world.ticket(name) if name else "no ticket"
    answer = await device.ask(type_, **scene.fill(fields))
    assert (answer.code or answer.body["type"]) == row[persona], answer
    if name is None:
        assert await device.closed() == 4001


async def _device(world: World, name: str | None) -> Device:
    device = Device(world, name or "nobody")
    await (device.open() if name else device.open_raw())
    return device


async def test_hidden_and_absent_are_the_same_answer(scene: Scene) -> None:
    hidden, absent = await asyncio.gather(
        scene.world.rest("eve", "GET", scene.fill("/api/chats/{chat}")),
        scene.world.rest("eve", "GET", "/api/chats/00000000-0000-4000-8000-000000000000"),
    )
    for answer in (hidden, absent):
        answer.body.pop("request_id")
    assert (hidden.status, hidden.body) == (absent.status, absent.body)
