"""The threads of requests: how many run at once, and that each is used again.

Django gives each request that waits for the database a thread and a connection. A
hundred at once want SQLite's one lock without any order, or more connections than
the pool has: some wait in vain. Here all but a few wait in a line. And a thread, with
its connections, is the next request's: to make both anew is a sixth of a small
request's CPU.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.middleware import AsyncMiddleware, GetResponse
from chatsite.kernel.rest import problem_response

MAX_WAITING = 2_000  # requests in the line of one process; over it a client is told to come again
MAX_SECONDS = 20.0  # in the line, likewise
_THREAD = "chatsite.thread"  # in the scope of a request: the place of a thread that goes on without it

P = ParamSpec("P")
R = TypeVar("R")
Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Coroutine[Any, Any, None]]


class ThreadsMiddleware(AsyncMiddleware):
    """Lets REQUESTS_AT_ONCE views run in threads, in the order they came.

    Async views pass, and those whose class says `waits_elsewhere`: no stranger's server holds up who waits here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self._free = asyncio.Semaphore(settings.REQUESTS_AT_ONCE)
        self._waiting = 0

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return await self.get_response(request)
        except asyncio.CancelledError:
            # Who asked has hung up, and the thread goes on: `in_threads` waits for it.
            if getattr(request, "has_thread", False):
                request.has_thread = False  # type: ignore[attr-defined]
                request.scope[_THREAD] = self._free  # type: ignore[attr-defined]
            raise
        finally:
            if getattr(request, "has_thread", False):
                self._free.release()

    async def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Wait for one's turn; by then the whole body is here, so that a slow client holds up nobody."""
        if iscoroutinefunction(view) or getattr(getattr(view, "cls", None), "waits_elsewhere", False):
            return None
        if not await self._has_turn():
            return problem_response(Unavailable(code="store_unavailable", retry_after_ms=1_000))
        request.has_thread = True  # type: ignore[attr-defined]
        return None

    async def _has_turn(self) -> bool:
        """Wait in the line; False where it is too long, or took too long."""
        if self._waiting >= MAX_WAITING:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_SECONDS):
                return await self._free.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1


def in_threads(app: App) -> App:
    """An ASGI app of Django, whose requests run in threads that ran others before.

    Where a client hung up, the place in `ThreadsMiddleware` is free again when its thread has ended.
    """
    idle: list[ThreadPoolExecutor] = []

    async def threaded(scope: Scope, receive: Any, send: Any) -> None:
        thread = _Borrowed(idle)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await app(scope, receive, send)
        finally:
            try:
                await thread.ended()
            finally:
                thread.give_back(most=settings.REQUESTS_AT_ONCE)
                if (free := scope.pop(_THREAD, None)) is not None:
                    free.release()

    return threaded


class _Borrowed(Executor):
    """A thread of those that nobody uses, from the first thing that is done in it on."""

    def __init__(self, idle: list[ThreadPoolExecutor]) -> None:
        self._idle = idle
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        """Do something in it."""
        if self._thread is None:
            self._thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        self._last = done = self._thread.submit(fn, *args, **kwargs)
        return done

    async def ended(self) -> None:
        """Wait until nothing is done in it any more: what a client has hung up on goes on."""
        if self._last is not None and not self._last.done():
            await asyncio.wait([asyncio.wrap_future(self._last)])

    def give_back(self, *, most: int) -> None:
        """Let another request have it; over so many idle ones it ends, and its connections with it."""
        if self._thread is None or self._last is None:
            return
        if len(self._idle) < most and self._last.done():
            self._idle.append(self._thread)
        else:
            self._thread.submit(connections.close_all)
            self._thread.shutdown(wait=False)
