"""REST of messages: send, history, one."""

import msgspec
from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.commands import changes
from chat.commands import messages as commands
from chat.commands.changes import Changed
from chat.commands.messages import Sent
from chat.commands.turns import shown
from chat.fold import Stamped, apply
from chat.queries import messages as queries
from chat.queries import threads
from chat.queries.participants import chat_id as require_chat_id
from chatsite.accounts.api import body_of, viewer
from chatsite.accounts.models import User
from chatsite.kernel.errors import Invalid, NotFound, NotSupported, Unavailable
from chatsite.kernel.ids import ChatId, MessageId, UserId, read_id, version_of

MAX_POS = (1 << 53) - 1


@describe.messages
class MessagesView(APIView):
    """The messages of a chat."""

    scope = "messages"

    def get(self, request: Request, chat_id: str) -> Response:
        """A page of history, oldest first."""
        given = [name for name in ("before", "after", "around", "at") if name in request.query_params]
        if len(given) > 1:
            raise Invalid("give one of before, after, around and at.", field=given[1])
        cursors = {name: read_id(request.query_params[name], name) for name in given if name != "at"}
        if (moment := parse.moment_param(request, "at")) is not None:
            cursors["around"] = moment
        limit = parse.number_param(request, "limit", parse.DEFAULT_LIMIT, lowest=1, highest=parse.MAX_LIMIT)
        user = viewer(request)
        page = async_to_sync(queries.page)(
            require_chat_id(chat_id),
            viewer=UserId(user.id),
            **cursors,
            limit=limit,
            at_least=at_least(request),
        )
        under = async_to_sync(threads.under)(page.messages, viewer=UserId(user.id))
        shown = shapes.messages(page.messages, page.reactions, viewer=str(user.id), threads=under)
        body = page_body(page, shown)
        return Response(body, headers=links(request, page, limit))

    def post(self, request: Request, chat_id: str) -> Response:
        """Say something; a repeated nonce answers 200 with the first message.

        Who is mentioned is said by `mentions`: ids of people, `group:` and the id of a user group, `all` or `here`. A
        name in the text alone, such as `@ada`, mentions nobody.
        """
        if body_of(request).get("attachments"):
            raise NotSupported("attachments belongs to a later version.")
        content = parse.optional_text(body_of(request), "content")
        reply_to = parse.optional_text(body_of(request), "reply_to_id")
        thread = parse.optional_text(body_of(request), "thread_id")
        chat, user = require_chat_id(chat_id), viewer(request)
        draft = commands.Draft(
            content or "",
            nonce=parse.nonce_of(request),
            retry=True,
            reply_to=read_id(reply_to, "reply_to_id") if reply_to is not None else None,
            thread=read_id(thread, "thread_id") if thread is not None else None,
            mentions=parse.text_list(body_of(request), "mentions"),
            important=parse.flag_field(body_of(request), "important"),
            poll=parse.poll_field(body_of(request)),
        )
        sent = async_to_sync(commands.send)(chat, draft, sender=UserId(user.id))
        return Response(sent_one(sent, user), status=200 if sent.repeated else 201)


@describe.message
class MessageView(APIView):
    """One message."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        """A message of a chat the viewer is in."""
        return Response(one(require_chat_id(chat_id), read_id(message_id, "id"), viewer(request)))

    def patch(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Change the text of one's own message."""
        return self._changed(
            request,
            async_to_sync(changes.edit)(
                require_chat_id(chat_id),
                read_id(message_id, "id"),
                editor=UserId(viewer(request).id),
                content=parse.optional_text(body_of(request), "content") or "",
            ),
        )

    def delete(self, request: Request, chat_id: str, message_id: str) -> Response:
        """Take a message back; its tombstone is the answer. It says why, where a reason is given."""
        return self._changed(
            request,
            async_to_sync(changes.delete)(
                require_chat_id(chat_id),
                read_id(message_id, "id"),
                by=UserId(viewer(request).id),
                reason=parse.optional_text(body_of(request), "reason"),
            ),
        )

    def _changed(self, request: Request, changed: Changed) -> Response:
        return Response(changed_one(changed, viewer(request)))


@describe.edits
class EditsView(APIView):
    """The earlier texts of a message."""

    scope = "messages"

    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        """The earlier texts of a message, oldest first; nothing of a deleted one."""
        found = async_to_sync(queries.edits)(
            require_chat_id(chat_id), read_id(message_id, "id"), viewer=UserId(viewer(request).id)
        )
        return Response({"edits": [shapes.edit(one) for one in found]})


def one(chat: ChatId, message: MessageId, user: User) -> shapes.Json:
    """A message as somebody sees it."""
    state = async_to_sync(queries.require_message)(chat, message, viewer=UserId(user.id))
    reactions = async_to_sync(queries.reactions)(chat, [state], viewer=UserId(user.id))
    under = async_to_sync(threads.under)([state], viewer=UserId(user.id))
    return shapes.messages([state], reactions, viewer=str(user.id), threads=under)[0]


def sent_one(sent: Sent, user: User) -> shapes.Json:
    """A message as its sender sees it once it is durable; its pos is null where reads show it only later."""
    is_shown = async_to_sync(shown)(sent.chat_id, sent.pos)
    try:
        state = async_to_sync(queries.require_message)(sent.chat_id, sent.message_id, viewer=UserId(user.id))
    except (NotFound, Unavailable):
        if not sent.event.content:
            raise  # A forward is tried again and its source is gone: here only the nonce is known of it.
        # It is durable whatever a read can see of it yet, or whether its sender was removed meanwhile.
        state = apply(None, Stamped(sent.event, version_of(sent.message_id), sent.pos))
    if (taken := sent.event.forwarded_from) and state.forwarded_from:
        # Recent events do not say where it was taken from; its sender knows.
        whole = msgspec.structs.replace(state.forwarded_from, room_id=taken.room_id, message_id=taken.message_id)
        state = msgspec.structs.replace(state, forwarded_from=whole)
    body = shapes.messages([state], {}, viewer=str(user.id))[0]
    return body if is_shown else body | {"pos": None}


def changed_one(changed: Changed, user: User) -> shapes.Json:
    """A message once a following read shows the change, or after half a second."""
    async_to_sync(shown)(changed.chat_id, changed.pos)
    return one(changed.chat_id, changed.message_id, user)


def at_least(request: Request) -> int:
    """What the page must show, as a pos; 0 where it may be late."""
    return parse.number_param(request, "at_least", 0, lowest=0, highest=MAX_POS)


def page_body(page: queries.Page, messages: list[shapes.Json]) -> shapes.Json:
    """A page of messages, shown already."""
    following = str(page.next_before) if page.next_before is not None else None
    body = page._asdict() | {"messages": messages, "next_before": following}
    del body["reactions"]
    return body


def links(request: Request, page: queries.Page, limit: int) -> dict[str, str]:
    """The Link header: the pages before and after this one."""
    links = []
    base = request.build_absolute_uri(request.path)
    before = (
        page.next_before if page.next_before is not None else page.messages[0].message_id if page.messages else None
    )
    if page.has_before and before is not None:
        links.append(f'<{base}?before={before}&limit={limit}>; rel="prev"')
    if page.has_after and page.messages:
        links.append(f'<{base}?after={page.messages[-1].message_id}&limit={limit}>; rel="next"')
    return {"Link": ", ".join(links)} if links else {}
