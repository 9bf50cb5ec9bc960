"""REST of the search."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import search
from chat.api import describe, parse, shapes
from chat.queries import search as queries
from chatsite.accounts.api import viewer
from chatsite.kernel import clock, limits
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from chatsite.kernel.ids import MAX_ID, UserId, read_id
from chatsite.kernel.limits import Ask

MOST, USUAL = 50, 20  # messages of a page: each is read anew
FILTERS = {"chat": "in", "from": "from", "before": "before", "after": "after", "has": "has"}


@describe.search
class SearchView(APIView):
    """What was said in the viewer's chats."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """Messages that hold all that is asked for, newest first."""
        asked = search.parse(request.query_params.get("q", ""))
        for name, key in (FILTERS | {key: key for key in search.place_filters}).items():
            for value in request.query_params.getlist(name):
                search.restrict(asked, key, value, field=name)
        if asked.is_empty:
            raise Invalid("name a word to look for, or a filter.", field="q")
        cursor = request.query_params.get("cursor")
        user = viewer(request)
        # One may cost what a hundred pages do.
        async_to_sync(limits.require)(Ask(limits.rule("searches"), str(user.id)))
        found = async_to_sync(queries.find)(
            asked,
            viewer=UserId(user.id),
            now_ms=clock.now_ms(),
            below=read_id(cursor, "cursor") if cursor is not None else MAX_ID,
            limit=parse.number_param(request, "limit", USUAL, lowest=1, highest=MOST),
        )
        following = str(found.next) if found.next is not None else None
        body = {
            "messages": shapes.messages(found.messages, found.reactions, viewer=str(user.id)),
            "next": following,
            "indexed_up_to": iso(found.indexed_up_to),
            "lag_seconds": found.lag_seconds,
            "chats_not_indexed": [str(chat) for chat in found.not_indexed],
        }
        return Response(body, headers=parse.link_to_next(request, following, name="cursor"))
