"""REST of stars."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.commands import stars as commands
from chat.queries import chats
from chat.queries import stars as queries
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id


@describe.stars
class StarsView(APIView):
    """What one has starred."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """The messages that one has starred and may still read, the latest star first."""
        user, before = viewer(request), request.query_params.get("before")
        found = async_to_sync(queries.page)(
            viewer=UserId(user.id),
            before=read_id(before, "before") if before is not None else None,
            limit=parse.number_param(request, "limit", parse.DEFAULT_LIMIT, lowest=1, highest=parse.MAX_LIMIT),
        )
        following = str(found.next) if found.next is not None else None
        body = {"stars": shapes.stars(found.stars, found.reactions, viewer=str(user.id)), "next": following}
        return Response(body, headers=parse.link_to_next(request, following, name="before"))


@describe.chat_stars
class ChatStarsView(APIView):
    """What one has starred in one chat."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """The ids of the messages that one has starred there, the latest star first."""
        chat, user = require_chat_id(chat_id), viewer(request)
        chats.require_participant(chat, user)
        return Response({"message_ids": [str(one) for one in queries.of_chat(chat, viewer=UserId(user.id))]})


@describe.star
class StarView(APIView):
    """One's star of a message."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Star the message, for oneself alone."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        async_to_sync(commands.star)(chat, message, by=UserId(user.id))
        return Response(status=204)

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Take a message's star away."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        async_to_sync(commands.unstar)(chat, message, by=UserId(user.id))
        return Response(status=204)
