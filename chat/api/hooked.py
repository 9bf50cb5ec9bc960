"""What OpenAPI says of what outgoing webhooks are told: the envelope, and the payload of each type of event."""

from typing import Any

import msgspec

from chat.events import HOOKED
from chatsite.kernel.events import Payload
from chatsite.kernel.openapi import MOMENT, NUMBER, TEXT, UUID, Schema, nullable, shape

_PART = "event.{name}"
_HIDDEN = {"MessageSent": ["unmaskedDigest"], "Forwarded": ["roomId", "messageId"]}  # what no webhook is told
_SAID: Schema = {
    "messageId": "358913867243520001",
    "roomId": "2f4c3f0e-6d53-4c0e-9d1d-0a3f3f6f6c01",
    "senderId": "7d5b1c1e-9a0e-4a51-8f5e-0e6f0f6a1b11",
    "content": "Good morning!",
    "sentAt": "2026-01-04T08:00:05.007Z",
    "attachments": [],
    "nonce": "b7e1",
}
SIGNED = (
    "Signed as Standard Webhooks have it: the header `webhook-signature` is `v1,` and the HMAC-SHA256 in base64 of"
    " `webhook-id`, `webhook-timestamp` and the body with a dot between each, by the key that follows `whsec_` in"
    " base64. What is no 2xx comes again later; /api/docs/#outgoing says when, and when it ends."
)
EXAMPLE: Schema = {
    "eventId": "019b8817-8a4f-7c3e-9a53-5d0c2b7f5a10",
    "eventType": "chat.message.sent.v1",
    "aggregateId": _SAID["roomId"],
    "occurredAt": _SAID["sentAt"],
    "version": 1_767_513_605_007_000,
    "region": "local",
    "actorId": _SAID["senderId"],
    "audience": "room",
    "traceparent": None,
    "payload": _SAID,
}


def add_webhooks(result: Schema, **_: Any) -> Schema:
    """The document with what is posted to outgoing webhooks, by the type of event."""
    schemas = {name: _shown(name, schema) for name, schema in _components().items()}
    result["components"].setdefault("schemas", {}).update(
        {_PART.format(name=name): schema for name, schema in schemas.items()}
    )
    result["webhooks"] = {event.event_type: {"post": _posted(event)} for event in HOOKED}
    return result


def _components() -> dict[str, Schema]:
    template = f"#/components/schemas/{_PART}"
    _, components = msgspec.json.schema_components(HOOKED, ref_template=template)
    return components


def _shown(name: str, schema: Schema) -> Schema:
    """A part without what is not told, and without what is said of it to its readers in code."""
    properties = {key: value for key, value in schema["properties"].items() if key not in _HIDDEN.get(name, ())}
    return {key: value for key, value in schema.items() if key != "title"} | {"properties": properties}


def _posted(event: type[Payload]) -> Schema:
    part = _PART.format(name=event.__name__)
    envelope = shape(
        {
            "eventId": UUID | {"description": "the same at each try: what came twice is known by it"},
            "eventType": {"const": event.event_type},
            "aggregateId": UUID | {"description": "the chat"},
            "occurredAt": MOMENT,
            "version": NUMBER,
            "region": TEXT,
            "actorId": nullable(UUID) | {"description": "who did it; null where nobody is to know, or the server did"},
            "audience": {"const": "room"},
            "traceparent": nullable(TEXT),
            "payload": {"$ref": f"#/components/schemas/{part}"},
        },
        example=EXAMPLE if event.event_type == EXAMPLE["eventType"] else None,
    )
    return {
        "summary": (event.__doc__ or "").partition("\n")[0],
        "description": SIGNED,
        "requestBody": {"content": {"application/json": {"schema": envelope}}},
        "responses": {"2XX": {"description": "It is taken."}},
    }
