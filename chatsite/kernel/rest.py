"""The REST edge: problem+json errors, request ids, fast JSON."""

import contextvars
import logging
import re
import uuid
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote

import orjson
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from chatsite.kernel.errors import (
    CODES,
    DomainError,
    Internal,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from chatsite.kernel.errors import UnsupportedMedia as UnsupportedMediaType
from chatsite.kernel.middleware import AsyncMiddleware, is_api
from chatsite.kernel.text import ESCAPED_NUL, require_text

logger = logging.getLogger(__name__)
request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
MAX_BODY = 256 * 1024  # bytes; a message of 8,000 code points is at most 96 kB as escaped JSON
NO_METHOD = "This address does not take this method."
AWAY = (OperationalError, InterfaceError)  # the database is locked for too long, or away
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware(AsyncMiddleware):
    """Takes or makes X-Request-ID, refuses what is asked of nobody, and marks API answers as private."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex)
        try:
            if "\x00" in unquote(request.get_full_path()):
                response: HttpResponseBase = problem_response(Invalid("NUL is no text.", field="address"))
            elif is_api(request) and not _is_ours(request):
                unknown = Invalid("this server does not go by that name: see CHAT_ALLOWED_HOSTS.", field="host")
                response = problem_response(unknown)
            else:
                response = await self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            if is_api(request):
                response["Cache-Control"] = "private, no-store"
            return response
        finally:
            request_id.reset(token)


def _is_ours(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


class JSONRenderer(BaseRenderer):
    """Answers as JSON by orjson."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The bytes of an answer; none for an answer without a body."""
        return b"" if data is None else orjson.dumps(data)


class JSONParser(BaseParser):
    """Reads a JSON object; a lone surrogate or NUL in it is an error of the client."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object of the body, or Invalid with what is wrong."""
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise TooLarge(f"The body may have {MAX_BODY} bytes.")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Invalid(f"The body is not JSON: {error}", code="bad_frame") from None
        if not isinstance(data, dict):
            raise Invalid("The body must be a JSON object.", code="bad_frame")
        if ESCAPED_NUL.encode() in body:
            require_text(data)
        return data


def problem(error: Exception, context: dict[str, Any]) -> Response:
    """Translate whatever a view raised to RFC 9457 problem details."""
    refused = _domain_error(error)
    # The table has no code of its own for a method that a route lacks; HTTP has a status for it.
    status = 405 if isinstance(error, exceptions.MethodNotAllowed) else refused.status
    if isinstance(refused, Internal):
        logger.error("request %s failed", request_id.get(), exc_info=error)
    elif isinstance(error, AWAY):
        logger.warning("request %s found no database: %s", request_id.get(), error)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": NO_METHOD if status == 405 else CODES[refused.code].sentence,
        "status": status,
        "code": refused.code,
        "detail": refused.detail,
        "errors": [],
        "request_id": request_id.get(),
    }
    if isinstance(refused, Invalid) and refused.field:
        body["errors"] = [{"field": refused.field, "detail": refused.detail}]
    headers = {}
    if refused.retry_after_ms:
        headers["Retry-After"] = str(-(-refused.retry_after_ms // 1_000))
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, status=status, headers=headers, content_type="application/problem+json")


def _domain_error(error: Exception) -> DomainError:
    match error:
        case DomainError():
            return error
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType(f"{error.detail} Send JSON, with the header Content-Type: application/json.")
        case exceptions.MethodNotAllowed():
            return Invalid(f"{error.detail}", code="unknown_type")
        case Http404() | exceptions.NotFound():
            return NotFound()
        case exceptions.ParseError() | exceptions.ValidationError():
            return Invalid(f"{error.detail}")
        case OperationalError() | InterfaceError():
            return unavailable()
    return Internal()


def unavailable() -> Unavailable:
    """The refusal where the database is locked or away: what was asked may be asked again."""
    return Unavailable(code="store_unavailable", retry_after_ms=1_000)


def problem_response(error: DomainError) -> HttpResponse:
    """The same problem details for what is refused outside of a view."""
    answer = problem(error, {})
    headers = dict(answer.headers) | {"Content-Type": "application/problem+json"}
    return HttpResponse(orjson.dumps(answer.data), status=error.status, headers=headers)


@csrf_exempt
def not_found(request: HttpRequest, anything: str = "") -> HttpResponse:
    """The answer to an API address that no other route serves."""
    return problem_response(NotFound())
