"""REST of the commands of bots: offering, invoking and answering them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse
from chat.commands import bot_commands as commands
from chat.commands import messages
from chat.commands.bot_commands import Asked, Offered
from chat.models import BotCommand
from chat.queries import bot_commands as queries
from chat.queries.participants import chat_id as require_chat_id
from chat.queries.participants import require_seat
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.commands import bots
from chatsite.accounts.describe import PERSON
from chatsite.accounts.models import User
from chatsite.accounts.queries import shape as person
from chatsite.kernel.errors import Invalid
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import ChatId, UserId
from chatsite.kernel.openapi import FLAG, IDEMPOTENCY_KEY, MOMENT, TEXT, Schema, many, operation, shape
from chatsite.kernel.openapi import UUID as ID

_COMMAND: Schema = {"name": TEXT, "description": TEXT, "usage": TEXT}
_LISTED: dict[int, Schema | None] = {200: shape({"commands": many(shape(_COMMAND))})}
_OFFERED = shape(
    {"commands": many(shape(_COMMAND, optional=["usage"]))},
    example={"commands": [{"name": "deploy", "description": "Deploys a branch", "usage": "BRANCH"}]},
)
_SAYING = ("forbidden", "not_found", "conflict", "archived", "clock_skew", "log_unavailable", "draining")


class _Commands(APIView):
    """The commands of some bot."""

    def list_of(self, bot: User) -> Response:
        """Those that it has, by name."""
        commands.require_bot(bot)
        return Response({"commands": [_shape(one) for one in queries.of_bot(bot.id)]})

    def replace(self, request: Request, bot: User) -> Response:
        """Those of a body, in place of all before."""
        listed = body_of(request).get("commands")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Invalid("expected a list of objects.", field="commands")
        made = commands.replace(bot, [_offered(one) for one in listed])
        return Response({"commands": [_shape(one) for one in made]})

    def drop(self, bot: User) -> Response:
        """None any more."""
        commands.replace(bot, [])
        return Response(status=204)


@extend_schema_view(
    get=operation("my_commands", _LISTED, errors=["forbidden"]),
    put=operation("set_my_commands", _LISTED, body=_OFFERED, errors=["forbidden"]),
    delete=operation("drop_my_commands", {204: None}, errors=["forbidden"]),
)
class MyCommandsView(_Commands):
    """What people can ask a bot to do, as the bot itself says."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """One's commands, by name."""
        return self.list_of(viewer(request))

    def put(self, request: Request) -> Response:
        """Offer these commands and no others, 50 at most; a bot says it whenever it starts."""
        return self.replace(request, viewer(request))

    def delete(self, request: Request) -> Response:
        """Offer no commands any more."""
        return self.drop(viewer(request))


@extend_schema_view(
    get=operation("bot_commands", _LISTED, errors=["forbidden", "not_found"]),
    put=operation("set_bot_commands", _LISTED, body=_OFFERED, errors=["forbidden", "not_found"]),
    delete=operation("drop_bot_commands", {204: None}, errors=["forbidden", "not_found"]),
)
class BotCommandsView(_Commands):
    """The same, for staff."""

    def get(self, request: Request, bot_id: UUID) -> Response:
        """A bot's commands, by name."""
        return self.list_of(bots.require_bot(bot_id, by=viewer(request)))

    def put(self, request: Request, bot_id: UUID) -> Response:
        """Let a bot have these commands and no others."""
        return self.replace(request, bots.require_bot(bot_id, by=viewer(request)))

    def delete(self, request: Request, bot_id: UUID) -> Response:
        """Let a bot have no commands any more."""
        return self.drop(bots.require_bot(bot_id, by=viewer(request)))


@extend_schema_view(
    get=operation(
        "chat_commands",
        {200: shape({"commands": many(shape(_COMMAND | {"bot": PERSON}))})},
        errors=["not_found"],
    ),
    post=operation(
        "invoke_command",
        {201: shape({"id": ID, "bot_id": ID, "reply_until": MOMENT})},
        body=shape(
            {"command": TEXT, "text": TEXT, "bot_id": ID},
            optional=["text", "bot_id"],
            example={"command": "deploy", "text": "main"},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=[*_SAYING, "idempotency_reused"],
    ),
)
class ChatCommandsView(APIView):
    """What can be asked of the bots of a chat."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """The commands of the bots in a chat, by name, 500 at most."""
        chat = require_chat_id(chat_id)
        async_to_sync(require_seat)(chat, UserId(viewer(request).id))
        return Response({"commands": [_shape(one) | {"bot": person(one.bot)} for one in queries.listed(chat)]})

    def post(self, request: Request, chat_id: str) -> Response:
        """Invoke a command; its bot alone hears of it."""
        chat, user, body = require_chat_id(chat_id), viewer(request), body_of(request)
        asked = Asked(
            text_field(body, "command"),
            parse.optional_text(body, "text") or "",
            parse.uuid_field(body, "bot_id") if body.get("bot_id") is not None else None,
        )
        async_to_sync(commands.require_may_invoke)(chat, asked, by=UserId(user.id))

        def make() -> dict[str, Any]:
            made = commands.hand_over(chat, asked, UserId(user.id), datetime.now(UTC))
            return {"id": str(made.id), "bot_id": str(made.bot_id), "reply_until": commands.until_of(made)}

        return Response(once(user.id, key_of(request), make), status=201)


@extend_schema_view(
    post=operation(
        "answer_invocation",
        {201: shape({"id": TEXT, "private": FLAG})},
        body=shape(
            {"content": TEXT, "private": FLAG},
            optional=["private"],
            example={"content": "Deployed main.", "private": True},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=[*_SAYING, "idempotency_reused", "nonce_reused", "content_refused", "lagging"],
    )
)
class AnswersView(APIView):
    """The answers of a bot to somebody who invoked a command of it."""

    scope = "messages"

    def post(self, request: Request, invocation_id: UUID) -> Response:
        """Answer an invocation: by a message in the chat or, with `private`, to who asked and to nobody else."""
        bot, body, now = viewer(request), body_of(request), datetime.now(UTC)
        content, is_private = parse.optional_text(body, "content") or "", parse.flag_field(body, "private")
        invocation = commands.require_invocation(invocation_id, bot=bot, now=now)
        if not is_private:
            draft = messages.Draft(content, nonce=parse.nonce_of(request), retry=True)
            sent = async_to_sync(messages.send)(ChatId(invocation.chat_id), draft, sender=UserId(bot.id))
            return Response({"id": str(sent.message_id), "private": False}, status=201)
        said = async_to_sync(commands.require_may_answer)(invocation, content)

        def make() -> dict[str, Any]:
            return {"id": str(commands.answer_privately(invocation_id, said, now=now)), "private": True}

        return Response(once(bot.id, key_of(request), make), status=201)


def _offered(body: dict[str, Any]) -> Offered:
    usage = parse.optional_text(body, "usage") or ""
    return Offered(text_field(body, "name"), text_field(body, "description"), usage)


def _shape(command: BotCommand) -> dict[str, Any]:
    return {"name": command.name, "description": command.description, "usage": command.usage}
