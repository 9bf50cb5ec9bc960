"""REST of link previews: taking them away."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe
from chat.api.messages import one
from chat.commands import link_previews
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id


@describe.previews
class PreviewsView(APIView):
    """What the links of a message lead to."""

    scope = "messages"

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Take a message's previews away for all and for good: its sender, or who may delete it; it is the answer."""
        chat, message, user = require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)
        async_to_sync(link_previews.remove)(chat, message, by=UserId(user.id))
        return Response(one(chat, message, user))
