"""REST of threads: what is said under a message, following it, how far one has read it."""

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.messages import at_least, links, page_body
from chat.commands import threads as commands
from chat.queries import threads as queries
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import UserId, read_id


@describe.thread
class ThreadView(APIView):
    """What is said under a message."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        """The message and a page of its thread, oldest first."""
        given = [name for name in ("before", "after") if name in request.query_params]
        if len(given) > 1:
            raise Invalid("give one of before and after.", field="after")
        cursors = {name: read_id(request.query_params[name], name) for name in given}
        limit = parse.number_param(request, "limit", parse.DEFAULT_LIMIT, lowest=1, highest=parse.MAX_LIMIT)
        chat, root, user = require_chat_id(chat_id), read_id(message_id, "id"), UserId(viewer(request).id)
        found = async_to_sync(queries.page)(chat, root, viewer=user, **cursors, limit=limit, at_least=at_least(request))
        threads = async_to_sync(queries.under)([found.root], viewer=user)
        states, given_to = [found.root, *found.page.messages], found.page.reactions
        root_shown, *shown = shapes.messages(states, given_to, viewer=str(user), threads=threads)
        return Response(page_body(found.page, shown) | {"root": root_shown}, headers=links(request, found.page, limit))


@describe.follow
class FollowView(APIView):
    """Whether one follows a thread."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Follow the thread under the message."""
        chat, root, user = require_chat_id(chat_id), read_id(message_id, "id"), UserId(viewer(request).id)
        return Response(shapes.thread(async_to_sync(commands.follow)(chat, root, by=user).thread))

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Follow a thread no longer, until one replies in it again."""
        chat, root, user = require_chat_id(chat_id), read_id(message_id, "id"), UserId(viewer(request).id)
        return Response(shapes.thread(async_to_sync(commands.unfollow)(chat, root, by=user).thread))


@describe.thread_read
class ThreadReadView(APIView):
    """How far one has read a thread."""

    scope = "messages"

    def put(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Say that a message of the thread and all before it are read; with `unread` it and all after it are not."""
        body = body_of(request)
        command = commands.unread_from if parse.flag_field(body, "unread") else commands.read
        moved = async_to_sync(command)(
            require_chat_id(chat_id),
            read_id(message_id, "id"),
            read_id(text_field(body, "message_id"), "message_id"),
            reader=UserId(viewer(request).id),
        )
        return Response(shapes.thread(moved.thread))


@describe.threads
class ThreadsView(APIView):
    """The threads that one follows."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """The messages above the threads that one follows and may still read, the latest reply first."""
        user, before = UserId(viewer(request).id), request.query_params.get("before")
        found = async_to_sync(queries.followed)(
            viewer=user,
            before=read_id(before, "before") if before is not None else None,
            limit=parse.number_param(request, "limit", parse.DEFAULT_LIMIT, lowest=1, highest=parse.MAX_LIMIT),
        )
        following = str(found.next) if found.next is not None else None
        shown = shapes.messages(found.roots, found.reactions, viewer=str(user), threads=found.threads)
        body = {"threads": shown, "next": following}
        return Response(body, headers=parse.link_to_next(request, following, name="before"))
