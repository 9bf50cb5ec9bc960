"""REST of reactions."""

from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, shapes
from chat.api.messages import changed_one
from chat.commands import reactions as commands
from chat.commands.changes import Changed
from chat.queries.messages import who_reacted
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id

MOST_NAMED = 100  # people of each emoji


@describe.reactions
class ReactionsView(APIView):
    """Who reacted to a message."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        """The reactions to a message: each emoji, how often, and up to 100 of those who gave it."""
        user = viewer(request)
        given = async_to_sync(who_reacted)(
            require_chat_id(chat_id), read_id(message_id, "id"), viewer=UserId(user.id), limit=MOST_NAMED
        )
        return Response({"reactions": shapes.reactions(given, viewer=str(user.id))})


@describe.reaction
class ReactionView(APIView):
    """One's own emoji on a message."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str, emoji: str) -> Response:
        """Give the message this emoji; the message is the answer.

        In the address the emoji is URL-encoded, such as %F0%9F%91%8D. Variants of one emoji that differ in how it is
        spelled alone, with or without U+FE0F, are one.
        """
        return self._change(commands.react, request, chat_id, message_id, emoji)

    def delete(self, request: Request, chat_id: str, message_id: str, emoji: str) -> Response:
        """Take an emoji back; the message is the answer."""
        return self._change(commands.unreact, request, chat_id, message_id, emoji)

    def _change(
        self, command: Callable[..., Awaitable[Changed]], request: Request, chat_id: str, message_id: str, emoji: str
    ) -> Response:
        user = viewer(request)
        changed = async_to_sync(command)(
            require_chat_id(chat_id), read_id(message_id, "id"), emoji=emoji, by=UserId(user.id)
        )
        return Response(changed_one(changed, user))
