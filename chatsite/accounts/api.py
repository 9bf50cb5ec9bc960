"""REST of people and sign-in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.accounts import describe, queries, tickets, tokens
from chatsite.accounts.api_tokens import CONNECT, require_scope
from chatsite.accounts.commands import passwords, people, sign_ins
from chatsite.accounts.models import SignIn, User
from chatsite.accounts.tokens import Token
from chatsite.gateway import consumer
from chatsite.gateway.registry import Identity
from chatsite.kernel.addresses import clean_address, site_of
from chatsite.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from chatsite.kernel.events import iso
from chatsite.kernel.limits import Ask, require, rule

REFRESH_COOKIE = "refresh"
REFRESH_PATH = "/api/auth/token"


def viewer(request: Request) -> User:
    """The person who asks; the permission class has let nobody else through."""
    if not isinstance(request.user, User):
        raise Unauthenticated()
    return request.user


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; the parser lets nothing else through."""
    return request.data if isinstance(request.data, dict) else {}


def token_of(request: Request) -> Token:
    """The access token of a request."""
    viewer(request)
    if not isinstance(request.auth, Token):
        raise Unauthenticated()
    return request.auth


def _address(request: Request) -> str:
    return clean_address(request.META.get("REMOTE_ADDR"))


def text_field(data: dict[str, Any], name: str, *, limit: int = 1_000) -> str:
    """A string field of a body; Invalid when it is missing, no string or too long."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid("expected a string that is not empty.", field=name)
    if len(value) > limit:
        raise Invalid(f"at most {limit} characters.", field=name)
    return value


class _Public(APIView):
    permission_classes = [AllowAny]
    authentication_classes = []


@describe.token
class TokenView(_Public):
    """Sign in."""

    def post(self, request: Request) -> Response:
        """Tokens for a name and password; with `cookie` the refresh token comes as a cookie."""
        pair = sign_ins.sign_in(
            text_field(body_of(request), "username"),
            text_field(body_of(request), "password"),
            user_agent=request.headers.get("User-Agent", ""),
            address=_address(request),
        )
        return _answer(request, pair)


@describe.refresh
class RefreshView(_Public):
    """Renew."""

    def post(self, request: Request) -> Response:
        """New tokens for a refresh token, which is used up."""
        return _answer(request, sign_ins.refresh(_refresh_token(request)))


@describe.logout
class LogoutView(APIView):
    """Sign out."""

    def post(self, request: Request) -> Response:
        """End the sign-in of the access token that asks."""
        sign_ins.sign_out(token_of(request).sign_in_id, user=viewer(request))
        response = Response(status=204)
        response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, samesite="Strict")
        return response


@describe.ticket
class TicketView(APIView):
    """Tickets for WebSockets."""

    permission_classes = [IsAuthenticated]
    scope = CONNECT  # it is asked below

    def post(self, request: Request) -> Response:
        """A one-use ticket that opens a WebSocket within 30 s."""
        token = token_of(request)
        require_scope(token, CONNECT)
        identity = Identity(str(token.user_id), str(token.sign_in_id), token.expires_at)
        async_to_sync(require)(Ask(rule("tickets"), identity.sign_in_id))
        ticket = async_to_sync(tickets.issue)(identity, origin=request.headers.get("Origin"))
        return Response({"ticket": ticket, "expires_in": tickets.TICKET_SECONDS}, status=201)


@describe.me
class MeView(APIView):
    """The person who asks."""

    scope = "people"  # to read: there is no scope to change a person by

    def get(self, request: Request) -> Response:
        """Oneself, with what only oneself sees."""
        return Response(_me(viewer(request)))

    def patch(self, request: Request) -> Response:
        """Change what one says of oneself, or with one's password the mail address; what is not named stays."""
        body, user = body_of(request), viewer(request)
        changes: dict[str, Any] = {
            "name": _changed(body, "name"),
            "avatar": _changed(body, "avatar", may_clear=True),
            "preferences": _preferences(body),
            "shows_reads": _flag(body, "shows_reads"),
        }
        email = _changed(body, "email", may_clear=True)
        if email is None:
            user = people.change_profile(user.id, **changes)
        else:
            password = text_field(body, "password")
            user = people.change_email(user, email=email, password=password, address=_address(request), **changes)
        return Response(_me(user))


@describe.password
class PasswordView(APIView):
    """One's password."""

    def post(self, request: Request) -> Response:
        """Change one's password; every other sign-in ends."""
        passwords.change(
            viewer(request),
            old=text_field(body_of(request), "old"),
            new=text_field(body_of(request), "new"),
            sign_in_id=token_of(request).sign_in_id,
            address=_address(request),
        )
        return Response(status=204)


@describe.reset
class ResetView(_Public):
    """A forgotten password."""

    def post(self, request: Request) -> Response:
        """Mail a link for a new password to whoever has this name or address; the answer tells nothing of them."""
        body = body_of(request)
        async_to_sync(require)(Ask(rule("resets"), site_of(_address(request))))
        passwords.ask_reset(text_field(body, "email" if "email" in body else "username", limit=254).strip())
        return Response({}, status=202)


@describe.reset_confirm
class ResetConfirmView(_Public):
    """A new password."""

    def post(self, request: Request) -> Response:
        """Set a new password with the token of the mailed link; every sign-in ends."""
        passwords.reset(text_field(body_of(request), "token"), password=text_field(body_of(request), "password"))
        return Response(status=204)


@describe.sessions
class SessionsView(APIView):
    """Where one is signed in."""

    def get(self, request: Request) -> Response:
        """One's sign-ins that still stand, the latest used first."""
        current = token_of(request).sign_in_id
        found = queries.sign_ins(viewer(request).id, now=datetime.now(UTC))
        return Response({"sessions": [_session(one) | {"current": one.id == current} for one in found]})


@describe.session
class SessionView(APIView):
    """One sign-in."""

    def delete(self, request: Request, sign_in_id: UUID) -> Response:
        """End a sign-in of one's own; its sockets close within a second."""
        sign_ins.sign_out(sign_in_id, user=viewer(request))
        return Response(status=204)


@describe.users
class UsersView(APIView):
    """Colleagues."""

    scope = "people"

    def get(self, request: Request) -> Response:
        """Colleagues whose name holds `q`."""
        found = queries.search(viewer(request), request.query_params.get("q", "")[:100])
        return Response({"users": [queries.shape(user) for user in found]})


@describe.user
class UserView(APIView):
    """One colleague."""

    scope = "people"

    def get(self, request: Request, user_id: str) -> Response:
        """A colleague; the same 404 for one who is absent and one of another company."""
        found = queries.colleagues(viewer(request)).filter(id=user_id).first()
        if found is None:
            raise NotFound()
        return Response(queries.shape(found))


@describe.server
class ServerView(_Public):
    """What this server is."""

    def get(self, request: Request) -> Response:
        """Version, features and limits."""
        return Response({"version": consumer.VERSION, "features": consumer.features(), "limits": consumer.limits()})


def _me(user: User) -> dict[str, Any]:
    companies = [{"id": str(company.id), "name": company.name} for company in user.companies.all()]
    return queries.shape(user) | {
        "email": user.email,
        "companies": companies,
        "preferences": user.preferences,
        "shows_reads": user.shows_reads,
        "is_staff": user.is_staff,
    }


def _changed(body: dict[str, Any], name: str, *, may_clear: bool = False) -> str | None:
    """A text field of a change: None where it is not named, empty where it is cleared with null."""
    if name not in body:
        return None
    if may_clear and body[name] in (None, ""):
        return ""
    return text_field(body, name)


def _preferences(body: dict[str, Any]) -> dict[str, Any] | None:
    value = body.get("preferences")
    if value is not None and not isinstance(value, dict):
        raise Invalid("expected an object.", field="preferences")
    return value


def _flag(body: dict[str, Any], name: str) -> bool | None:
    """A yes or no of a change: None where it is not named."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Invalid("expected true or false.", field=name)
    return value


def _session(row: SignIn) -> dict[str, str | bool]:
    return {
        "id": str(row.id),
        "user_agent": row.user_agent,
        "address": row.address,
        "created_at": iso(int(row.created_at.timestamp() * 1_000)),
        "used_at": iso(int(row.used_at.timestamp() * 1_000)),
    }


@describe.keys
class KeysView(_Public):
    """The keys of our tokens."""

    def get(self, request: Request) -> Response:
        """The keys that other services check access tokens with."""
        return Response({"keys": tokens.public_keys()})


def _refresh_token(request: Request) -> str:
    if not body_of(request).get("cookie"):
        return text_field(body_of(request), "refresh", limit=4_000)
    if request.headers.get("X-Requested-With") != "chat":
        # Another site can make a browser send the cookie, but not this header.
        raise Forbidden("Cookie requests need the header X-Requested-With: chat.")
    if not (text := request.COOKIES.get(REFRESH_COOKIE)):
        raise Unauthenticated()
    return text


def _answer(request: Request, pair: sign_ins.Pair) -> Response:
    body = {"access": pair.access, "expires_in": settings.TOKENS["ACCESS_SECONDS"]}
    if not body_of(request).get("cookie"):
        return Response(body | {"refresh": pair.refresh})
    response = Response(body)
    response.set_cookie(
        REFRESH_COOKIE,
        pair.refresh,
        max_age=settings.TOKENS["REFRESH_SECONDS"],
        path=REFRESH_PATH,
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response
