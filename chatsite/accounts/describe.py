"""What OpenAPI says of people and sign-in."""

import re

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema_view
from rest_framework.permissions import AllowAny

from chatsite.accounts.api_tokens import SCOPES
from chatsite.accounts.permissions import needed
from chatsite.kernel.openapi import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Schema,
    many,
    nullable,
    operation,
    part,
    query,
    shape,
)


class BearerScheme(OpenApiAuthenticationExtension):
    """How a request says whose it is."""

    target_class = "chatsite.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        """An access token of POST /api/auth/token, or an API token."""
        return {"type": "http", "scheme": "bearer"}


class Described(AutoSchema):
    """What is said of each operation beside what its view says: the scope that an API token needs for it."""

    def get_summary(self) -> str:
        """The first sentence of what the method says of itself, without what is said after it."""
        said = super().get_description().partition("\n")[0]
        return re.split(r"[;:.](?: |$)", said)[0] + "."

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular asks it without arguments
        """What the method says of itself, and the scope."""
        said = super().get_description()
        if AllowAny in self.view.permission_classes:
            return said
        return f"{said}\n\n{self._scope()}"

    def _scope(self) -> str:
        scope = needed(self.method, getattr(self.view, "scope", None))
        if scope not in SCOPES:
            return "No API token may do this, only who has signed in."
        return f"An API token needs the scope `{scope}`."


ADA = {
    "id": "7d5b1c1e-9a0e-4a51-8f5e-0e6f0f6a1b11",
    "username": "ada",
    "name": "Ada Almond",
    "avatar": None,
    "is_bot": False,
}
_PERSON: Schema = {"id": UUID, "username": TEXT, "name": TEXT, "avatar": nullable(TEXT), "is_bot": FLAG}
PERSON = part("Person", shape(_PERSON, example=ADA))
# Of somebody whose account is gone the id alone is left.
AUTHOR = part("Author", shape(_PERSON | {"username": nullable(TEXT), "name": nullable(TEXT)}, example=ADA))
TOKENS = shape(
    {"access": TEXT, "refresh": TEXT, "expires_in": NUMBER},
    optional=["refresh"],
    example={"access": "eyJ...", "refresh": "eyJ...", "expires_in": 600},
)
COMPANY = shape({"id": UUID, "name": TEXT})
ME = shape(
    _PERSON
    | {
        "email": TEXT,
        "companies": many(COMPANY),
        "preferences": {"type": "object"},
        "shows_reads": FLAG,
        "is_staff": FLAG,
    }
)
SESSION = shape(
    {
        "id": UUID,
        "user_agent": TEXT,
        "address": nullable(TEXT),
        "created_at": MOMENT,
        "used_at": MOMENT,
        "current": FLAG,
    }
)

token = extend_schema_view(
    post=operation(
        "sign_in",
        {200: TOKENS},
        body=shape(
            {"username": TEXT, "password": TEXT, "cookie": FLAG},
            optional=["cookie"],
            example={"username": "demo1", "password": "demo"},
        ),
        errors=["unauthenticated"],
        is_public=True,
    )
)
refresh = extend_schema_view(
    post=operation(
        "renew",
        {200: TOKENS},
        body=shape({"refresh": TEXT, "cookie": FLAG}, optional=["refresh", "cookie"], example={"refresh": "eyJ..."}),
        errors=["unauthenticated", "token_expired", "forbidden"],
        is_public=True,
    )
)
logout = extend_schema_view(post=operation("sign_out", {204: None}))
ticket = extend_schema_view(
    post=operation("ws_ticket", {201: shape({"ticket": TEXT, "expires_in": NUMBER})}, errors=["forbidden"])
)
_PROFILE: Schema = {
    "name": TEXT,
    "avatar": nullable(TEXT),
    "email": nullable(TEXT),
    "password": TEXT,
    "preferences": {"type": "object"},
    "shows_reads": FLAG,
}
me = extend_schema_view(
    get=operation("me", {200: ME}),
    patch=operation(
        "change_me",
        {200: ME},
        body=shape(_PROFILE, optional=list(_PROFILE), example={"name": "Ada Almond", "shows_reads": True}),
        errors=["conflict"],
    ),
)
password = extend_schema_view(
    post=operation(
        "change_password",
        {204: None},
        body=shape({"old": TEXT, "new": TEXT}, example={"old": "demo", "new": "a longer one"}),
        errors=["forbidden"],
    )
)
reset = extend_schema_view(
    post=operation(
        "ask_for_password_reset",
        {202: shape({})},
        body=shape({"email": TEXT, "username": TEXT}, optional=["email", "username"], example={"username": "ada"}),
        is_public=True,
    )
)
reset_confirm = extend_schema_view(
    post=operation(
        "reset_password",
        {204: None},
        body=shape({"token": TEXT, "password": TEXT}, example={"token": "of the link", "password": "a longer one"}),
        errors=["not_found"],
        is_public=True,
    )
)
sessions = extend_schema_view(get=operation("sessions", {200: shape({"sessions": many(SESSION)})}))
session = extend_schema_view(delete=operation("end_session", {204: None}, errors=["not_found"]))
users = extend_schema_view(
    get=operation(
        "users", {200: shape({"users": many(PERSON)})}, parameters=[query("q", TEXT, "part of a name or username")]
    )
)
user = extend_schema_view(get=operation("user", {200: PERSON}, errors=["not_found"]))
KEY = shape({"kty": TEXT, "crv": TEXT, "alg": TEXT, "use": TEXT, "kid": TEXT, "x": TEXT})
keys = extend_schema_view(get=operation("keys", {200: shape({"keys": many(KEY)})}, is_public=True))
server = extend_schema_view(
    get=operation(
        "server",
        {
            200: shape(
                {
                    "version": TEXT | {"description": "of this interface"},
                    "features": many(TEXT),
                    "limits": {"type": "object", "additionalProperties": NUMBER},
                }
            )
        },
        is_public=True,
    )
)
