"""REST of API tokens and bots; only who has signed in gets here, no token makes another."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.accounts import api_tokens, queries
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.commands import api_tokens as commands
from chatsite.accounts.commands import bots
from chatsite.accounts.describe import PERSON
from chatsite.accounts.models import ApiToken, User
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.openapi import IDEMPOTENCY_KEY, MOMENT, NUMBER, TEXT, Schema, many, nullable, operation, shape
from chatsite.kernel.openapi import UUID as ID

_SCOPE: Schema = {"type": "string", "enum": list(api_tokens.SCOPES)}
_TOKEN: Schema = {
    "id": ID,
    "name": TEXT,
    "scopes": many(_SCOPE),
    "created_at": MOMENT,
    "expires_at": MOMENT,
    "used_at": MOMENT,
}
_LISTED = shape({"tokens": many(shape(_TOKEN))})
_NEW = shape(
    {"name": TEXT, "scopes": many(_SCOPE), "expires_in_days": NUMBER},
    optional=["expires_in_days"],
    example={"name": "Build server", "scopes": ["messages:write"], "expires_in_days": 90},
)
_MADE = shape(_TOKEN | {"token": nullable(TEXT)})  # null where the request was repeated: it is shown once
_MAKING = ("conflict", "idempotency_reused")
DAYS = 90


class _Tokens(APIView):
    """The tokens of somebody."""

    def list_of(self, user: User) -> Response:
        """Those that stand, the newest first."""
        found = queries.api_tokens(user.id, now=datetime.now(UTC))
        return Response({"tokens": [_shape(one) for one in found]})

    def make_for(self, request: Request, user: User) -> Response:
        """A new one, which is shown in this answer alone."""
        body, by = body_of(request), viewer(request)
        days, scopes = body.get("expires_in_days", DAYS), body.get("scopes")
        if not isinstance(days, int) or isinstance(days, bool):
            raise Invalid("expected a number of days.", field="expires_in_days")
        if not isinstance(scopes, list):
            raise Invalid("expected a list.", field="scopes")
        shown: list[str] = []

        def make() -> dict[str, Any]:
            token, text = commands.make(user.id, name=text_field(body, "name"), scopes=scopes, days=days, by=by.id)
            shown.append(text)
            return _shape(token)

        made = once(by.id, key_of(request), make)
        return Response(made | {"token": shown[0] if shown else None}, status=201)


@extend_schema_view(
    get=operation("api_tokens", {200: _LISTED}),
    post=operation("make_api_token", {201: _MADE}, body=_NEW, parameters=[IDEMPOTENCY_KEY], errors=_MAKING),
)
class ApiTokensView(_Tokens):
    """One's own API tokens."""

    def get(self, request: Request) -> Response:
        """One's API tokens that stand, the newest first."""
        return self.list_of(viewer(request))

    def post(self, request: Request) -> Response:
        """Make a token of one's own: a program that shows it acts as oneself, as far as its scopes go."""
        return self.make_for(request, viewer(request))


@extend_schema_view(delete=operation("revoke_api_token", {204: None}, errors=["not_found"]))
class ApiTokenView(APIView):
    """One of them."""

    def delete(self, request: Request, token_id: UUID) -> Response:
        """Revoke an API token; its sockets close within a second."""
        commands.revoke(viewer(request).id, token_id, by=viewer(request).id)
        return Response(status=204)


@extend_schema_view(
    get=operation("bots", {200: shape({"bots": many(PERSON)})}, errors=["forbidden"]),
    post=operation(
        "make_bot",
        {201: PERSON},
        body=shape({"username": TEXT, "name": TEXT}, example={"username": "deploys", "name": "Deploys"}),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "idempotency_reused"],
    ),
)
class BotsView(APIView):
    """The bots, for staff."""

    def get(self, request: Request) -> Response:
        """The bots that are not retired."""
        bots.require_staff(viewer(request))
        return Response({"bots": [queries.shape(one) for one in queries.bots()]})

    def post(self, request: Request) -> Response:
        """Make a bot, of the company of who makes it."""
        body, by = body_of(request), viewer(request)

        def make() -> dict[str, Any]:
            return queries.shape(bots.make(text_field(body, "username"), name=text_field(body, "name"), by=by))

        return Response(once(by.id, key_of(request), make), status=201)


@extend_schema_view(delete=operation("retire_bot", {204: None}, errors=["forbidden", "not_found"]))
class BotView(APIView):
    """One bot."""

    def delete(self, request: Request, bot_id: UUID) -> Response:
        """Retire a bot: it does nothing more."""
        bots.retire(bot_id, by=viewer(request))
        return Response(status=204)


@extend_schema_view(
    get=operation("bot_tokens", {200: _LISTED}, errors=["forbidden", "not_found"]),
    post=operation(
        "make_bot_token",
        {201: _MADE},
        body=_NEW,
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", *_MAKING],
    ),
)
class BotTokensView(_Tokens):
    """The API tokens of a bot."""

    def get(self, request: Request, bot_id: UUID) -> Response:
        """The tokens of a bot that stand, the newest first."""
        return self.list_of(bots.require_bot(bot_id, by=viewer(request)))

    def post(self, request: Request, bot_id: UUID) -> Response:
        """Make a token of the bot: a program that shows it acts as the bot, as far as its scopes go.

        A bot hears and speaks in the chats that it is in: who manages the people of a chat, an admin or owner, adds it
        there like anybody else (`add_participant`). To hear anything it needs the scope `connect`.
        """
        return self.make_for(request, bots.require_bot(bot_id, by=viewer(request)))


@extend_schema_view(delete=operation("revoke_bot_token", {204: None}, errors=["forbidden", "not_found"]))
class BotTokenView(APIView):
    """One of them."""

    def delete(self, request: Request, bot_id: UUID, token_id: UUID) -> Response:
        """Revoke a token of a bot; its sockets close within a second."""
        bot = bots.require_bot(bot_id, by=viewer(request))
        commands.revoke(bot.id, token_id, by=viewer(request).id)
        return Response(status=204)


def _shape(token: ApiToken) -> dict[str, Any]:
    moments = {"created_at": token.created_at, "expires_at": token.expires_at, "used_at": token.sign_in.used_at}
    said = {name: iso(int(moment.timestamp() * 1_000)) for name, moment in moments.items()}
    return {"id": str(token.id), "name": token.name, "scopes": token.scopes, **said}
