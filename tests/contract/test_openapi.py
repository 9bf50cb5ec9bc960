"""The OpenAPI document: valid, complete, and true of what the server answers."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from chatsite.openapi import document
from tests.security.test_matrix import ROUTES, routes
from tests.world import World

UNDESCRIBED = {
    "GET /api/", "GET /api/<path:anything>", "GET /api/schema/", "GET /api/docs/", "GET /api/schema/ws/",
    "GET /api/docs/ws/",
}  # fmt: skip


def described() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of the document, by method and address."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1")
    validate_schema(document())
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_route_is_in_it() -> None:
    ours = {route for route in routes(get_resolver().url_patterns) if " /api/" in route} - UNDESCRIBED
    plain = {route.replace("<str:", "{").replace("<uuid:", "{").replace(">", "}") for route in ours}
    assert {name for name, _ in described()} == plain


SAID_BY_ADDRESS = {"react", "pin", "star", "make_favourite", "follow_thread"}  # what is put is in the address


@pytest.mark.parametrize(("name", "operation"), list(described()))
def test_every_operation_says_what_it_answers(name: str, operation: dict[str, Any]) -> None:
    assert operation["description"], name
    answers = operation["responses"]
    assert "429" in answers
    for status, answer in answers.items():
        kind = "application/json" if status.startswith("2") else "application/problem+json"
        assert status == "204" or answer["content"][kind]["schema"], f"{name} {status}"
    if name.split()[0] in ("PATCH", "PUT") and operation["operationId"] not in SAID_BY_ADDRESS:
        assert operation["requestBody"], name


def check(name: str, status: int, body: Any) -> None:
    """Hold an answer against what the document says of it."""
    answer = dict(described())[name]["responses"][str(status)]
    ((_, content),) = answer["content"].items()
    whole = content["schema"] | {"components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)
    allowed = content["schema"].get("properties")
    assert allowed is None or set(body) <= set(allowed), f"{name} answers what is not described"


async def test_it_is_true(world: World) -> None:
    assert len(ROUTES) > 20
    chat = await world.chat(["ada", "ben"])
    at = f"/api/chats/{chat}"
    said = await world.rest("ada", "POST", f"{at}/messages", {"content": "hello", "nonce": "n"})
    message = f"{at}/messages/{said.body['id']}"
    check("POST /api/chats/{chat_id}/messages", 201, said.body)
    for name, answer in {
        "GET /api/chats": await world.rest("ada", "GET", "/api/chats"),
        "GET /api/chats/{chat_id}": await world.rest("ada", "GET", at),
        "GET /api/chats/{chat_id}/messages": await world.rest("ada", "GET", f"{at}/messages"),
        "GET /api/chats/{chat_id}/messages/{message_id}": await world.rest("ada", "GET", message),
        "PATCH /api/chats/{chat_id}/messages/{message_id}": await world.rest("ada", "PATCH", message, {"content": "x"}),
        "DELETE /api/chats/{chat_id}/messages/{message_id}": await world.rest("ada", "DELETE", message),
        "GET /api/chats/{chat_id}/participants": await world.rest("ada", "GET", f"{at}/participants"),
        "GET /api/me": await world.rest("ada", "GET", "/api/me"),
        "GET /api/users": await world.rest("ada", "GET", "/api/users"),
        "GET /api/users/{user_id}": await world.rest("ada", "GET", f"/api/users/{await world.id('ben')}"),
        "GET /api/me/sessions": await world.rest("ada", "GET", "/api/me/sessions"),
        "GET /api/chats/{chat_id}/bans": await world.rest("ada", "GET", f"{at}/bans"),
        "GET /api/chats/{chat_id}/read-positions": await world.rest("ada", "GET", f"{at}/read-positions"),
        "GET /api/chats/{chat_id}/unread/why": await world.rest("ben", "GET", f"{at}/unread/why"),
        "PATCH /api/chats/{chat_id}": await world.rest("ada", "PATCH", at, {"name": "Other"}),
        "GET /api/server": await world.rest(None, "GET", "/api/server"),
    }.items():
        assert answer.status == 200, answer
        check(name, 200, answer.body)
    added = await world.rest("ada", "POST", f"{at}/participants", {"user_id": await world.id("cyd")})
    check("POST /api/chats/{chat_id}/participants", 201, added.body)
    check("POST /api/chats/{chat_id}/invites", 201, (await world.rest("ada", "POST", f"{at}/invites")).body)
    check("GET /api/chats/{chat_id}/invites", 200, (await world.rest("ada", "GET", f"{at}/invites")).body)
    made = await world.rest("ada", "POST", "/api/chats", {"chat_type": "group", "name": "x"})
    check("POST /api/chats", 201, made.body)
    polled = await world.rest("ada", "POST", "/api/events", {"rooms": {chat: None, "none": None}, "wait": 0})
    check("POST /api/events", 200, polled.body)
    refused = await world.rest("ada", "POST", "/api/chats", {"chat_type": "none"})
    check("POST /api/chats", 400, refused.body)
    sign_in = await world.rest(None, "POST", "/api/auth/token", {"username": "ada", "password": "pw"})
    check("POST /api/auth/token", 200, sign_in.body)
    check("POST /api/auth/ws-ticket", 201, (await world.rest("ada", "POST", "/api/auth/ws-ticket")).body)


async def test_it_can_be_read(world: World) -> None:
    assert (await world.rest(None, "GET", "/api/schema/")).body == document()
    page = await world.rest(None, "GET", "/api/docs/")
    assert page.headers["content-type"].startswith("text/html")
    for name, _ in described():
        assert "</b> ".join(name.split()) in str(page.body)
    assert "<script" not in str(page.body)
    assert (await world.rest(None, "GET", "/static/chatsite/docs.css")).status == 200
