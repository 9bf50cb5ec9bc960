"""REST of stars."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import viewer
from chatsite.kernel.ids import UserId, read_id
from tests.star_app.commands import star
from tests.star_app.models import Star

PAGE = 200


class StarsView(APIView):
    """One's stars."""

    def get(self, request: Request) -> Response:
        """The latest 200 messages that one has starred."""
        rows = Star.objects.filter(user=viewer(request), starred=True).order_by("-version")[:PAGE]
        return Response({"stars": [{"chat_id": str(one.chat_id), "message_id": str(one.message_id)} for one in rows]})


class StarView(APIView):
    """The star of one message."""

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Star it."""
        return self._set(request, chat_id, message_id, starred=True)

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Take the star away."""
        return self._set(request, chat_id, message_id, starred=False)

    def _set(self, request: Request, chat_id: str, message_id: str, *, starred: bool) -> Response:
        async_to_sync(star)(
            require_chat_id(chat_id), read_id(message_id, "id"), by=UserId(viewer(request).id), starred=starred
        )
        return Response(status=204)
