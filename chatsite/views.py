"""The page, and what a process supervisor asks."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, NamedTuple
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.templatetags.static import static
from django_prometheus.exports import ExportToDjangoView

from chat.stores import store
from chatsite.demo import PASSWORD, PEOPLE
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.addresses import clean_address, is_in, networks
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import DomainError, NotFound
from chatsite.kernel.eventlog import log
from chatsite.kernel.groups import groups
from chatsite.kernel.ids import ChatId, MessageId
from chatsite.kernel.metrics import consumer_lag
from chatsite.kernel.rest import problem_response
from chatsite.kernel.servers import AWAY, MOST_AHEAD_MS, database_ahead_ms
from chatsite.page import script

logger = logging.getLogger(__name__)

SCRIPT_KEPT_SECONDS = 365 * 86_400  # its address changes whenever it does
READY_SECONDS = 2.0  # for all dependencies, which are asked side by side
NO_CHAT, NO_MESSAGE = ChatId(UUID(int=0)), MessageId(0)  # the store finds nothing there, but it has looked
NOBODY = "nobody"  # a group that no process hears
FORWARDED = ("Forwarded", "X-Forwarded-For")
LOOPBACK = networks(["127.0.0.0/8", "::1/128"])


def page(request: HttpRequest) -> HttpResponse:
    """The page to chat in."""
    demo = [{"username": name, "password": PASSWORD} for name in PEOPLE] if settings.DEBUG else []
    return render(request, "chat/index.html", {"demo_people": demo, "version": script().version})


def page_script(request: HttpRequest) -> HttpResponse:
    """The page's modules in one file; of its version it is kept, and without it asked for again at each visit."""
    shown = script()
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(shown.packed if packed else shown.text, content_type="text/javascript; charset=utf-8")
    if packed:
        response["Content-Encoding"] = "gzip"
    is_named = request.GET.get("v") == shown.version
    response["Cache-Control"] = f"public, max-age={SCRIPT_KEPT_SECONDS}, immutable" if is_named else "no-cache"
    response["Vary"] = "Accept-Encoding"
    return response


def service_worker(request: HttpRequest) -> HttpResponse:
    """The page's service worker, at the root because it has no say above its own address."""
    response = render(request, "chat/sw.js", {"icon": static("chat/icon.svg")}, content_type="text/javascript")
    # A browser asks again at each visit, so that no old one stays after an update.
    response["Cache-Control"] = "no-cache"
    return response


async def live(request: HttpRequest) -> JsonResponse:
    """This process turns its loop; nothing else is asked."""
    return JsonResponse({"status": "live"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Each dependency answers in time and ids can be minted; 503 names what does not."""
    checks = {
        "database": in_db_thread(database_ahead_ms, DEFAULT_DB_ALIAS),
        "log": log().ends(),
        "stream": stream().heads([str(NO_CHAT)]),  # Its epoch alone would ask nobody.
        "store": store().get(NO_CHAT, NO_MESSAGE),
        "layer": get_channel_layer().group_send(NOBODY, {"type": "nothing"}),
    }
    answers = dict(zip(checks, await asyncio.gather(*map(_answer_of, checks.values())), strict=True))
    wrong = {name: answer.wrong for name, answer in answers.items() if answer.wrong}
    if clock_is_wrong := _clock_is_wrong(answers["database"].value):
        wrong["clock"] = clock_is_wrong
    return JsonResponse({"status": "not ready" if wrong else "ready", "wrong": wrong}, status=503 if wrong else 200)


class _Answer(NamedTuple):
    value: Any
    wrong: str


async def _answer_of(check: Awaitable[Any]) -> _Answer:
    """What a dependency says, or what is wrong with it; in so many words for everybody, the rest is in the log."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return _Answer(await check, "")
    except AWAY as error:
        logger.warning("it is away: %r", error)
        return _Answer(None, error.detail if isinstance(error, DomainError) else "no answer")


def _clock_is_wrong(ahead_ms: float | None) -> str:
    """Why no ids can be minted here, or would come out of order; empty where they can."""
    if ahead_ms is not None and abs(ahead_ms) > MOST_AHEAD_MS:
        logger.critical("ALERT the database's clock is %+d ms ahead of this machine's", ahead_ms)
        return "This machine's clock and the database's differ by more than 1 s."
    try:
        clock.version()
    except DomainError as error:
        return error.detail
    return ""


async def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads; for staff and allowed addresses, for others there is nothing here."""
    if not _may_measure(request) and not (await request.auser()).is_staff:
        return problem_response(NotFound())
    await _measure_lag()
    response: HttpResponse = ExportToDjangoView(request)
    return response


async def _measure_lag() -> None:
    """Ask how far behind the groups are; one whose log does not answer has no number, and keeps no old one."""
    names = [group.name for group in groups()]
    answers = await asyncio.gather(*[_answer_of(group.source().behind(group.name)) for group in groups()])
    for name, answer in zip(names, answers, strict=True):
        if answer.wrong:
            consumer_lag.remove(name)
        else:
            consumer_lag.labels(name).set(answer.value)


def _may_measure(request: HttpRequest) -> bool:
    """Whether an address is allowed; what an unknown proxy forwards may come from anywhere."""
    if not settings.TRUSTED_PROXIES and any(name in request.headers for name in FORWARDED):
        return False
    address = clean_address(request.META.get("REMOTE_ADDR"))
    if is_in(address, LOOPBACK) and not _names_loopback(request.headers.get("Host", "")):
        return False  # A proxy on this machine that tells nothing but the name that was asked for.
    return is_in(address, networks(settings.METRICS_ALLOW))


def _names_loopback(host: str) -> bool:
    name, _ = split_domain_port(host)
    return name == "localhost" or is_in(clean_address(name.strip("[]")), LOOPBACK)
