"""The page, and what a process supervisor asks."""

import asyncio

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django_prometheus.exports import ExportToDjangoView

from chatsite.demo import PASSWORD, PEOPLE
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.addresses import clean_address, is_in, networks
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import DomainError, NotFound
from chatsite.kernel.eventlog import log
from chatsite.kernel.groups import groups
from chatsite.kernel.metrics import consumer_lag
from chatsite.kernel.rest import problem_response

READY_SECONDS = 2.0
FORWARDED = ("Forwarded", "X-Forwarded-For")
LOOPBACK = networks(["127.0.0.0/8", "::1/128"])


def page(request: HttpRequest) -> HttpResponse:
    """The page to chat in."""
    demo = [{"username": name, "password": PASSWORD} for name in PEOPLE] if settings.DEBUG else []
    return render(request, "chat/index.html", {"demo_people": demo})


async def live(request: HttpRequest) -> JsonResponse:
    """This process turns its loop; nothing else is asked."""
    return JsonResponse({"status": "live"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Each dependency answers in time and ids can be minted; 503 names what does not."""
    checks = {"database": in_db_thread(_check_database), "log": log().ends(), "stream": stream().epoch()}
    wrong = {}
    for name, check in checks.items():
        try:
            async with asyncio.timeout(READY_SECONDS):
                await check
        except (TimeoutError, DatabaseError, DomainError) as error:
            wrong[name] = str(error) or "no answer"
    try:
        clock.version()
    except DomainError as error:
        wrong["clock"] = error.detail
    return JsonResponse({"status": "not ready" if wrong else "ready", "wrong": wrong}, status=503 if wrong else 200)


async def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads; for staff and allowed addresses, for others there is nothing here."""
    if not _may_measure(request) and not (await request.auser()).is_staff:
        return problem_response(NotFound())
    for group in groups():
        source = group.source()
        progress = await source.progress(group.name)
        behind = [end - progress.get(partition, 0) for partition, end in (await source.ends()).items() if end]
        consumer_lag.labels(group.name).set(sum(max(0, one) for one in behind))
    response: HttpResponse = ExportToDjangoView(request)
    return response


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


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
