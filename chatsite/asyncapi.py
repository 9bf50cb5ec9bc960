"""AsyncAPI of the WebSocket: the document, made from the frames themselves, and a page to read it."""

from functools import cache
from typing import Any, Literal, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.gateway import told
from chatsite.gateway.consumer import SUBPROTOCOL, VERSION
from chatsite.gateway.protocol import HEARTBEAT_MS, MAX_CONTENT, MAX_FRAME_BYTES, MAX_UNACKED, CloseCode
from chatsite.gateway.registry import frames
from chatsite.kernel.openapi import Schema, explain
from chatsite.shown import frame_of, prose, rows

_CHANNEL = {"$ref": "#/channels/chat"}
ADDRESS = "/ws/chat/"
DESCRIPTION = (
    f"One WebSocket of JSON frames, at {ADDRESS}. A client opens it with a ticket, as the subprotocol"
    f" `ticket.<ticket>` beside `{SUBPROTOCOL}`, with `Authorization: Bearer <token>`, or signs in by AUTH. A frame"
    " with a ref is answered by one frame with it: what the operation names, or ERROR. What stands in a stream has"
    " epoch, pos and prev: a client that has everything up to prev takes it, one that lacks something asks again by"
    " SUBSCRIBE from its cursor. Unknown types and fields are to be ignored; the server ignores them too."
)


class Closing(NamedTuple):
    """Why the server ends a connection, and what a client does then."""

    code: int
    why: str
    then: str


CLOSINGS = (
    Closing(
        CloseCode.UNAUTHENTICATED,
        "Nobody is signed in: the ERROR before it says why, such as a ticket that is used or 30 s old.",
        "Get a new ticket or token and connect anew.",
    ),
    Closing(
        CloseCode.FORBIDDEN,
        "AUTH brought the ticket or token of another person than the connection's.",
        "Connect anew as that person.",
    ),
    Closing(
        CloseCode.TOO_SLOW,
        "More waited for this client than `outboundBytes` of READY's limits.",
        "Connect anew and SUBSCRIBE from one's cursors: nothing is lost.",
    ),
    Closing(
        CloseCode.TOO_MANY,
        "The person has too many connections.",
        "Close others, or wait as long as `retryAfterMs` of the ERROR before it.",
    ),
    Closing(CloseCode.PROTOCOL_ERROR, "20 frames in a row were none that this server reads.", "Mend the client."),
    Closing(
        CloseCode.REVOKED,
        "The sign-in has ended, or its token has, and no AUTH renewed it.",
        "Renew the token, or sign in again.",
    ),
    Closing(
        CloseCode.DRAINING,
        "The server stops, or what it needs is away.",
        "Connect anew, to any server, after `afterMs` and a random part of `jitterMs` of RECONNECT, or else a second or"
        " two, and SUBSCRIBE from one's cursors.",
    ),
    Closing(1011, "Something broke in the server.", "Connect anew, later and later."),
)


class Line(NamedTuple):
    """What one side said: a client to the server, or the server to a client."""

    way: Literal["→", "←"]
    said: Schema


_ADA, _BEN = "7d5b1c1e-9a0e-4a51-8f5e-0e6f0f6a1b11", "0b6a3c52-8f0e-4f7d-9c53-2f6f2f1f5e77"
_HEARD = {"roomId": told.ROOM, "version": 1_767_513_600_123_000, "messageId": "358913867243520001", "senderId": _BEN}
_SAID = {"attachments": [], "mentions": [], "messageType": "text", "epoch": "b0c1"}
_NEXT = {**_HEARD, "version": 1_767_513_605_007_000, "messageId": "358913887723520002", "senderId": _ADA}
TRANSCRIPT = (
    Line("→", {"type": "AUTH", "ref": "1", "token": "chat_..."}),
    Line(
        "←",
        {
            "type": "READY",
            "ref": "1",
            "connectionId": "5d0f6a",
            "userId": _ADA,
            "heartbeatMs": HEARTBEAT_MS,
            "limits": {"frameBytes": MAX_FRAME_BYTES, "content": MAX_CONTENT, "unackedSends": MAX_UNACKED},
            "serverTime": "2026-01-04T08:00:00.000Z",
            "me": {"epoch": "b0c1", "pos": 40},
            "expiresInMs": 600_000,
            "version": VERSION,
            "features": ["resume", "history"],
        },
    ),
    Line("→", {"type": "SUBSCRIBE", "ref": "2", "rooms": {told.ROOM: {"epoch": "b0c1", "pos": 41}}}),
    Line(
        "←",
        {
            "type": "SUBSCRIBED",
            "ref": "2",
            "roomId": told.ROOM,
            "epoch": "b0c1",
            "pos": 44,
            "mode": "full",
            "recovered": True,
            "events": [
                {
                    "type": "MESSAGE",
                    **_HEARD,
                    "content": "Is anybody there?",
                    "ts": "2026-01-04T07:59:58.123Z",
                    **_SAID,
                    "pos": 44,
                    "prev": 41,
                }
            ],
        },
    ),
    Line("→", {"type": "SEND_MESSAGE", "ref": "3", "roomId": told.ROOM, "content": "Good morning!", "nonce": "b7e1"}),
    Line(
        "←",
        {
            "type": "ACK",
            "ref": "3",
            "nonce": "b7e1",
            "roomId": told.ROOM,
            "messageId": _NEXT["messageId"],
            "ts": "2026-01-04T08:00:05.007Z",
            "epoch": "b0c1",
            "pos": 47,
        },
    ),
    Line(
        "←",
        {
            "type": "MESSAGE",
            **_NEXT,
            "content": "Good morning!",
            "ts": "2026-01-04T08:00:05.007Z",
            "nonce": "b7e1",
            **_SAID,
            "pos": 47,
            "prev": 44,
        },
    ),
)


@cache
def document() -> dict[str, Any]:
    """AsyncAPI 3.0 of the WebSocket, made once a process."""
    messages: dict[str, Schema] = {}
    operations: dict[str, Schema] = {}
    for type_, struct in sorted(frames.types.items()):
        name = f"client.{type_}"
        messages[name] = _message(type_, told.summary_of(struct), told.schema_of(struct))
        if type_ in told.notes:
            messages[name]["description"] = told.notes[type_]
        messages[name]["examples"] = [{"payload": told.examples[type_]}]
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
        summary = (
            "What concerns oneself alone, by its kind." if type_ == "ME" else " ".join(one.summary for one in kinds)
        )
        messages[f"server.{type_}"] = _message(type_, summary, schema)
    spoken = [_in_channel(name) for name in messages if name.startswith("server.")]
    operations["told"] = {
        "action": "send",
        "summary": "What the server tells.",
        "channel": _CHANNEL,
        "messages": spoken,
    }
    made = {
        "asyncapi": "3.0.0",
        "info": {"title": "chatsite", "version": VERSION, "description": DESCRIPTION},
        "servers": {
            "here": {
                "host": "{host}",
                "protocol": "ws",
                "description": "wss where the server is reached over https",
                "variables": {"host": {"default": "localhost:8000", "description": "host and port of the REST API"}},
            }
        },
        "x-close-codes": [one._asdict() for one in CLOSINGS],
        "defaultContentType": "application/json",
        "channels": {
            "chat": {
                "address": ADDRESS,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(told.parts.items()))},
    }
    explain(made)
    return made


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
    return render(request, "chatsite/frames.html", {"document": document(), **_shown()})


@cache
def _shown() -> dict[str, Any]:
    """What the page shows of the document, made once a process."""
    messages = document()["components"]["messages"]
    asked = []
    for type_ in (name for name, one in document()["operations"].items() if one["action"] == "receive"):
        message, answer = messages[f"client.{type_}"], messages.get(f"answer.{type_}")
        asked.append(
            {
                **message,
                "summary": prose(message["summary"]),
                "description": prose(message.get("description", "")),
                "example": frame_of(message["examples"][0]["payload"]),
                "rows": rows(message["payload"]),
                "answer": {**answer, "rows": rows(answer["payload"])} if answer else None,
            }
        )
    return {
        "asked": asked,
        "spoken": [
            {"key": name, **one, "summary": prose(one["summary"]), "kinds": _kinds(one["name"])}
            for name, one in messages.items()
            if name.startswith("server.")
        ],
        "parts": [{"name": name, "rows": rows(one)} for name, one in document()["components"]["schemas"].items()],
        "address": ADDRESS,
        "about": prose(document()["info"]["description"]),
        "closings": [{"code": one.code, "why": prose(one.why), "then": prose(one.then)} for one in CLOSINGS],
        "states": _states(),
        "transcript": [(line.way, frame_of(line.said)) for line in TRANSCRIPT],
    }


def _kinds(type_: str) -> list[dict[str, Any]]:
    """Each kind of a frame of the server; a frame of one kind has no caption."""
    found = [one for one in told.told if one.type == type_]
    return [{"rows": rows(one.schema), "caption": prose(one.summary if len(found) > 1 else "")} for one in found]


def _states() -> list[dict[str, str]]:
    """What is told by ME, by kind: the fields that this kind has, in short."""
    found = []
    for one in told.told:
        if one.type == "ME":
            fields = one.schema["properties"]
            kind = fields["kind"].get("const") or fields["kind"]["enum"][0]
            own = ", ".join(name for name in fields if name not in {"type", "kind", "version", "state", *told.PLACE})
            state = ", ".join(fields.get("state", {}).get("properties", {}))
            found.append({"kind": kind, "summary": prose(one.summary), "state": state, "own": own})
    return found
