"""REST of the public chats of one's company."""

from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse, shapes
from chat.api.chats import one
from chat.api.describe import CHAT
from chat.api.waiting import wait_until_shown
from chat.commands import companies as commands
from chat.queries import by_name
from chat.queries import directory as queries
from chatsite.accounts.api import viewer
from chatsite.kernel import openapi
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.openapi import FLAG, IDEMPOTENCY_KEY, MOMENT, NUMBER, TEXT, many, nullable, operation, query, shape

LISTED = shape(
    {
        "id": openapi.UUID,
        "name": TEXT,
        "description": TEXT,
        "company_id": openapi.UUID,
        "participant_count": NUMBER,
        "created_at": MOMENT,
        "is_member": FLAG,
    }
)


@extend_schema_view(
    get=operation(
        "public_chats",
        {200: shape({"chats": many(LISTED), "next": nullable(TEXT)})},
        parameters=[query("q", TEXT, "part of a name or description"), query("after", TEXT, "the `next` before")],
        errors=["invalid_field"],
    )
)
class PublicChatsView(APIView):
    """The public chats that one may join."""

    scope = "chats"

    def get(self, request: Request) -> Response:
        """The public chats of the viewer's companies by name, with whether one is in them."""
        words = request.query_params.get("q", "")[:100]
        found = queries.page(viewer(request), words=words, after=request.query_params.get("after"))
        shown = found[: queries.PAGE]
        following = by_name.cursor(shown[-1].chat) if len(found) > len(shown) else None
        body = {"chats": [shapes.listed(each) for each in shown], "next": following}
        return Response(body, headers=parse.link_to_next(request, following))


@extend_schema_view(
    post=operation(
        "join_chat",
        {201: CHAT, 200: CHAT},
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "archived", "idempotency_reused", "clock_skew"],
    )
)
class JoinView(APIView):
    """Coming into a public chat."""

    scope = "chats"

    def post(self, request: Request, chat_id: str) -> Response:
        """Join a public chat: 201, or 200 where one is in it already."""
        user, chat = viewer(request), parse.path_uuid(chat_id)

        def join() -> dict[str, str | None]:
            joined, event_id = commands.join(chat, user=user)
            return {"chat": str(joined.id), "event": event_id}

        made = once(user.id, key_of(request), join)
        if made["event"] is not None:
            wait_until_shown(chat, made["event"])
        return Response(one(UUID(made["chat"]), user), status=200 if made["event"] is None else 201)
