"""REST of outgoing webhooks: addresses that are told of what happens in a chat."""

from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse
from chat.commands import webhooks as commands
from chat.models import Webhook, WebhookDelivery
from chat.policy import Action
from chat.queries import webhooks as queries
from chat.queries.access import require_action
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import read_id
from chatsite.kernel.openapi import (
    FLAG,
    IDEMPOTENCY_KEY,
    MOMENT,
    NUMBER,
    TEXT,
    Schema,
    many,
    nullable,
    operation,
    query,
    shape,
)
from chatsite.kernel.openapi import UUID as ID

_EVENT: Schema = {"type": "string", "enum": list(commands.EVENTS)}
_WEBHOOK: Schema = {
    "id": ID,
    "chat_id": ID,
    "url": TEXT,
    "events": many(_EVENT),
    "is_active": FLAG,
    "ended_why": TEXT,
    "failing_since": nullable(MOMENT),
    "created_by": nullable(ID),
    "created_at": MOMENT,
}
_DELIVERY = shape(
    {
        "id": TEXT,
        "event_id": ID,
        "event_type": _EVENT,
        "attempts": NUMBER | {"description": "how often it was tried"},
        "status": nullable(NUMBER) | {"description": "of the last answer; null where there was none"},
        "error": TEXT | {"description": "why there was no answer at the last try"},
        "created_at": MOMENT,
        "delivered_at": nullable(MOMENT) | {"description": "when it was taken; null while it waits"},
    }
)
_REFUSED = ("forbidden", "not_found", "conflict")


@extend_schema_view(
    get=operation("outgoing_webhooks", {200: shape({"webhooks": many(shape(_WEBHOOK))})}, errors=_REFUSED),
    post=operation(
        "make_outgoing_webhook",
        {201: shape(_WEBHOOK | {"secret": nullable(TEXT)})},
        body=shape(
            {"url": TEXT, "events": many(_EVENT)},
            example={"url": "https://ci.example.org/chat", "events": ["chat.message.sent.v1"]},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=[*_REFUSED, "archived", "idempotency_reused"],
    ),
)
class OutgoingView(APIView):
    """The outgoing webhooks of a chat."""

    def get(self, request: Request, chat_id: str) -> Response:
        """The outgoing webhooks of a chat, for who manages its people."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.MANAGE_PEOPLE)
        return Response({"webhooks": [_shape(one) for one in queries.told_of(chat)]})

    def post(self, request: Request, chat_id: str) -> Response:
        """Make an outgoing webhook: an address that is told of what happens in the chat from now on.

        `secret`, which what it is told is signed with, is shown in this answer alone. What is sent, how it is signed
        and when it is tried again is said at /api/docs/#outgoing.
        """
        by, body = viewer(request), body_of(request)
        if not isinstance(events := body.get("events"), list):
            raise Invalid("expected a list.", field="events")
        shown: list[str] = []

        def make() -> dict[str, Any]:
            url = text_field(body, "url", limit=2_000)
            made = commands.subscribe(parse.path_uuid(chat_id), url=url, events=events, by=by)
            shown.append(made.secret)
            return _shape(made)

        made = once(by.id, key_of(request), make)
        require_action(parse.path_uuid(chat_id), by, Action.MANAGE_PEOPLE)
        return Response(made | {"secret": shown[0] if shown else None}, status=201)


@extend_schema_view(
    delete=operation("delete_outgoing_webhook", {204: None}, errors=_REFUSED),
)
class OneOutgoingView(APIView):
    """One of them."""

    def delete(self, request: Request, chat_id: str, webhook_id: str) -> Response:
        """End an outgoing webhook, with what waits for its address."""
        commands.unsubscribe(parse.path_uuid(chat_id), parse.path_uuid(webhook_id), by=viewer(request))
        return Response(status=204)


@extend_schema_view(post=operation("resume_outgoing_webhook", {200: shape(_WEBHOOK)}, errors=_REFUSED))
class ResumeView(APIView):
    """One that was stopped."""

    def post(self, request: Request, chat_id: str, webhook_id: str) -> Response:
        """Let an outgoing webhook that was stopped go on, from what waits for it."""
        found = commands.turn_on(parse.path_uuid(chat_id), parse.path_uuid(webhook_id), by=viewer(request))
        return Response(_shape(found))


@extend_schema_view(
    get=operation(
        "webhook_deliveries",
        {200: shape({"deliveries": many(_DELIVERY), "next": nullable(TEXT)})},
        parameters=[query("before", TEXT, "the `next` of the page before")],
        errors=[*_REFUSED, "invalid_field"],
    )
)
class DeliveriesView(APIView):
    """What one was told, and what waits."""

    def get(self, request: Request, chat_id: str, webhook_id: str) -> Response:
        """The deliveries of the last seven days and those that wait, the newest first."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.MANAGE_PEOPLE)
        before = request.query_params.get("before")
        place = read_id(before, "before") if before is not None else None
        found = queries.deliveries(chat, parse.path_uuid(webhook_id), before=place)
        shown = found[: queries.PAGE]
        following = str(shown[-1].id) if len(found) > len(shown) else None
        return Response({"deliveries": [_delivery(one) for one in shown], "next": following})


@extend_schema_view(
    post=operation("replay_delivery", {202: _DELIVERY}, errors=[*_REFUSED, "invalid_field"]),
)
class ReplayView(APIView):
    """One delivery."""

    def post(self, request: Request, chat_id: str, webhook_id: str, delivery_id: str) -> Response:
        """Deliver something once more, under the same id; nothing is told of what was deleted since."""
        chat, webhook = parse.path_uuid(chat_id), parse.path_uuid(webhook_id)
        found = commands.replay(chat, webhook, read_id(delivery_id, "delivery_id"), by=viewer(request))
        return Response(_delivery(found), status=202)


def _shape(webhook: Webhook) -> dict[str, Any]:
    since = webhook.failing_since
    return {
        "id": str(webhook.id),
        "chat_id": str(webhook.chat_id),
        "url": webhook.url,
        "events": webhook.events,
        "is_active": webhook.is_active,
        "ended_why": webhook.ended_why,
        "failing_since": iso(int(since.timestamp() * 1_000)) if since else None,
        "created_by": str(webhook.created_by_id) if webhook.created_by_id else None,
        "created_at": iso(int(webhook.created_at.timestamp() * 1_000)),
    }


def _delivery(one: WebhookDelivery) -> dict[str, Any]:
    at = one.delivered_at
    return {
        "id": str(one.id),
        "event_id": str(one.event_id),
        "event_type": one.event_type,
        "attempts": one.attempts,
        "status": one.status,
        "error": one.error,
        "created_at": iso(int(one.created_at.timestamp() * 1_000)),
        "delivered_at": iso(int(at.timestamp() * 1_000)) if at else None,
    }
