"""OpenAPI of the REST interface: the document, and a page to read it."""

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.hooked import EXAMPLE
from chat.commands.delivering import GIVE_UP
from chat.projections.webhooks import MOST_WAITING
from chatsite.accounts.api_tokens import SCOPES
from chatsite.kernel import outbound
from chatsite.kernel.errors import CODES
from chatsite.kernel.openapi import OBJECT, PROBLEM, TEXT, Schema
from chatsite.shown import curl, json_of, name_of, prose, rows, type_of

# What operations are about, by the beginning of their address; the first that fits.
ABOUT = (
    ("Signing in", "/api/(auth|me/(sessions|password))"),
    ("Programs and bots", "/api/(me/tokens|me/commands|bots|invocations|chats/{chat_id}/commands)"),
    ("Webhooks", "/api/(hooks|chats/{chat_id}/(outgoing-)?webhooks)"),
    ("Presence", "/api/(presence|me/presence)"),
    ("Notifications", "/api/(me/(push|mail)|chats/{chat_id}/notifications)"),
    (
        "Reminders, drafts and templates",
        "/api/(me/(reminders|scheduled|drafts)|templates|.*/(reminders|scheduled|draft)$)",
    ),
    ("Participants and invites", "/api/(invites|chats/{chat_id}/(participants|invites|bans|join|leave))"),
    ("Polls", "/api/chats/{chat_id}/polls"),
    ("Threads", "/api/(me/threads|.*/thread(/|$))"),
    ("Reading and acknowledging", "/api/(me/acknowledgements|.*/(read|read-positions|unread/why|acknowledgements?)$)"),
    ("Reactions, pins and stars", "/api/(me/stars|.*/(reactions|pins|stars?)(/|$))"),
    ("Messages", "/api/(search|chats/{chat_id}/messages)"),
    ("Chats and folders", "/api/(chats|me/folders|receipts)"),
    ("People", "/api/(me$|users|user-groups)"),
    ("Events and the server", "/api/(events|server)"),
)
ORDER = (
    "Signing in", "Chats and folders", "Participants and invites", "Messages", "Events and the server",
    "Reactions, pins and stars", "Reading and acknowledging", "Threads", "Polls", "Reminders, drafts and templates",
    "People", "Presence", "Notifications", "Programs and bots", "Webhooks",
)  # fmt: skip


def add_tags(result: Schema, **_: Any) -> Schema:
    """The document with its operations in groups."""
    for path, methods in result["paths"].items():
        for operation in methods.values():
            operation["tags"] = [next(name for name, begin in ABOUT if re.match(begin, path))]
    result["tags"] = [{"name": name} for name in ORDER]
    return result


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1 of every API view, made once a process."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


class SchemaView(APIView):
    """The document."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """OpenAPI 3.1 as JSON."""
        return Response(document())


def docs(request: HttpRequest) -> HttpResponse:
    """The document as a page: plain HTML, so that the policy of scripts stays as strict as it is."""
    return render(request, "chatsite/docs.html", {"document": document(), **_shown()})


@cache
def _shown() -> dict[str, Any]:
    """What the page shows of the document, made once a process."""
    operations = [
        _operation(method.upper(), path, described)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    ]
    told_apart = {_payload_of(one) for one in document()["webhooks"].values()}
    parts = [
        {"name": name, "rows": rows(schema), "example": _example(schema)}
        for name, schema in document()["components"]["schemas"].items()
        if name not in told_apart
    ]
    groups = [{"name": name, "operations": [one for one in operations if one["tags"] == [name]]} for name in ORDER]
    return {
        "groups": groups,
        "parts": parts,
        "codes": {name: (code, prose(code.then)) for name, code in CODES.items()},
        "scopes": SCOPES,
        "minutes": settings.TOKENS["ACCESS_SECONDS"] // 60,
        **_hooked(),
    }


def _hooked() -> dict[str, Any]:
    """What outgoing webhooks are told."""
    schemas, events = document()["components"]["schemas"], []
    for name, one in document()["webhooks"].items():
        events.append({"name": name, "summary": one["post"]["summary"], "rows": rows(schemas[_payload_of(one)])})
    envelope = _envelope_of(one)  # They differ in what is said of the type and the payload alone.
    return {
        "events": events,
        "envelope": EXAMPLE,
        "envelope_rows": rows(
            {**envelope, "properties": envelope["properties"] | {"eventType": TEXT, "payload": OBJECT}}
        ),
        "example": json_of(EXAMPLE),
        "seconds": int(outbound.SECONDS),
        "days": GIVE_UP.days,
        "waiting": MOST_WAITING,
    }


def _envelope_of(hook: Schema) -> Schema:
    schema: Schema = hook["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _payload_of(hook: Schema) -> str:
    """The part that the payload of a webhook is."""
    return name_of(_envelope_of(hook)["properties"]["payload"])


def _operation(method: str, path: str, described: Schema) -> Schema:
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    asked = [one for one in described.get("parameters", []) if "examples" in one["schema"]]
    query = "&".join(f"{one['name']}={one['schema']['examples'][0]}" for one in asked)
    return {
        **described,
        "description": prose(described["description"]),
        "summary": prose(described["summary"]),
        "method": method,
        "path": path,
        "curl": curl(
            method,
            path,
            has_token=bool(described["security"][0]),
            body=body["examples"][0] if body else None,
            query=f"?{query}" if query else "",
        ),
        "parameters": [
            {**one, "type": type_of(one["schema"]), "description": prose(one.get("description", ""))}
            for one in described.get("parameters", [])
        ],
        "body": {"rows": rows(body), "example": _example(body)} if body else None,
        "answers": [_answer(status, one) for status, one in described["responses"].items() if status < "300"],
        "refused": [
            {"status": status, "said": one["content"][PROBLEM]["schema"]["description"]}
            for status, one in described["responses"].items()
            if status >= "300"
        ],
    }


def _answer(status: str, answer: Schema) -> Schema:
    if "content" not in answer:
        return {"status": status}
    schema = answer["content"]["application/json"]["schema"]
    return {"status": status, "type": type_of(schema), "rows": rows(schema)}


def _example(schema: Schema) -> str | None:
    return json_of(schema["examples"][0]) if "examples" in schema else None
