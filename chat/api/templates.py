"""REST of templates."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import templates
from chat.api import parse
from chat.commands import templates as commands
from chat.models import MessageTemplate
from chat.queries import by_name
from chat.queries import templates as queries
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.openapi import IDEMPOTENCY_KEY, NUMBER, TEXT, Schema, many, nullable, operation, query, shape
from chatsite.kernel.openapi import UUID as ID

_TEMPLATE = shape(
    {
        "id": ID,
        "chat_id": nullable(ID),
        "company_id": nullable(ID),
        "name": TEXT,
        "content": TEXT,
        "places": many(TEXT),
        "version": NUMBER,
    }
)
_NEW: Schema = {"name": TEXT, "content": TEXT, "chat_id": ID, "company_id": ID}
_CHANGES: Schema = {"name": TEXT, "content": TEXT}
_REFUSED = ("forbidden", "not_found", "conflict", "archived", "clock_skew")
MAX_CONTENT = 100_000  # characters that are read; the command says how many a message may have


@extend_schema_view(
    get=operation(
        "templates",
        {200: shape({"templates": many(_TEMPLATE), "next": nullable(TEXT)})},
        parameters=[
            query("chat", ID, "of the chats only this one's, beside one's own and one's companies'"),
            query("after", TEXT, "the `next` of the page before"),
        ],
        errors=["invalid_field", "not_found"],
    ),
    post=operation(
        "make_template",
        {201: _TEMPLATE},
        body=shape(
            _NEW,
            optional=["chat_id", "company_id"],
            example={"name": "Thanks", "content": "Thank you, {name}! We answer by {day}."},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=[*_REFUSED, "idempotency_reused"],
    ),
)
class TemplatesView(APIView):
    """Texts to say again and again."""

    scope = "messages"

    def get(self, request: Request) -> Response:
        """The templates that one may use, by name, 200 at a time."""
        chat, after = request.query_params.get("chat"), request.query_params.get("after")
        found = queries.page(viewer(request), chat_id=parse.path_uuid(chat) if chat else None, after=after)
        shown = found[: queries.PAGE]
        following = by_name.cursor(shown[-1]) if len(found) > len(shown) else None
        body = {"templates": [_shape(one) for one in shown], "next": following}
        return Response(body, headers=parse.link_to_next(request, following))

    def post(self, request: Request) -> Response:
        """Make a template: of a chat, by its moderators; of a company, by staff; where none is named one's own."""
        body, user = body_of(request), viewer(request)
        chat, company = _optional_id(body, "chat_id"), _optional_id(body, "company_id")
        if chat and company:
            raise Invalid("it is of a chat or of a company.", field="company_id")

        def make() -> dict[str, Any]:
            name, content = text_field(body, "name"), text_field(body, "content", limit=MAX_CONTENT)
            return _shape(commands.make(name, content, user=user, chat_id=chat, company_id=company))

        return Response(once(user.id, key_of(request), make), status=201)


@extend_schema_view(
    get=operation("template", {200: _TEMPLATE}, errors=["not_found"]),
    patch=operation(
        "change_template",
        {200: _TEMPLATE},
        body=shape(_CHANGES, optional=list(_CHANGES), example={"name": "Many thanks"}),
        errors=_REFUSED,
    ),
    delete=operation("delete_template", {204: None}, errors=_REFUSED),
)
class TemplateView(APIView):
    """One of them."""

    scope = "messages"

    def get(self, request: Request, template_id: UUID) -> Response:
        """A template that one may use."""
        return Response(_shape(queries.require(template_id, viewer(request))))

    def patch(self, request: Request, template_id: UUID) -> Response:
        """Change a template's name or text."""
        body = body_of(request)
        name, content = parse.optional_text(body, "name"), parse.optional_text(body, "content")
        return Response(_shape(commands.change(template_id, name=name, content=content, user=viewer(request))))

    def delete(self, request: Request, template_id: UUID) -> Response:
        """Delete a template."""
        commands.delete(template_id, user=viewer(request))
        return Response(status=204)


@extend_schema_view(
    post=operation(
        "fill_template",
        {200: shape({"content": TEXT})},
        body=shape({"values": {"type": "object", "additionalProperties": TEXT}}, example={"values": {"name": "Ben"}}),
        errors=["not_found"],
    )
)
class FilledView(APIView):
    """What one says with a template."""

    scope = "messages"

    def post(self, request: Request, template_id: UUID) -> Response:
        """The text of a template with its places filled in; each needs a value."""
        values = body_of(request).get("values")
        if not isinstance(values, dict):
            raise Invalid("expected an object.", field="values")
        return Response({"content": templates.filled(queries.require(template_id, viewer(request)).content, values)})


def _optional_id(body: dict[str, Any], name: str) -> UUID | None:
    return parse.uuid_field(body, name) if body.get(name) is not None else None


def _shape(row: MessageTemplate) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "chat_id": str(row.chat_id) if row.chat_id else None,
        "company_id": str(row.company_id) if row.company_id else None,
        "name": row.name,
        "content": row.content,
        "places": templates.places(row.content),
        "version": row.version,
    }
