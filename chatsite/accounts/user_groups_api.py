"""REST of user groups: everybody of a company sees them, staff look after them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.accounts import queries
from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.accounts.commands import user_groups as commands
from chatsite.accounts.models import UserGroup
from chatsite.kernel.errors import Invalid
from chatsite.kernel.idempotency import key_of, once
from chatsite.kernel.openapi import IDEMPOTENCY_KEY, TEXT, Schema, many, operation, shape
from chatsite.kernel.openapi import UUID as ID

_FIELDS: Schema = {"name": TEXT, "members": many(ID)}
_GROUP = shape({"id": ID, **_FIELDS})
_BODY = shape(
    _FIELDS,
    optional=["members"],
    example={"name": "support", "members": ["7d5b1c1e-9a0e-4a51-8f5e-0e6f0f6a1b11"]},
)


@extend_schema_view(
    get=operation("user_groups", {200: shape({"groups": many(_GROUP)})}),
    post=operation(
        "make_user_group",
        {201: _GROUP},
        body=_BODY,
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "conflict", "not_found", "idempotency_reused"],
    ),
)
class UserGroupsView(APIView):
    """The user groups of one's companies."""

    scope = "people"

    def get(self, request: Request) -> Response:
        """The user groups of one's companies, by name."""
        return Response({"groups": [_shape(group) for group in queries.user_groups(viewer(request))]})

    def post(self, request: Request) -> Response:
        """Make a user group, of the company of who makes it; for staff."""
        body, by = body_of(request), viewer(request)
        name, members = text_field(body, "name"), _members(body) or []

        def make() -> dict[str, Any]:
            return _shape(commands.make(name, members=members, by=by))

        return Response(once(by.id, key_of(request), make), status=201)


@extend_schema_view(
    patch=operation(
        "change_user_group",
        {200: _GROUP},
        body=shape(_FIELDS, optional=list(_FIELDS), example={"name": "help"}),
        errors=["forbidden", "not_found"],
    ),
    delete=operation("drop_user_group", {204: None}, errors=["forbidden", "not_found"]),
)
class UserGroupView(APIView):
    """One of them, for staff."""

    def patch(self, request: Request, group_id: UUID) -> Response:
        """Rename a user group, or say anew who is in it."""
        body = body_of(request)
        name = text_field(body, "name") if "name" in body else None
        return Response(_shape(commands.change(group_id, name=name, members=_members(body), by=viewer(request))))

    def delete(self, request: Request, group_id: UUID) -> Response:
        """Drop a user group."""
        commands.drop(group_id, by=viewer(request))
        return Response(status=204)


def _members(body: dict[str, Any]) -> list[UUID] | None:
    given = body.get("members")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > commands.MAX_MEMBERS:
        raise Invalid(f"expected a list of at most {commands.MAX_MEMBERS} ids.", field="members")
    try:
        return [UUID(one) for one in given]
    except (ValueError, AttributeError, TypeError):
        raise Invalid("expected ids of people.", field="members") from None


def _shape(group: UserGroup) -> dict[str, Any]:
    return {
        "id": str(group.id),
        "name": group.name,
        "members": sorted(str(member.id) for member in group.members.all()),
    }
