"""REST of pins."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, shapes
from chat.api.messages import changed_one
from chat.commands import pins as commands
from chat.queries.messages import reactions
from chat.queries.participants import chat_id as require_chat_id
from chat.queries.pins import pinned
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id


@describe.pins
class PinsView(APIView):
    """The pinned messages of a chat."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """The messages that are pinned, the latest pin first; 50 at most."""
        chat, user = require_chat_id(chat_id), viewer(request)
        found = async_to_sync(pinned)(chat, viewer=UserId(user.id))
        given = async_to_sync(reactions)(chat, [one.message for one in found], viewer=UserId(user.id))
        return Response({"pins": shapes.pins(found, given, viewer=str(user.id))})


@describe.pin
class PinView(APIView):
    """The pin of one message."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Pin a message, which is the answer."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        return Response(changed_one(async_to_sync(commands.pin)(chat, message, by=UserId(user.id)), user))

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Take a message's pin away; the message is the answer."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        return Response(changed_one(async_to_sync(commands.unpin)(chat, message, by=UserId(user.id)), user))
