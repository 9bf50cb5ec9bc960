"""REST of who is in a chat."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.waiting import wait_until_shown
from chat.commands import participants as commands
from chat.policy import Action
from chat.queries import chats as queries
from chat.queries.access import require_action
from chatsite.accounts.api import body_of, viewer
from chatsite.accounts.queries import people
from chatsite.kernel.errors import Invalid
from chatsite.kernel.idempotency import key_of, once


@describe.participants
class ParticipantsView(APIView):
    """The participants of a chat."""

    scope = "chats"

    def get(self, request: Request, chat_id: str) -> Response:
        """Who is in the chat, in the order of joining."""
        chat = queries.require_participant(parse.path_uuid(chat_id), viewer(request)).chat
        found = queries.participants(chat, after=request.query_params.get("after"))
        shown = found[: queries.PAGE]
        users = people(place.user_id for place in shown)
        following = queries.participant_cursor(shown[-1]) if len(found) > len(shown) else None
        body = {"participants": [shapes.participant(one, users) for one in shown], "next": following}
        return Response(body, headers=parse.link_to_next(request, following))

    def post(self, request: Request, chat_id: str) -> Response:
        """Add a colleague, or a bot, to a chat."""
        chat, by, body = parse.path_uuid(chat_id), viewer(request), body_of(request)
        user_id, role = parse.uuid_field(body, "user_id"), parse.role_field(body)

        def add() -> dict[str, str]:
            place, event_id = commands.add(chat, user_id=user_id, role=role, by=by)
            return {"place": str(place.id), "event": event_id}

        made = once(by.id, key_of(request), add)
        wait_until_shown(chat, made["event"])
        queries.require_participant(chat, by)  # A repeated key must not show a chat that one has left since.
        place = queries.require_place(UUID(made["place"]))
        return Response(shapes.participant(place, people([place.user_id])), status=201)


@describe.participant
class ParticipantView(APIView):
    """One participant."""

    scope = "chats"

    def patch(self, request: Request, chat_id: str, user_id: str) -> Response:
        """Change somebody's `role`, or `muted_until` when they may not post; one at a time."""
        chat, user, body = parse.path_uuid(chat_id), parse.path_uuid(user_id), body_of(request)
        if ("role" in body) == ("muted_until" in body):
            raise Invalid("give either role or muted_until.", field="role")
        if "role" in body:
            place = commands.change_role(chat, user_id=user, role=parse.role_field(body), by=viewer(request))
        else:
            until = parse.moment_field(body, "muted_until")
            place = commands.mute(chat, user_id=user, until=until, by=viewer(request))
        return Response(shapes.participant(place, people([place.user_id])))

    def delete(self, request: Request, chat_id: str, user_id: str) -> Response:
        """Remove somebody from a chat; with `ban` for good, and with a reason that its moderators see."""
        chat, user, body = parse.path_uuid(chat_id), parse.path_uuid(user_id), body_of(request)
        if parse.flag_field(body, "ban"):
            reason = parse.optional_text(body, "reason") or ""
            commands.ban(chat, user_id=user, by=viewer(request), reason=reason)
        else:
            commands.remove(chat, user_id=user, by=viewer(request))
        return Response(status=204)


@describe.leave
class LeaveView(APIView):
    """Leaving."""

    scope = "chats"

    def post(self, request: Request, chat_id: str) -> Response:
        """Leave the chat."""
        commands.leave(parse.path_uuid(chat_id), user=viewer(request))
        return Response(status=204)


@describe.bans
class BansView(APIView):
    """Who may not come back."""

    scope = "chats"

    def get(self, request: Request, chat_id: str) -> Response:
        """The bans of a chat, for who may lift them."""
        chat = require_action(parse.path_uuid(chat_id), viewer(request), Action.MANAGE_PEOPLE)
        found = queries.bans(chat)
        users = people({ban.user_id for ban in found} | {ban.by_id for ban in found if ban.by_id})
        return Response({"bans": [shapes.ban(one, users) for one in found]})


@describe.ban
class BanView(APIView):
    """One ban."""

    scope = "chats"

    def delete(self, request: Request, chat_id: str, banned_id: str) -> Response:
        """Lift a ban."""
        commands.lift_ban(parse.path_uuid(chat_id), user_id=parse.path_uuid(banned_id), by=viewer(request))
        return Response(status=204)
