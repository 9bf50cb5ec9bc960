"""REST of forwarding."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.messages import sent_one
from chat.commands.forwards import Tried, forward
from chat.commands.messages import Sent
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, viewer
from chatsite.kernel.errors import CODES, DomainError
from chatsite.kernel.ids import ChatId, UserId, read_id


@describe.forward
class ForwardView(APIView):
    """Copies of a message in other chats."""

    scope = "messages"

    def post(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Forward the message; of each chat the answer has the copy or why there is none."""
        user = viewer(request)
        outcomes = async_to_sync(forward)(
            require_chat_id(chat_id),
            read_id(message_id, "id"),
            to=[ChatId(chat) for chat in parse.uuid_list(body_of(request), "to")],
            by=UserId(user.id),
            tried=Tried(parse.nonce_of(request), retry=True),
        )
        results = [
            {"chat_id": str(chat), "message": sent_one(one, user), "error": None}
            if isinstance(one, Sent)
            else {"chat_id": str(chat), "message": None, "error": _refusal(one)}
            for chat, one in outcomes.items()
        ]
        is_new = any(isinstance(one, Sent) and not one.repeated for one in outcomes.values())
        return Response({"results": results}, status=201 if is_new else 200)


def _refusal(error: DomainError) -> shapes.Json:
    return {
        "code": error.code,
        "detail": error.detail,
        "retryable": CODES[error.code].retryable,
        "retry_after_ms": error.retry_after_ms,
    }
