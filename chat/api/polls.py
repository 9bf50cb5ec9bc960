"""REST of polls: voting, closing, and who chose what."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.messages import one
from chat.commands import polls as commands
from chat.polls import MOST
from chat.queries import polls as queries
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import UserId, read_id

MAX_OPTION = MOST - 1


@describe.vote
class VoteView(APIView):
    """One's vote in a poll."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, poll_id: str) -> Response:
        """Vote in a poll: options by their numbers from 0, in place of those before; the message is the answer.

        The id of a poll is that of its message.
        """
        return self._vote(request, chat_id, poll_id, _choices(body_of(request)))

    def delete(self, request: Request, chat_id: str, poll_id: str) -> Response:
        """Take one's vote back; the message is the answer."""
        return self._vote(request, chat_id, poll_id, [])

    def _vote(self, request: Request, chat_id: str, poll_id: str, choices: list[int]) -> Response:
        chat, poll, user = require_chat_id(chat_id), read_id(poll_id, "id"), viewer(request)
        async_to_sync(commands.vote)(chat, poll, choices=choices, by=UserId(user.id))
        return Response(one(chat, poll, user))


@describe.close_poll
class ClosePollView(APIView):
    """The end of a poll."""

    scope = "messages"

    def post(self, request: Request, chat_id: str, poll_id: str) -> Response:
        """Close a poll, so that nobody votes any more: who asked, or a moderator; the message is the answer."""
        chat, poll, user = require_chat_id(chat_id), read_id(poll_id, "id"), viewer(request)
        async_to_sync(commands.close)(chat, poll, by=UserId(user.id))
        return Response(one(chat, poll, user))


@describe.voters
class VotersView(APIView):
    """Who chose an option."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, poll_id: str) -> Response:
        """The voters of an option, in the order of their ids; of an anonymous poll nobody is told.

        Without `option` it is the first one; 400 says that the poll has no such option.
        """
        after = request.query_params.get("after")
        found = async_to_sync(queries.voters)(
            require_chat_id(chat_id),
            read_id(poll_id, "id"),
            parse.number_param(request, "option", 0, lowest=0, highest=MAX_OPTION),
            viewer=UserId(viewer(request).id),
            after=_after(after) if after is not None else None,
            limit=parse.number_param(request, "limit", parse.MAX_LIMIT, lowest=1, highest=parse.MAX_LIMIT),
        )
        following = str(found.next) if found.next is not None else None
        body = {"users": shapes.named(found.users), "next": following}
        return Response(body, headers=parse.link_to_next(request, following))


def _choices(body: dict[str, Any]) -> list[int]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not all(type(choice) is int for choice in choices):
        raise Invalid("expected a list of numbers of options.", field="choices")
    return choices


def _after(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("expected an id.", field="after") from None
