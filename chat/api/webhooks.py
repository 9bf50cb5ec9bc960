"""REST of webhooks: who manages a chat makes them, and whoever has the address posts."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse
from chat.api.describe import ASKED_POLL
from chat.commands import messages
from chat.commands import webhooks as commands
from chat.models import IncomingWebhook
from chat.policy import Action
from chat.queries import webhooks as queries
from chat.queries.access import require_action
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.describe import PERSON
from chatsite.accounts.queries import shape as person
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import ChatId, UserId
from chatsite.kernel.openapi import (
    FLAG,
    IDEMPOTENCY_KEY,
    MESSAGE_ID,
    MOMENT,
    TEXT,
    Schema,
    many,
    nullable,
    operation,
    shape,
)
from chatsite.kernel.openapi import UUID as ID

_WEBHOOK: Schema = {"id": ID, "chat_id": ID, "bot": PERSON, "created_by": nullable(ID), "created_at": MOMENT}
_POSTED = (
    *("forbidden", "not_found", "archived", "nonce_reused", "content_refused"),
    *("log_unavailable", "lagging", "clock_skew", "draining"),
)


@extend_schema_view(
    get=operation("webhooks", {200: shape({"webhooks": many(shape(_WEBHOOK))})}, errors=["forbidden", "not_found"]),
    post=operation(
        "make_webhook",
        {201: shape(_WEBHOOK | {"path": nullable(TEXT)})},
        body=shape({"name": TEXT}, example={"name": "Build server"}),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "conflict", "archived", "idempotency_reused", "clock_skew"],
    ),
)
class WebhooksView(APIView):
    """The incoming webhooks of a chat."""

    def get(self, request: Request, chat_id: str) -> Response:
        """The incoming webhooks of a chat, for who manages its people."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.MANAGE_PEOPLE)
        return Response({"webhooks": [_shape(one) for one in queries.of(chat)]})

    def post(self, request: Request, chat_id: str) -> Response:
        """Make an incoming webhook; `path` is its address on this server, shown in this answer alone."""
        by, name = viewer(request), text_field(body_of(request), "name")
        shown: list[str] = []

        def make() -> dict[str, Any]:
            webhook, secret = commands.make(parse.path_uuid(chat_id), name=name, by=by)
            shown.append(f"/api/hooks/{webhook.id}/{secret}")
            return _shape(webhook)

        made = once(by.id, key_of(request), make)
        require_action(parse.path_uuid(chat_id), by, Action.MANAGE_PEOPLE)
        return Response(made | {"path": shown[0] if shown else None}, status=201)


@extend_schema_view(
    delete=operation("delete_webhook", {204: None}, errors=["forbidden", "not_found", "conflict", "clock_skew"])
)
class WebhookView(APIView):
    """One of them."""

    def delete(self, request: Request, chat_id: str, webhook_id: str) -> Response:
        """End an incoming webhook; what it said stays."""
        commands.delete(parse.path_uuid(chat_id), parse.path_uuid(webhook_id), by=viewer(request))
        return Response(status=204)


@extend_schema_view(
    post=operation(
        "post_to_webhook",
        {201: shape({"id": MESSAGE_ID}), 200: shape({"id": MESSAGE_ID})},
        body=shape(
            {"content": TEXT, "text": TEXT, "nonce": TEXT, "important": FLAG, "poll": ASKED_POLL},
            optional=["content", "text", "nonce", "important", "poll"],
            example={"content": "Build 7 has passed."},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=_POSTED,
        is_public=True,
    )
)
class HookView(APIView):
    """The address of a webhook."""

    permission_classes = [AllowAny]
    authentication_classes = []

    def post(self, request: Request, webhook_id: UUID, secret: str) -> Response:
        """Say something by a webhook: `content`, or `text` as other products call it; a repeated nonce answers 200.

        The body is JSON and its Content-Type application/json: a form, as `curl -d` sends it without that header, is
        refused with 415. `$SECRET` and `$WEBHOOK_ID` are in the `path` that making the webhook answered.
        """
        body = body_of(request)
        content = parse.optional_text(body, "content") or parse.optional_text(body, "text")
        if not content:
            raise Invalid("expected a string that is not empty.", field="content")
        webhook = commands.require(webhook_id, secret)
        important = parse.flag_field(body, "important")
        draft = messages.Draft(
            content,
            nonce=parse.nonce_of(request),
            retry=True,
            important=important,
            poll=parse.poll_field(body),
        )
        sent = async_to_sync(messages.send)(ChatId(webhook.chat_id), draft, sender=UserId(webhook.bot_id))
        return Response({"id": str(sent.message_id)}, status=200 if sent.repeated else 201)


def _shape(webhook: IncomingWebhook) -> dict[str, Any]:
    return {
        "id": str(webhook.id),
        "chat_id": str(webhook.chat_id),
        "bot": person(webhook.bot),
        "created_by": str(webhook.created_by_id) if webhook.created_by_id else None,
        "created_at": iso(int(webhook.created_at.timestamp() * 1_000)),
    }
