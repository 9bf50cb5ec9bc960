"""REST of drafts."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.commands import drafts as commands
from chat.queries import drafts as queries
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.ids import read_id


@describe.drafts
class DraftsView(APIView):
    """What one has begun to write."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """One's drafts in all chats, 100 at a time, in the order in which they were begun."""
        after = request.query_params.get("after")
        found = queries.page(viewer(request), after=read_id(after, "after") if after is not None else 0)
        shown = found[: queries.PAGE]
        following = str(shown[-1].id) if len(found) > len(shown) else None
        body = {"drafts": [shapes.draft(one) for one in shown], "next": following}
        return Response(body, headers=parse.link_to_next(request, following))


@describe.draft
class DraftView(APIView):
    """One's draft in a chat."""

    scope = "messages"

    def put(self, request: Request, chat_id: str) -> Response:
        """Keep what one has begun to write, in place of what was kept before."""
        body, user = body_of(request), viewer(request)
        reply_to = parse.optional_text(body, "reply_to_id")
        draft = commands.save(
            parse.path_uuid(chat_id),
            user=user,
            content=text_field(body, "content"),
            reply_to=read_id(reply_to, "reply_to_id") if reply_to is not None else None,
        )
        return Response(shapes.draft(draft))

    def delete(self, request: Request, chat_id: str) -> Response:
        """Forget a draft; there may be none."""
        commands.discard(parse.path_uuid(chat_id), user=viewer(request))
        return Response(status=204)
