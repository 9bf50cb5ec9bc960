"""The OpenAPI document: valid, complete, and true of what the server answers."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import jsonschema
import pytest
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from chat.api.hooked import EXAMPLE
from chat.commands.webhooks import EVENTS
from chatsite.kernel.errors import CODES
from chatsite.kernel.outbound import new_secret, signed
from chatsite.openapi import document
from chatsite.shown import THUMB
from tests.security.test_matrix import ROUTES, routes
from tests.staff import Staff
from tests.world import NO_TLS, PASSWORD, World

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


SAID_BY_ADDRESS = {
    "react",
    "pin",
    "star",
    "make_favourite",
    "follow_thread",
    "acknowledge",
}  # what is put is in the address


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


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the part of the document that it refers to."""
    found: dict[str, Any] = document()["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    return found


def check(name: str, status: int, body: Any) -> None:
    """Hold an answer against what the document says of it."""
    answer = dict(described())[name]["responses"][str(status)]
    ((_, content),) = answer["content"].items()
    whole = content["schema"] | {"components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)
    allowed = resolved(content["schema"]).get("properties")
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


def blocks(page: str, kind: str) -> list[str]:
    """What a page shows to be copied, of one kind."""
    return [unescape(text) for text in re.findall(rf'<pre class="{kind}">(.*?)</pre>', page, re.DOTALL)]


async def test_its_examples_can_be_copied(world: World) -> None:
    page = str((await world.rest(None, "GET", "/api/docs/")).body)
    assert len([json.loads(text) for text in blocks(page, "json")]) > 30
    lines = dict(re.findall(r'<section id="(\w+)">\s*<h2><b>.*?<pre class="curl">(.*?)</pre>', page, re.DOTALL))
    assert len(lines) == len(list(described()))
    for name, operation in described():
        words = shlex.split(unescape(lines[operation["operationId"]]))
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
        address = next(word for word in words if word.startswith("$HOST")).removeprefix("$HOST").partition("?")[0]
        path = re.sub(r"{(\w+)}", lambda found: f"${found[1].upper()}", name.split()[1].replace("{emoji}", THUMB))
        assert (method, address) == (name.split()[0], path)
        assert ("Authorization: Bearer $TOKEN" in words) == bool(operation["security"][0]), name
        assert ("-d" in words) == ("requestBody" in operation), name
        if "-d" in words:
            assert "Content-Type: application/json" in words
            body = json.loads(words[words.index("-d") + 1])
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator(schema | {"components": document()["components"]}).validate(body)
            assert set(body) <= set(schema["properties"]), name


def test_the_examples_of_its_parts_are_what_they_say() -> None:
    for name, part in document()["components"]["schemas"].items():
        for example in part.get("examples", []):
            whole = part | {"components": document()["components"]}
            jsonschema.Draft202012Validator(whole).validate(example)
            assert set(example) == set(part["properties"]), name


async def test_who_is_told_can_check_it_as_the_page_says(world: World) -> None:
    page = str((await world.rest(None, "GET", "/api/docs/")).body)
    (code,) = blocks(page, "python")
    known: dict[str, Any] = {}
    exec(code, known)
    secret, body = new_secret(b"k" * 32), b'{"eventId": "e"}'
    headers = signed(secret, message_id="e", seconds=int(time.time()), body=body)
    assert known["is_ours"](secret, headers, body)
    assert not known["is_ours"](secret, headers, body + b" ")
    assert not known["is_ours"](secret, signed(secret, message_id="e", seconds=1, body=body), body)


def test_the_payload_of_each_event_is_described() -> None:
    hooks = document()["webhooks"]
    assert set(hooks) == set(EVENTS)
    schema = hooks[EXAMPLE["eventType"]]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator(schema | {"components": document()["components"]}).validate(EXAMPLE)
    sent = document()["components"]["schemas"]["event.MessageSent"]["properties"]
    assert "unmaskedDigest" not in sent
    assert EXAMPLE["payload"].keys() <= sent.keys()


async def test_the_page_says_what_each_code_asks_for(world: World) -> None:
    page = str((await world.rest(None, "GET", "/api/docs/")).body)
    for name, code in CODES.items():
        row = page[page.index(f'id="code.{name}"') :].partition("</tr>")[0]
        assert str(code.status) in row
        assert code.then.replace("`", "") in unescape(re.sub("<[^>]+>", "", row))


async def test_what_is_asked_in_the_wrong_way_is_told_so(world: World) -> None:
    wrong = await world.rest("ada", "PUT", "/api/chats", {})
    assert (wrong.status, wrong.body["code"]) == (405, "unknown_type")
    assert wrong.body["title"] == "This address does not take this method."
    async with httpx.AsyncClient(base_url=world.server.url, verify=NO_TLS) as client:
        form = await client.post("/api/hooks/2f4c3f0e-6d53-4c0e-9d1d-0a3f3f6f6c01/x", data={"content": "hello"})
    assert form.status_code == 415
    assert "x-www-form-urlencoded" in form.json()["detail"]
    assert "Content-Type: application/json" in form.json()["detail"]


def test_each_operation_says_what_a_token_needs() -> None:
    said = {operation["operationId"]: operation["description"] for _, operation in described()}
    for name, scope in {
        "send_message": "messages:write",
        "messages": "messages:read",
        "make_chat": "chats:write",
        "flag_message": "flag",
        "ws_ticket": "connect",
        "events": "connect",
        "me": "people:read",
    }.items():
        assert f"An API token needs the scope `{scope}`." in said[name]
    for name in ("make_bot", "make_bot_token", "change_me", "make_webhook", "sign_out"):
        assert "No API token may do this" in said[name]
    for name in ("sign_in", "server", "post_to_webhook"):
        assert "API token" not in said[name]


def test_every_summary_names_what_it_is_about() -> None:
    for name, operation in described():
        assert not re.match(r"(\w+ ){1,2}(it|one)\.|Those\b", operation["summary"]), name


async def test_what_it_says_of_getting_started_works(staff: Staff) -> None:
    world = staff.world
    # Who makes bots is of a company, as demo1 is.
    await staff.act("add_to_company", await world.id("sam"), company=staff.company("Ours"))
    page = str((await world.rest(None, "GET", "/api/docs/")).body)
    people, programs = blocks(page, "shell")
    people = re.sub("HOST=.*", f"HOST={world.server.url}", people).replace("demo1", "sam")
    script = f"{people}\n{programs}".replace('"demo"', f'"{PASSWORD}"')
    shell = await asyncio.create_subprocess_exec("bash", "-ec", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await shell.communicate()
    assert shell.returncode == 0
    for said in (b"Good morning!", b"SUBSCRIBED", b"Deployed main."):
        assert said in out
    chat = (await world.rest("sam", "GET", "/api/chats")).body["chats"][0]["id"]
    last = [(one["sender"]["name"], one["content"]) for one in await world.history("sam", chat)]
    assert last[1:] == [("Build server", "Build 7 has passed."), ("Deploys", "Deployed main.")]


def test_what_nobody_can_guess_is_explained() -> None:
    parts = document()["components"]["schemas"]
    for part, names in {
        "Chat": ("version", "pos", "epoch", "mode", "permissions", "chat_type"),
        "Message": ("version", "pos", "nonce", "mentions"),
    }.items():
        for name in names:
            assert parts[part]["properties"][name]["description"], name
    page = operation_of("messages")["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert all(page[name]["description"] for name in ("complete", "next_before", "has_before", "pos"))
    assert "enum" in parts["Chat"]["properties"]["mode"]


def operation_of(name: str) -> dict[str, Any]:
    """The operation of an id."""
    return next(operation for _, operation in described() if operation["operationId"] == name)


async def test_it_can_be_read(world: World) -> None:
    assert (await world.rest(None, "GET", "/api/schema/")).body == document()
    page = await world.rest(None, "GET", "/api/docs/")
    assert page.headers["content-type"].startswith("text/html")
    for name, _ in described():
        assert "</b> ".join(name.split()) in str(page.body)
    assert "<script" not in str(page.body)
    assert (await world.rest(None, "GET", "/static/chatsite/docs.css")).status == 200
