"""What OpenAPI says of presence."""

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from chatsite.kernel.openapi import FLAG, MOMENT, NUMBER, TEXT, UUID, Schema, many, nullable, operation, shape
from presence.policy import MAX_TEXT
from presence.protocol import MAX_WATCHED

TIME: Schema = {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$"}
SHOWN = shape(
    {
        "user_id": TEXT,
        "status": {"type": "string", "enum": ["ONLINE", "AWAY", "DND", "OFFLINE"]},
        "last_seen": nullable(MOMENT),
        "version": NUMBER,
        "text": TEXT,
    }
)
QUIET = shape({"start": TIME, "end": TIME, "time_zone": TEXT})
_CHOICE: Schema = {
    "status": {"type": "string", "enum": ["ONLINE", "AWAY", "DND", "INVISIBLE"]},
    "text": TEXT | {"maxLength": MAX_TEXT},
    "until": nullable(MOMENT),
    "quiet_hours": nullable(QUIET),
    "shows_last_seen": FLAG,
}
OWN = shape(_CHOICE | {"user_id": UUID, "version": NUMBER})
_USERS = OpenApiParameter(
    "user",
    many(TEXT) | {"maxItems": MAX_WATCHED},
    OpenApiParameter.QUERY,
    required=False,
    description="whose presence to tell, again and again",
    explode=True,
)

presence = extend_schema_view(
    get=operation(
        "presence",
        {200: shape({"presence": many(SHOWN)})},
        parameters=[_USERS],
        errors=["invalid_field", "store_unavailable"],
    )
)
own_presence = extend_schema_view(
    get=operation("own_presence", {200: OWN}),
    patch=operation(
        "choose_presence",
        {200: OWN},
        body=shape(_CHOICE, optional=list(_CHOICE), example={"status": "AWAY", "text": "At lunch"}),
    ),
)
