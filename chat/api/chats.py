"""REST of chats."""

from itertools import chain
from uuid import UUID

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import describe, parse, shapes
from chat.api.waiting import wait_for
from chat.commands import chats as commands
from chat.commands import favourites, notifications
from chat.queries import chats as queries
from chat.queries.chats import Membership
from chat.queries.unread import copied
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.models import User
from chatsite.accounts.queries import people
from chatsite.gateway.streams import stream
from chatsite.kernel.errors import Invalid
from chatsite.kernel.eventlog import Positions
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.ids import MAX_ID, UserId


@describe.chats
class ChatsView(APIView):
    """One's chats."""

    scope = "chats"

    def get(self, request: Request) -> Response:
        """The viewer's chats, the latest first; with `changed_since` also what they are in no longer."""
        user = viewer(request)
        since = parse.number_param(request, "changed_since", 0, lowest=0, highest=MAX_ID)
        done = async_to_sync(copied)()
        found = queries.page(
            user,
            words=request.query_params.get("q", "")[:100],
            changed_since=since,
            after=request.query_params.get("after"),
        )
        shown = found[: queries.PAGE]
        following = queries.cursor(shown[-1]) if len(found) > len(shown) else None
        body: shapes.Json = {"chats": shown_to(user, shown, done=done), "next": following}
        if since:
            body["removed"] = queries.removed_since(user, since)
        return Response(body, headers=parse.link_to_next(request, following))

    def post(self, request: Request) -> Response:
        """Make a group, a chat for announcements or a public one; staff also one of the whole company."""
        kind = text_field(body_of(request), "chat_type")
        if kind not in commands.KINDS:
            raise Invalid(
                f"expected one of {', '.join(commands.KINDS)}; for direct POST chats/direct.", field="chat_type"
            )
        creator = viewer(request)
        name, people = text_field(body_of(request), "name"), parse.uuid_list(body_of(request), "participants")

        def create() -> dict[str, str]:
            chat, event_id = commands.create(creator=creator, name=name, people=people, kind=kind)
            return {"chat": str(chat.id), "event": event_id}

        made = once(creator.id, key_of(request), create)
        wait_for(made["event"])
        return Response(one(UUID(made["chat"]), creator), status=201)


@describe.direct
class DirectView(APIView):
    """The chat of two people, or of a few."""

    scope = "chats"

    def post(self, request: Request) -> Response:
        """One's direct chat with somebody or a few: 201 when it is new, 200 when it was there."""
        creator, body = viewer(request), body_of(request)
        several = "user_ids" in body
        with_whom = parse.uuid_list(body, "user_ids") if several else [parse.uuid_field(body, "user_id")]

        def create() -> dict[str, str | None]:
            chat, event_id = commands.direct(creator=creator, with_whom=with_whom)
            return {"chat": str(chat.id), "event": event_id}

        made = once(creator.id, key_of(request), create)
        if made["event"] is not None:
            wait_for(made["event"])
        return Response(one(UUID(made["chat"]), creator), status=200 if made["event"] is None else 201)


@describe.chat
class ChatView(APIView):
    """One chat."""

    scope = "chats"

    def get(self, request: Request, chat_id: str) -> Response:
        """A chat the viewer is in."""
        return Response(one(parse.path_uuid(chat_id), viewer(request)))

    def patch(self, request: Request, chat_id: str) -> Response:
        """Change a chat's name, description, permissions, slow mode, expiry or link previews."""
        changes = {name: value for name, value in body_of(request).items() if name in commands.CHANGEABLE}
        if not changes:
            raise Invalid(f"give one of {', '.join(commands.CHANGEABLE)}.", field="name")
        chat = commands.update(parse.path_uuid(chat_id), changes, by=viewer(request))
        return Response(one(chat.id, viewer(request)))

    def delete(self, request: Request, chat_id: str) -> Response:
        """Archive a chat; with `hard=true` delete it for good, which answers a receipt."""
        hard = request.query_params.get("hard", "false")
        if hard not in ("true", "false"):
            raise Invalid("expected true or false.", field="hard")
        if hard == "true":
            receipt = commands.erase(parse.path_uuid(chat_id), by=viewer(request))
            return Response(shapes.receipt(receipt), status=202)
        commands.archive(parse.path_uuid(chat_id), by=viewer(request))
        return Response(status=204)


@describe.restore
class RestoreView(APIView):
    """Bringing an archived chat back."""

    scope = "chats"

    def post(self, request: Request, chat_id: str) -> Response:
        """Restore an archived chat: it goes on."""
        commands.restore(parse.path_uuid(chat_id), by=viewer(request))
        return Response(one(parse.path_uuid(chat_id), viewer(request)))


@describe.receipt
class ReceiptView(APIView):
    """What was erased for good."""

    scope = "chats"

    def get(self, request: Request, receipt_id: UUID) -> Response:
        """The receipt of what was erased, for who erased it; `finished_at` is set once every store has let go."""
        return Response(shapes.receipt(queries.require_receipt(receipt_id, viewer(request))))


@describe.notifications
class NotificationsView(APIView):
    """Whether one wants to be notified of a chat."""

    scope = "chats"

    def put(self, request: Request, chat_id: str) -> Response:
        """Say what one wants to be notified of, or mute the chat for oneself until a time, or no longer."""
        chat, user, body = parse.path_uuid(chat_id), viewer(request), body_of(request)
        level, until = parse.level_field(body), parse.moment_field(body, "muted_until")
        if level is not None:
            notifications.set_level(chat, level, user=user)
        if level is None or "muted_until" in body:
            notifications.mute_for_oneself(chat, user=user, until=until)
        return Response(one(chat, user))


@describe.favourite
class FavouriteView(APIView):
    """Whether a chat is first in one's list."""

    scope = "chats"

    def put(self, request: Request, chat_id: str) -> Response:
        """Make a chat one of one's favourites."""
        return self._set(request, chat_id, favourite=True)

    def delete(self, request: Request, chat_id: str) -> Response:
        """Let a chat be no favourite any more."""
        return self._set(request, chat_id, favourite=False)

    def _set(self, request: Request, chat_id: str, *, favourite: bool) -> Response:
        chat, user = parse.path_uuid(chat_id), viewer(request)
        favourites.set_favourite(chat, user=user, favourite=favourite)
        return Response(one(chat, user))


def one(chat_id: UUID, user: User) -> shapes.Json:
    """A chat as one of its participants sees it."""
    done = async_to_sync(copied)()
    return shown_to(user, [queries.require_participant(chat_id, user)], done=done)[0]


def shown_to(user: User, memberships: list[Membership], *, done: Positions) -> list[shapes.Json]:
    """Chats as one of their participants sees them; the number of queries does not depend on how many.

    `done` is what `copied()` said before they were read.
    """
    counts = async_to_sync(queries.counts)(UserId(user.id), memberships, done=done)
    epoch = async_to_sync(stream().epoch)()
    peers = queries.peers(user, memberships)
    users = people({*shapes.preview_senders(memberships), *chain(*peers.values())})
    return [shapes.chat(row, counts, epoch, users, peers=peers.get(row.chat.id, ())) for row in memberships]
