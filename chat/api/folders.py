"""REST of one's folders."""

from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import parse
from chat.api.chats import one
from chat.api.describe import CHAT
from chat.commands import folders as commands
from chat.models import Folder
from chat.queries import folders as queries
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel import openapi
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.openapi import IDEMPOTENCY_KEY, TEXT, many, nullable, operation, shape

FOLDER = shape({"id": openapi.UUID, "name": TEXT})
_NAMED = shape({"name": TEXT}, example={"name": "Projects"})


@extend_schema_view(
    get=operation("folders", {200: shape({"folders": many(FOLDER)})}),
    post=operation(
        "make_folder",
        {201: FOLDER},
        body=_NAMED,
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "conflict", "idempotency_reused", "clock_skew"],
    ),
)
class FoldersView(APIView):
    """The folders of one's list of chats."""

    scope = "chats"

    def get(self, request: Request) -> Response:
        """One's folders by name, 100 at most."""
        return Response({"folders": [_shape(each) for each in queries.of(viewer(request))]})

    def post(self, request: Request) -> Response:
        """Make a folder."""
        user, name = viewer(request), text_field(body_of(request), "name")
        made = once(user.id, key_of(request), lambda: _shape(commands.make(name, user=user)))
        return Response(made, status=201)


@extend_schema_view(
    patch=operation("rename_folder", {200: FOLDER}, body=_NAMED, errors=["not_found", "conflict", "clock_skew"]),
    delete=operation("delete_folder", {204: None}, errors=["not_found", "clock_skew"]),
)
class FolderView(APIView):
    """One of them."""

    scope = "chats"

    def patch(self, request: Request, folder_id: UUID) -> Response:
        """Rename a folder."""
        folder = commands.rename(folder_id, text_field(body_of(request), "name"), user=viewer(request))
        return Response(_shape(folder))

    def delete(self, request: Request, folder_id: UUID) -> Response:
        """Delete a folder; its chats stay, in no folder."""
        commands.delete(folder_id, user=viewer(request))
        return Response(status=204)


@extend_schema_view(
    put=operation(
        "put_in_folder",
        {200: CHAT},
        body=shape(
            {"folder_id": nullable(openapi.UUID)}, example={"folder_id": "b1a5a6d4-3a55-4a0c-8a1f-5d8b6a0c7e21"}
        ),
        errors=["not_found", "clock_skew"],
    )
)
class ChatFolderView(APIView):
    """In which folder one has a chat."""

    scope = "chats"

    def put(self, request: Request, chat_id: str) -> Response:
        """Put a chat in a folder of one's own, or in none."""
        chat, user = parse.path_uuid(chat_id), viewer(request)
        text = parse.optional_text(body_of(request), "folder_id")
        commands.put(chat, parse.uuid_field(body_of(request), "folder_id") if text else None, user=user)
        return Response(one(chat, user))


def _shape(folder: Folder) -> dict[str, str]:
    return {"id": str(folder.id), "name": folder.name}
