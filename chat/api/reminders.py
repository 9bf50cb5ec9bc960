"""REST of reminders."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse, shapes
from chat.api.describe import MESSAGE
from chat.commands import reminders as commands
from chat.commands.reminders import Wish
from chat.models import Reminder
from chat.queries import reminders as queries
from chat.queries.messages import require_undeleted
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, viewer
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import UserId, read_id
from chatsite.kernel.openapi import (
    FLAG,
    IDEMPOTENCY_KEY,
    MESSAGE_ID,
    MOMENT,
    NUMBER,
    TEXT,
    Schema,
    many,
    operation,
    shape,
)
from chatsite.kernel.openapi import UUID as ID

_FIELDS: Schema = {
    "id": ID,
    "chat_id": ID,
    "message_id": MESSAGE_ID,
    "note": TEXT,
    "remind_at": MOMENT,
    "is_due": FLAG,
    "version": NUMBER,
}
_WISH: Schema = {"remind_at": MOMENT, "note": TEXT}


@extend_schema_view(
    get=operation(
        "reminders",
        {200: shape({"reminders": many(shape(_FIELDS | {"message": MESSAGE}))})},
        errors=["store_unavailable"],
    )
)
class RemindersView(APIView):
    """What one is to be reminded of."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """One's reminders with their messages, those that are due first; 200 at most."""
        user = viewer(request)
        found = async_to_sync(queries.of)(UserId(user.id))
        states = [state for _, state in found.reminders]
        shown = shapes.messages(states, found.reactions, viewer=str(user.id))
        rows = [_shape(row) for row, _ in found.reminders]
        return Response({"reminders": [row | {"message": one} for row, one in zip(rows, shown, strict=True)]})


@extend_schema_view(
    post=operation(
        "remind",
        {201: shape(_FIELDS)},
        body=shape(_WISH, optional=["note"], example={"remind_at": "2027-01-04T08:00:00Z", "note": "Answer it"}),
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "conflict", "idempotency_reused", "clock_skew", "store_unavailable"],
    )
)
class RemindView(APIView):
    """Being reminded of a message."""

    scope = "messages"

    def post(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Make a reminder: be told of the message again when the time has come."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        wish = _wish(request)

        def make() -> dict[str, Any]:
            async_to_sync(require_undeleted)(chat, message, viewer=UserId(user.id))
            return _shape(commands.make(chat, message, wish, user=user, now=datetime.now(UTC)))

        return Response(once(user.id, key_of(request), make), status=201)


@extend_schema_view(
    patch=operation(
        "change_reminder",
        {200: shape(_FIELDS)},
        body=shape(_WISH, optional=list(_WISH), example={"remind_at": "2027-01-05T08:00:00Z"}),
        errors=["not_found", "clock_skew"],
    ),
    delete=operation("drop_reminder", {204: None}, errors=["not_found", "clock_skew"]),
)
class ReminderView(APIView):
    """One of them."""

    scope = "messages"

    def patch(self, request: Request, reminder_id: UUID) -> Response:
        """Put a reminder off, or note something else."""
        row = commands.change(reminder_id, _wish(request), user=viewer(request), now=datetime.now(UTC))
        return Response(_shape(row))

    def delete(self, request: Request, reminder_id: UUID) -> Response:
        """Drop a reminder."""
        commands.drop(reminder_id, user=viewer(request))
        return Response(status=204)


def _wish(request: Request) -> Wish:
    body = body_of(request)
    return Wish(remind_at=parse.moment_field(body, "remind_at"), note=parse.optional_text(body, "note"))


def _shape(row: Reminder) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "chat_id": str(row.chat_id),
        "message_id": str(row.message_id),
        "note": row.note,
        "remind_at": iso(int(row.remind_at.timestamp() * 1_000)),
        "is_due": row.is_due,
        "version": row.version,
    }
