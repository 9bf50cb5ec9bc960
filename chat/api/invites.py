"""REST of invites."""

from datetime import UTC, datetime
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.chats import one
from chat.api.waiting import wait_until_shown
from chat.commands import invites as commands
from chat.policy import Action
from chat.queries import chats as queries
from chat.queries.access import require_action
from chatsite.accounts.api import body_of, viewer
from chatsite.kernel.idempotency import key_of, once


@describe.invites
class InvitesView(APIView):
    """The invites of a chat."""

    scope = "chats"

    def get(self, request: Request, chat_id: str) -> Response:
        """The invites that still let somebody in, for who may invite."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.INVITE)
        return Response({"invites": [shapes.invite(one) for one in queries.invites(chat, now=datetime.now(UTC))]})

    def post(self, request: Request, chat_id: str) -> Response:
        """Make an invite, a link into the chat; `expires_at` is within a week where it is not given."""
        chat, by, body = parse.path_uuid(chat_id), viewer(request), body_of(request)
        expires_at, max_uses = parse.moment_field(body, "expires_at"), parse.number_field(body, "max_uses")
        role = parse.role_field(body)

        def invite() -> dict[str, str]:
            now = datetime.now(UTC)
            made = commands.invite(chat, by=by, now=now, expires_at=expires_at, max_uses=max_uses, role=role)
            return {"code": made.code}

        made = once(by.id, key_of(request), invite)
        require_action(chat, by, Action.INVITE)  # A repeated key must not show what one may not see since.
        return Response(shapes.invite(queries.require_invite(made["code"])), status=201)

    def delete(self, request: Request, chat_id: str) -> Response:
        """Revoke the invites that one may revoke; with a `code` that one alone."""
        code = parse.optional_text(body_of(request), "code")
        return Response({"revoked": commands.revoke(parse.path_uuid(chat_id), by=viewer(request), code=code)})


@describe.invite
class InviteView(APIView):
    """One invite, seen by who was invited."""

    scope = "chats"

    def post(self, request: Request, code: str) -> Response:
        """Accept an invite, and come into its chat: 201, or 200 where one is in it already."""
        user = viewer(request)

        def accept() -> dict[str, str | None]:
            chat, event_id = commands.accept(code, user=user)
            return {"chat": str(chat.id), "event": event_id}

        made = once(user.id, key_of(request), accept)
        chat_id = UUID(made["chat"])
        if made["event"] is not None:
            wait_until_shown(chat_id, made["event"])
        return Response(one(chat_id, user), status=200 if made["event"] is None else 201)
