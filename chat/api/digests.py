"""REST of the mails of what was missed."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.commands import digests as commands
from chat.digests import Frequency
from chat.queries.digests import find
from chatsite.accounts.api import body_of, viewer
from chatsite.accounts.models import User
from chatsite.kernel import limits
from chatsite.kernel.errors import Invalid
from chatsite.kernel.limits import Ask
from chatsite.kernel.openapi import FLAG, Schema, operation, shape

_FREQUENCY: Schema = {"type": "string", "enum": [str(one) for one in Frequency]}
_DIGEST: Schema = {"frequency": _FREQUENCY, "is_available": FLAG, "has_address": FLAG}


@extend_schema_view(
    get=operation("mail_digest", {200: shape(_DIGEST)}),
    put=operation(
        "choose_mail_digest",
        {200: shape(_DIGEST)},
        body=shape({"frequency": _FREQUENCY}, example={"frequency": "daily"}),
        errors=["conflict", "not_supported"],
    ),
)
class MailDigestView(APIView):
    """What one missed, by mail."""

    def get(self, request: Request) -> Response:
        """How often one wants mails of what one missed; whether this server mails them, and one has an address."""
        return Response(_shape(viewer(request)))

    def put(self, request: Request) -> Response:
        """Say how often one is mailed how much is unread where while one is away, never what it says."""
        user, given = viewer(request), body_of(request).get("frequency")
        if given not in list(Frequency):
            raise Invalid(f"expected one of {', '.join(Frequency)}.", field="frequency")
        commands.choose(Frequency(given), user=user)
        return Response(_shape(user))


@extend_schema_view(post=operation("try_mail_digest", {202: shape({})}, errors=["conflict", "not_supported"]))
class TryMailDigestView(APIView):
    """A test of it."""

    def post(self, request: Request) -> Response:
        """Mail one a test of the mails of what one missed, soon."""
        user = viewer(request)
        async_to_sync(limits.require)(Ask(limits.rule("mail_tests"), str(user.id)))
        commands.mail_test(user=user)
        return Response({}, status=202)


def _shape(user: User) -> dict[str, Any]:
    chosen = find(user.id)
    frequency = chosen.frequency if chosen else Frequency.NEVER
    return {"frequency": frequency, "is_available": settings.MAIL_DIGEST, "has_address": bool(user.email)}
