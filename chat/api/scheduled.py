"""REST of scheduled messages."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse
from chat.commands import scheduled as commands
from chat.commands.scheduled import Plan
from chat.models import ScheduledMessage
from chat.queries import scheduled as queries
from chatsite.accounts.api import body_of, viewer
from chatsite.kernel.errors import CODES, NotSupported
from chatsite.kernel.events import iso
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import read_id
from chatsite.kernel.openapi import (
    FLAG,
    IDEMPOTENCY_KEY,
    MESSAGE_ID,
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

_SCHEDULED = shape(
    {
        "id": ID,
        "chat_id": ID,
        "content": TEXT,
        "reply_to": nullable(MESSAGE_ID),
        "mentions": many(TEXT),
        "important": FLAG,
        "send_at": MOMENT,
        "refused_with": nullable({"type": "string", "enum": list(CODES)}),
        "version": NUMBER,
    }
)
_PLAN: Schema = {
    "content": TEXT,
    "send_at": MOMENT,
    "reply_to_id": MESSAGE_ID,
    "mentions": many(TEXT),
    "important": FLAG,
}


@extend_schema_view(get=operation("scheduled_messages", {200: shape({"scheduled": many(_SCHEDULED)})}))
class ScheduledView(APIView):
    """What one has scheduled."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """The scheduled messages in all chats, and what was refused when its time came, the next first; 100 at most."""
        return Response({"scheduled": [_shape(one) for one in queries.of(viewer(request))]})


@extend_schema_view(
    post=operation(
        "schedule_message",
        {201: _SCHEDULED},
        body=shape(
            _PLAN,
            optional=["reply_to_id", "mentions", "important"],
            example={"content": "Good morning!", "send_at": "2027-01-04T08:00:00Z"},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "conflict", "idempotency_reused", "not_supported", "clock_skew"],
    )
)
class ScheduleView(APIView):
    """Saying something later."""

    scope = "messages"

    def post(self, request: Request, chat_id: str) -> Response:
        """Schedule a message, a year ahead at most; whether one may say it is asked when its time comes.

        `send_at` is UTC where it names no zone.
        """
        user, chat, plan = viewer(request), parse.path_uuid(chat_id), _plan(request)

        def schedule() -> dict[str, Any]:
            return _shape(commands.schedule(chat, plan, user=user, now=datetime.now(UTC)))

        return Response(once(user.id, key_of(request), schedule), status=201)


@extend_schema_view(
    patch=operation(
        "change_scheduled",
        {200: _SCHEDULED},
        body=shape(_PLAN, optional=list(_PLAN), example={"send_at": "2027-01-05T08:00:00Z"}),
        errors=["not_found", "not_supported", "clock_skew"],
    ),
    delete=operation("cancel_scheduled", {204: None}, errors=["not_found", "clock_skew"]),
)
class OneScheduledView(APIView):
    """One of them."""

    scope = "messages"

    def patch(self, request: Request, scheduled_id: UUID) -> Response:
        """Change a scheduled message, what it says or when; what was refused is tried anew."""
        row = commands.change(scheduled_id, _plan(request), user=viewer(request), now=datetime.now(UTC))
        return Response(_shape(row))

    def delete(self, request: Request, scheduled_id: UUID) -> Response:
        """Cancel a scheduled message."""
        commands.cancel(scheduled_id, user=viewer(request))
        return Response(status=204)


def _plan(request: Request) -> Plan:
    body = body_of(request)
    if body.get("poll") is not None:
        raise NotSupported("A poll cannot be scheduled.")
    reply_to = parse.optional_text(body, "reply_to_id")
    return Plan(
        content=parse.optional_text(body, "content"),
        send_at=parse.moment_field(body, "send_at"),
        reply_to=read_id(reply_to, "reply_to_id") if reply_to is not None else None,
        mentions=parse.text_list(body, "mentions") if "mentions" in body else None,
        important=parse.flag_field(body, "important") if "important" in body else None,
    )


def _shape(row: ScheduledMessage) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "chat_id": str(row.chat_id),
        "content": row.content,
        "reply_to": str(row.reply_to) if row.reply_to is not None else None,
        "mentions": row.mentions,
        "important": row.important,
        "send_at": iso(int(row.send_at.timestamp() * 1_000)),
        "refused_with": row.refused_with or None,
        "version": row.version,
    }
