"""REST of reporting messages to staff."""

from typing import Any

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.commands import flags as commands
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, viewer
from chatsite.accounts.api_tokens import FLAG
from chatsite.accounts.tokens import Token
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import UserId, read_id


@describe.flag
class FlagView(APIView):
    """One's report of a message."""

    scope = FLAG

    def post(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Report the message to staff; while a report of one's own is open, that is the answer.

        Staff find it at /admin/ under Reports. `source`, `label` and `score` are for programs, by an API token.
        """
        kept = async_to_sync(commands.flag)(
            require_chat_id(chat_id), read_id(message_id, "id"), report=_report(request), by=UserId(viewer(request).id)
        )
        return Response(shapes.flag(kept.flag), status=200 if kept.repeated else 201)


def _report(request: Request) -> commands.Report:
    data = body_of(request)
    report = commands.Report(
        parse.optional_text(data, "reason") or "",
        text=parse.optional_text(data, "text") or "",
        source=parse.optional_text(data, "source") or "",
        label=parse.optional_text(data, "label") or "",
        score=_score(data),
    )
    is_program = isinstance(request.auth, Token) and request.auth.scopes is not None
    if not is_program and (given := [name for name in ("source", "label", "score") if name in data]):
        raise Invalid("for programs, by an API token.", field=given[0])
    return report


def _score(data: dict[str, Any]) -> float | None:
    value = data.get("score")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("expected a number from 0 to 1.", field="score")
    return float(value)
