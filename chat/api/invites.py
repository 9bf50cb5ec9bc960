"""REST of invites."""

from datetime import UTC, datetime

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse, shapes
from chat.api.chats import one
from chat.api.waiting import wait_until_shown
from chat.commands import invites as commands
from chat.policy import Action
from chat.queries import chats as queries
from chat.queries.access import require_action
from chatsite.accounts.api import body_of, viewer


class InvitesView(APIView):
    """The invites of a chat."""

    def get(self, request: Request, chat_id: str) -> Response:
        """Those that still let somebody in, for who may invite."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.INVITE)
        return Response({"invites": [shapes.invite(one) for one in queries.invites(chat, now=datetime.now(UTC))]})

    def post(self, request: Request, chat_id: str) -> Response:
        """Make a link; `expires_at` is within a week where it is not given."""
        body = body_of(request)
        made = commands.invite(
            parse.path_uuid(chat_id),
            by=viewer(request),
            now=datetime.now(UTC),
            expires_at=parse.moment_field(body, "expires_at"),
            max_uses=parse.number_field(body, "max_uses"),
            role=parse.role_field(body),
        )
        return Response(shapes.invite(made), status=201)

    def delete(self, request: Request, chat_id: str) -> Response:
        """Revoke the invite of `code`, or all that one may revoke."""
        code = parse.optional_text(body_of(request), "code")
        return Response({"revoked": commands.revoke(parse.path_uuid(chat_id), by=viewer(request), code=code)})


class InviteView(APIView):
    """One invite, seen by who was invited."""

    def post(self, request: Request, code: str) -> Response:
        """Come into the chat: 201, or 200 where one is in it already."""
        chat, event_id = commands.accept(code, user=viewer(request))
        if event_id is not None:
            wait_until_shown(chat.id, event_id)
        return Response(one(chat.id, viewer(request)), status=200 if event_id is None else 201)
