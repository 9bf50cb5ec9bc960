"""REST of the browsers that are told of what is new while no window is open."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema_view
from httpx import URL
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.commands import notifying as commands
from chat.models import PushSubscription
from chat.notifiers import Address, notifier
from chat.queries.push import standing
from chatsite.accounts.api import body_of, text_field, token_of, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
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
    shape,
)
from chatsite.kernel.openapi import UUID as ID

_SUBSCRIPTION: Schema = {"id": ID, "host": TEXT, "texts": FLAG, "created_at": MOMENT}
_KEYS: Schema = {"p256dh": TEXT, "auth": TEXT}
_EXAMPLE = {
    "endpoint": "https://push.example.org/send/a-long-secret",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}


@extend_schema_view(
    get=operation(
        "push_subscriptions",
        {200: shape({"key": nullable(TEXT), "subscriptions": many(shape(_SUBSCRIPTION))})},
    ),
    post=operation(
        "make_push_subscription",
        {201: shape(_SUBSCRIPTION)},
        body=shape({"endpoint": TEXT, "keys": shape(_KEYS), "texts": FLAG}, optional=["texts"], example=_EXAMPLE),
        parameters=[IDEMPOTENCY_KEY],
        errors=["conflict", "idempotency_reused", "not_supported"],
    ),
)
class PushSubscriptionsView(APIView):
    """The browsers of one's own that are told."""

    def get(self, request: Request) -> Response:
        """The browsers that are told, and the `key` that a browser subscribes with; null where it is switched off."""
        rows = standing().filter(user=viewer(request)).order_by("created_at")
        return Response({"key": notifier().key, "subscriptions": [_shape(row) for row in rows]})

    def post(self, request: Request) -> Response:
        """Have a browser told, as its PushSubscription says, while it is signed in; 10 at most.

        `texts` false leaves out what messages say.
        """
        by, body = viewer(request), body_of(request)
        sign_in = token_of(request).sign_in_id
        has_texts = body.get("texts", True)
        if not isinstance(has_texts, bool):
            raise Invalid("expected true or false.", field="texts")
        if not isinstance(keys := body.get("keys"), dict):
            raise Invalid("expected an object.", field="keys")

        def make() -> dict[str, Any]:
            address = Address(
                text_field(body, "endpoint", limit=commands.MAX_ENDPOINT),
                text_field(keys, "p256dh", limit=100),
                text_field(keys, "auth", limit=32),
            )
            return _shape(commands.subscribe(address, user=by, sign_in=sign_in, has_texts=has_texts))

        return Response(once(by.id, key_of(request), make), status=201)


@extend_schema_view(delete=operation("drop_push_subscription", {204: None}, errors=["not_found"]))
class PushSubscriptionView(APIView):
    """One of them."""

    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """Have a browser told nothing any more."""
        commands.unsubscribe(subscription_id, user=viewer(request))
        return Response(status=204)


@extend_schema_view(
    post=operation(
        "try_push_subscription",
        {200: shape({"status": nullable(NUMBER), "error": TEXT})},
        errors=["not_found", "not_supported"],
    )
)
class TryPushView(APIView):
    """A test of one."""

    waits_elsewhere = True  # for its push service

    def post(self, request: Request, subscription_id: UUID) -> Response:
        """Tell a browser at once that it is told; what its push service answered, or why it did not."""
        status, error = async_to_sync(commands.send_test)(subscription_id, user=viewer(request))
        return Response({"status": status, "error": error})


def _shape(row: PushSubscription) -> dict[str, Any]:
    # Its address is a secret between us and its push service.
    created = iso(int(row.created_at.timestamp() * 1_000))
    return {"id": str(row.id), "host": URL(row.endpoint).host, "texts": row.has_texts, "created_at": created}
