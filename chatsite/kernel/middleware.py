"""What middleware has in common here: it awaits the rest of the way, and is never run in a thread."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from servestatic.middleware import ServeStaticMiddleware

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def is_api(request: HttpRequest) -> bool:
    """Whether a request is one of the API, and none of a page."""
    return request.path.startswith("/api/")


async def passed_on(by: MiddlewareMixin | ServeStaticMiddleware, request: HttpRequest) -> HttpResponseBase:
    """The answer of the rest of the way from a middleware of others."""
    awaited: Any = by.get_response(request)  # An awaitable here; the stubs cannot tell.
    response: HttpResponseBase = await awaited
    return response


class AsyncMiddleware:
    """A middleware whose `__call__` is a coroutine."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer to a request."""
        return await self.get_response(request)


class OnTheLoop(MiddlewareMixin):
    """For a middleware of Django's kind that waits for nothing: its hooks are called without a hop through a thread.

    A hop takes a tenth of a millisecond, and Django takes one for each hook.
    """

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        ask, tell = getattr(self, "process_request", None), getattr(self, "process_response", None)
        response: HttpResponseBase | None = ask(request) if ask else None
        if response is None:
            response = await passed_on(self, request)
        return tell(request, response) if tell else response
