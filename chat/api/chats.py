"""REST of chats and participants."""

from uuid import UUID

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse, shapes
from chat.commands import chats as commands
from chat.queries import chats as queries
from chat.queries.chats import Membership
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.models import User
from chatsite.accounts.queries import people
from chatsite.gateway.streams import stream
from chatsite.kernel import outbox
from chatsite.kernel.errors import Invalid, NotSupported
from chatsite.kernel.ids import MAX_ID

SYNC_SECONDS = 0.5  # how long an answer waits until the log, and then the stream, show its fact


class ChatsView(APIView):
    """One's chats."""

    def get(self, request: Request) -> Response:
        """The viewer's chats, the latest first."""
        found = queries.page(
            viewer(request),
            words=request.query_params.get("q", "")[:100],
            changed_since=parse.number_param(request, "changed_since", 0, lowest=0, highest=MAX_ID),
            after=request.query_params.get("after"),
        )
        shown = found[: queries.PAGE]
        following = queries.cursor(shown[-1]) if len(found) > len(shown) else None
        return Response({"chats": _shown(shown), "next": following})

    def post(self, request: Request) -> Response:
        """Make a group."""
        chat_type = text_field(body_of(request), "chat_type")
        if chat_type not in ("group", "direct", "public", "company", "announcement"):
            raise Invalid("expected group.", field="chat_type")
        if chat_type != "group":
            raise NotSupported(f"Chats of type {chat_type} belong to a later version.")
        creator = viewer(request)
        chat, event_id = commands.create(
            creator=creator,
            name=text_field(body_of(request), "name"),
            people=parse.uuid_list(body_of(request), "participants"),
        )
        async_to_sync(outbox.relayed)(event_id, seconds=SYNC_SECONDS)
        return Response(_one(chat.id, creator), status=201)


class ChatView(APIView):
    """One chat."""

    def get(self, request: Request, chat_id: str) -> Response:
        """A chat the viewer is in."""
        return Response(_one(parse.path_uuid(chat_id), viewer(request)))


class ParticipantsView(APIView):
    """The participants of a chat."""

    def get(self, request: Request, chat_id: str) -> Response:
        """Who is in the chat, in the order of joining."""
        chat = queries.require_participant(parse.path_uuid(chat_id), viewer(request)).chat
        found = queries.participants(chat, after=request.query_params.get("after"))
        shown = found[: queries.PAGE]
        users = people(place.user_id for place in shown)
        following = queries.participant_cursor(shown[-1]) if len(found) > len(shown) else None
        return Response({"participants": [shapes.participant(one, users) for one in shown], "next": following})

    def post(self, request: Request, chat_id: str) -> Response:
        """Add a colleague."""
        place, event_id = commands.add(
            parse.path_uuid(chat_id),
            user_id=parse.uuid_field(body_of(request), "user_id"),
            role=parse.role_field(body_of(request)),
            by=viewer(request),
        )
        async_to_sync(_shown_in)(str(place.chat_id), event_id)
        return Response(shapes.participant(place, people([place.user_id])), status=201)


class ParticipantView(APIView):
    """One participant."""

    def delete(self, request: Request, chat_id: str, user_id: str) -> Response:
        """Remove somebody."""
        commands.remove(parse.path_uuid(chat_id), user_id=parse.path_uuid(user_id), by=viewer(request))
        return Response(status=204)


class LeaveView(APIView):
    """Leaving."""

    def post(self, request: Request, chat_id: str) -> Response:
        """Leave the chat."""
        commands.leave(parse.path_uuid(chat_id), user=viewer(request))
        return Response(status=204)


def _one(chat_id: UUID, user: User) -> shapes.Json:
    return _shown([queries.require_participant(chat_id, user)])[0]


def _shown(memberships: list[Membership]) -> list[shapes.Json]:
    heads = async_to_sync(stream().heads)([str(row.chat.id) for row in memberships])
    users = people(shapes.preview_senders(memberships))
    return [shapes.chat(row, heads[str(row.chat.id)], users) for row in memberships]


async def _shown_in(chat_id: str, event_id: str) -> None:
    """Wait until a chat's stream shows an event, at most half a second for each step."""
    if (pos := await outbox.relayed(event_id, seconds=SYNC_SECONDS)) is not None:
        await stream().wait_for(chat_id, pos, seconds=SYNC_SECONDS)
