"""REST of important messages: taking note of one, who has, and what waits for oneself."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.messages import one
from chat.commands.acknowledgements import acknowledge
from chat.queries import acknowledgements as queries
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id


@describe.acknowledgement
class AcknowledgementView(APIView):
    """One's acknowledgement of a message."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Acknowledge an important message, for good; the message is the answer."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        async_to_sync(acknowledge)(chat, message, by=UserId(user.id))
        return Response(one(chat, message, user))


@describe.acknowledgements
class AcknowledgementsView(APIView):
    """Who has taken note of a message."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Who has acknowledged a message, the first of them first; for its sender also who of the chat has not yet."""
        after = request.query_params.get("after")
        found = async_to_sync(queries.of)(
            require_chat_id(chat_id),
            read_id(message_id, "id"),
            viewer=UserId(viewer(request).id),
            after=read_id(after, "after") if after is not None else None,
            limit=parse.number_param(request, "limit", parse.MAX_LIMIT, lowest=1, highest=parse.MAX_LIMIT),
        )
        following = str(found.next) if found.next is not None else None
        body = shapes.acknowledgers(found) | {"next": following}
        return Response(body, headers=parse.link_to_next(request, following))


@describe.to_acknowledge
class ToAcknowledgeView(APIView):
    """What waits for one's acknowledgement."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """The important messages of one's chats that one has not acknowledged, the newest first.

        What was said a moment ago may come some seconds later.
        """
        user, before = UserId(viewer(request).id), request.query_params.get("before")
        found = async_to_sync(queries.to_do)(
            viewer=user,
            before=read_id(before, "before") if before is not None else None,
            limit=parse.number_param(request, "limit", parse.DEFAULT_LIMIT, lowest=1, highest=parse.MAX_LIMIT),
        )
        following = str(found.next) if found.next is not None else None
        body = {"messages": shapes.messages(found.messages, found.reactions, viewer=str(user)), "next": following}
        return Response(body, headers=parse.link_to_next(request, following, name="before"))
