"""How many requests run in threads at once, who waits, and who need not."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chatsite.kernel import threads
from chatsite.kernel.threads import Scope, ThreadsMiddleware, in_threads
from tests.world import in_time


class Handler:
    """Does what Django's handler does with a middleware; its views wait until they are told to go on."""

    def __init__(self, work: Callable[[], object] | None = None) -> None:
        self.running, self.most = 0, 0
        self.go_on = asyncio.Event()
        self.middleware = ThreadsMiddleware(self._answer)
        self._work = work  # in a thread, in place of the waiting

    async def ask(self, view: Any, scope: Scope | None = None) -> HttpResponseBase:
        """The answer of a view."""
        request = HttpRequest()
        request.META["view"], request.scope = view, scope  # type: ignore[attr-defined]
        return await self.middleware(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        view = request.META["view"]
        if refused := await self.middleware.process_view(request, view, (), {}):
            return refused
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await (sync_to_async(self._work)() if self._work else self.go_on.wait())
            return HttpResponse(view.__name__)
        finally:
            self.running -= 1


def in_thread(request: HttpRequest) -> HttpResponse:
    """A view of most kinds."""
    return HttpResponse()


async def in_loop(request: HttpRequest) -> HttpResponse:
    """A view that waits without a thread."""
    return HttpResponse()


class Elsewhere:
    """What DRF keeps of a view's class."""

    waits_elsewhere = True


def elsewhere(request: HttpRequest) -> HttpResponse:
    """A view that waits for somebody's server."""
    return HttpResponse()


elsewhere.cls = Elsewhere  # type: ignore[attr-defined]


async def test_a_few_run_and_the_others_wait_in_line(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REQUESTS_AT_ONCE = 3
    monkeypatch.setattr(threads, "MAX_WAITING", 10)
    handler = Handler()
    asked = [asyncio.create_task(handler.ask(in_thread)) for _ in range(14)]
    polls = [asyncio.create_task(handler.ask(in_loop)) for _ in range(20)]
    async with in_time("one is refused"):
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    assert [one.result().status_code for one in done] == [503], "three run, ten wait"
    assert handler.running == 3 + 20, "who needs no thread does not wait"
    asked[5].cancel()
    handler.go_on.set()
    async with in_time("all are answered"):
        answers = await asyncio.gather(*asked, *polls, return_exceptions=True)
    assert [type(one) for one in answers].count(asyncio.CancelledError) == 1, "who hung up in the line leaves it"
    assert sum(isinstance(one, HttpResponse) and one.status_code == 200 for one in answers) == 12 + 20
    handler.most = 0
    await asyncio.gather(*[handler.ask(in_thread) for _ in range(10)])
    assert handler.most <= 3


async def test_who_hangs_up_leaves_its_place_taken_until_its_thread_has_ended(settings: Any) -> None:
    settings.REQUESTS_AT_ONCE = 1
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(20)

    handler = Handler(work)

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        """As Django's handler does: what asked is cancelled, whatever its thread does."""
        asked = asyncio.ensure_future(handler.ask(in_thread, scope))
        async with in_time("it runs"):
            while not begun.is_set():
                await asyncio.wait([asked], timeout=0.001)
        asked.cancel()
        await asyncio.wait([asked])

    hung_up = asyncio.create_task(in_threads(app)({}, None, None))
    async with in_time("it runs"):
        while not begun.is_set():
            await asyncio.wait([hung_up], timeout=0.001)
    next_one = asyncio.create_task(handler.ask(in_thread))
    done, _ = await asyncio.wait([hung_up, next_one], timeout=0.05)
    assert not done
    may_end.set()
    async with in_time("the next has its turn"):
        assert (await next_one).status_code == 200
    await hung_up


async def test_a_thread_is_the_next_requests_and_few_are_kept(settings: Any) -> None:
    settings.REQUESTS_AT_ONCE = 2
    ran_in: list[threading.Thread] = []
    everybody = threading.Barrier(5)

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        ran_in.append(await sync_to_async(threading.current_thread)())
        if scope:
            await sync_to_async(everybody.wait)(20)

    app_in_threads = in_threads(app)
    for _ in range(3):
        await app_in_threads({}, None, None)
    assert len(set(ran_in)) == 1
    await asyncio.gather(*[app_in_threads({"at": "once"}, None, None) for _ in range(5)])
    assert len(set(ran_in)) == 5
    async with in_time("three of them end"):
        while sum(one.is_alive() for one in set(ran_in)) > 2:
            await app_in_threads({}, None, None)
    assert len(set(ran_in)) == 5, "it takes those that are kept"


async def test_who_waits_for_strangers_holds_up_nobody(settings: Any) -> None:
    settings.REQUESTS_AT_ONCE = 1
    handler = Handler()
    asked = [asyncio.create_task(handler.ask(one)) for one in (in_thread, elsewhere, elsewhere)]
    async with in_time("all run"):
        while handler.running < 3:
            await asyncio.wait(asked, timeout=0.001)
    handler.go_on.set()
    await asyncio.gather(*asked)
