"""REST of how far one has read."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.commands import reads as commands
from chat.queries import reads as queries
from chat.queries import unread
from chat.queries.messages import find_all, reactions
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.ids import MessageId, UserId, read_id


@describe.read
class ReadView(APIView):
    """How far one has read a chat."""

    scope = "messages"

    def put(self, request: Request, chat_id: str) -> Response:
        """Say that a message of a chat and all before it are read; with `unread` it and all after it are not."""
        body = body_of(request)
        command = commands.unread_from if parse.flag_field(body, "unread") else commands.read
        reading = async_to_sync(command)(
            require_chat_id(chat_id),
            read_id(text_field(body, "message_id"), "message_id"),
            reader=UserId(viewer(request).id),
        )
        return Response(shapes.reading(reading.counts))


@describe.read_positions
class ReadPositionsView(APIView):
    """How far everybody has read a chat."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """The read positions of participants, the furthest first."""
        positions = async_to_sync(queries.positions)(require_chat_id(chat_id), viewer=UserId(viewer(request).id))
        return Response({"positions": [shapes.position(one) for one in positions]})


@describe.unread_why
class UnreadWhyView(APIView):
    """Which messages are unread."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """The unread messages of a chat, oldest first."""
        user, chat = viewer(request), require_chat_id(chat_id)
        counts = async_to_sync(unread.of_one)(chat, UserId(user.id))
        ids = [MessageId(one.message_id) for one in counts.messages]
        states = async_to_sync(find_all)(chat, ids, viewer=UserId(user.id))
        given = async_to_sync(reactions)(chat, states, viewer=UserId(user.id))
        return Response(shapes.reading(counts) | {"messages": shapes.messages(states, given, viewer=str(user.id))})
