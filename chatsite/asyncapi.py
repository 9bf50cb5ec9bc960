"""AsyncAPI of the WebSocket: the document, made from the frames themselves, and a page to read it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.gateway import told
from chatsite.gateway.consumer import SUBPROTOCOL, VERSION
from chatsite.gateway.registry import frames
from chatsite.kernel.openapi import Schema

_CHANNEL = {"$ref": "#/channels/chat"}
DESCRIPTION = (
    "One WebSocket of JSON frames. A client opens it with a ticket, as the subprotocol `ticket.<ticket>` beside"
    f" `{SUBPROTOCOL}`, or signs in by AUTH. A frame with a ref is answered by one frame with it: what the operation"
    " names, or ERROR. What stands in a stream has epoch, pos and prev: a client that has everything up to prev takes"
    " it, one that lacks something asks again by SUBSCRIBE from its cursor. Unknown types and fields are to be ignored."
)


@cache
def document() -> dict[str, Any]:
    """AsyncAPI 3.0 of the WebSocket, made once a process."""
    messages: dict[str, Schema] = {}
    operations: dict[str, Schema] = {}
    for type_, struct in sorted(frames.types.items()):
        name = f"client.{type_}"
        messages[name] = _message(type_, told.summary_of(struct), told.schema_of(struct))
        operations[type_] = {
            "action": "receive",
            "summary": told.summary_of(struct),
            "channel": _CHANNEL,
            "messages": [_in_channel(name)],
        }
        if (answer := told.answers.get(type_)) is not None:
            messages[f"answer.{type_}"] = _message(answer.type, answer.summary, answer.schema)
            replies = [_in_channel(f"answer.{type_}"), _in_channel("server.ERROR")]
            operations[type_]["reply"] = {"channel": _CHANNEL, "messages": replies}
    for type_ in sorted({one.type for one in told.told}):
        kinds = [one for one in told.told if one.type == type_]
        schema = kinds[0].schema if len(kinds) == 1 else {"anyOf": [one.schema for one in kinds]}
        messages[f"server.{type_}"] = _message(type_, " ".join(one.summary for one in kinds), schema)
    spoken = [_in_channel(name) for name in messages if name.startswith("server.")]
    operations["told"] = {
        "action": "send",
        "summary": "What the server tells.",
        "channel": _CHANNEL,
        "messages": spoken,
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "chatsite", "version": VERSION, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "chat": {
                "address": "/ws/chat/",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(told.parts.items()))},
    }


def _message(type_: str, summary: str, schema: Schema) -> Schema:
    return {"name": type_, "summary": summary, "payload": schema}


def _in_channel(name: str) -> Schema:
    return {"$ref": f"#/channels/chat/messages/{name}"}


class FramesView(APIView):
    """The document."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """AsyncAPI 3.0 as JSON."""
        return Response(document())


def docs(request: HttpRequest) -> HttpResponse:
    """The document as a page of plain HTML."""
    messages = document()["components"]["messages"]
    spoken = [{"key": name, **one} for name, one in messages.items() if name.startswith("server.")]
    asked = [
        {"message": messages[f"client.{type_}"], "answer": messages.get(f"answer.{type_}")}
        for type_, one in document()["operations"].items()
        if one["action"] == "receive"
    ]
    return render(request, "chatsite/frames.html", {"document": document(), "asked": asked, "spoken": spoken})
