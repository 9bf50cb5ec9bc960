"""The page, and what a process supervisor asks."""

import asyncio

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from chatsite.demo import PASSWORD, PEOPLE
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log

READY_SECONDS = 2.0


def page(request: HttpRequest) -> HttpResponse:
    """The page to chat in."""
    demo = [{"username": name, "password": PASSWORD} for name in PEOPLE] if settings.DEBUG else []
    return render(request, "chat/index.html", {"demo_people": demo})


async def live(request: HttpRequest) -> JsonResponse:
    """This process turns its loop; nothing else is asked."""
    return JsonResponse({"status": "live"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Each dependency answers in time and ids can be minted; 503 names what does not."""
    checks = {"database": in_db_thread(_check_database), "log": log().end(), "stream": stream().epoch()}
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


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
