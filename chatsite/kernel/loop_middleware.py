"""Django's middleware, and that of two libraries, for the event loop; see `MIDDLEWARE` in the settings for their order.

What the API never asks for is left out of its way: sessions, and what rests on them, are for the admin and the pages.
"""

from typing import Any

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import clickjacking, common, csrf, security
from django.utils.deprecation import MiddlewareMixin
from servestatic.middleware import ServeStaticMiddleware

from chatsite.kernel.middleware import OnTheLoop, is_api, passed_on


class _PagesOnly(MiddlewareMixin):
    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return await passed_on(self, request)
        return await super().__acall__(request)


class SecurityMiddleware(OnTheLoop, security.SecurityMiddleware):
    """Leads to HTTPS, and adds headers."""


class CspMiddleware(OnTheLoop, csp.CSPMiddleware):
    """Adds the Content-Security-Policy."""


class FramingMiddleware(OnTheLoop, clickjacking.XFrameOptionsMiddleware):
    """Lets nobody frame an answer."""


class CommonMiddleware(OnTheLoop, common.CommonMiddleware):
    """Leads to the address with a slash, and says how long an answer is."""


class CsrfMiddleware(OnTheLoop, csrf.CsrfViewMiddleware):
    """Refuses forms of other sites."""

    async def process_view(self, request: HttpRequest, *view: Any) -> Any:  # type: ignore[override]
        """The refusal, or None."""
        return super().process_view(request, *view)


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Reads and writes sessions of the database, in the thread of the request."""


class UserMiddleware(_PagesOnly, OnTheLoop, auth.AuthenticationMiddleware):
    """Knows who is logged in; who that is, is read where it is asked for."""


class MessagesMiddleware(_PagesOnly, messages.MessageMiddleware):
    """Keeps the admin's notices, some of them in sessions."""


class StaticMiddleware(ServeStaticMiddleware):
    """Serves the files of the page; nothing else is looked for among them."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(self.static_prefix):
            return await passed_on(self, request)
        return await super().__call__(request)
