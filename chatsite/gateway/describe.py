"""What OpenAPI says of the long poll."""

from drf_spectacular.utils import extend_schema_view

from chatsite.gateway.longpoll import MAX_SECONDS
from chatsite.gateway.protocol import MAX_ROOMS_A_SUBSCRIBE
from chatsite.gateway.told import ROOM
from chatsite.kernel.openapi import FLAG, NUMBER, TEXT, Schema, many, nullable, operation, shape

CURSOR = shape({"epoch": TEXT, "pos": NUMBER})
ROOMS: Schema = {
    "type": "object",
    "additionalProperties": nullable(CURSOR),
    "maxProperties": MAX_ROOMS_A_SUBSCRIBE,
    "description": "cursors by chat, or by one's own id for what concerns oneself alone; null asks for the present one",
}
FRAME: Schema = {
    "type": "object",
    "properties": {"type": {"type": "string", "enum": ["SUBSCRIBED", "RESYNC", "ERROR"]}, "roomId": TEXT},
    "required": ["type", "roomId"],
    "description": "what the WebSocket answers a SUBSCRIBE of this chat and cursor",
}

events = extend_schema_view(
    post=operation(
        "events",
        {200: shape({"frames": many(FRAME), "rooms": ROOMS, "more": FLAG})},
        body=shape(
            {"rooms": ROOMS, "wait": {"type": "number", "minimum": 0, "maximum": MAX_SECONDS, "default": MAX_SECONDS}},
            optional=["wait"],
            example={"rooms": {ROOM: {"epoch": "b0c1", "pos": 1_099_511_627_781}}, "wait": MAX_SECONDS},
        ),
        errors=["too_many_connections", "draining", "store_unavailable"],
    )
)
