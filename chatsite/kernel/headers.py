"""Middleware: how often an address may ask, and headers that every answer has."""

import math
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponseBase

from chatsite.kernel.addresses import clean_address, site_of
from chatsite.kernel.errors import DomainError
from chatsite.kernel.limits import Ask, Decision, decisions, require, rule
from chatsite.kernel.middleware import AsyncMiddleware, is_api
from chatsite.kernel.rest import problem_response

# What a page of ours never needs; what is injected into one gets none of it.
UNUSED = "accelerometer camera display-capture geolocation gyroscope magnetometer microphone midi payment usb"
PERMISSIONS = ", ".join(f"{feature}=()" for feature in UNUSED.split())


class SecurityHeadersMiddleware(AsyncMiddleware):
    """Adds what Django's own SecurityMiddleware has no setting for."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = await self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class LimitsMiddleware(AsyncMiddleware):
    """Counts API requests by address before anything is looked up, and tells what is left of each limit."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (is_api(request) or request.path.startswith("/admin/login")):
            return await self.get_response(request)
        made: list[Decision] = []
        token = decisions.set(made)
        try:
            await require(*_asks(request))
            response = await self.get_response(request)
        except DomainError as error:  # Too often; or nobody can count who signs in.
            response = problem_response(error)
        finally:
            decisions.reset(token)
        if made:
            response["RateLimit-Policy"] = ", ".join(_policies(made))
            response["RateLimit"] = ", ".join(_left(made))
        return response


def _asks(request: HttpRequest) -> Iterable[Ask]:
    site = site_of(clean_address(request.META.get("REMOTE_ADDR")))
    yield Ask(rule("address_requests"), site)
    if request.method == "POST" and not is_api(request):
        yield Ask(rule("sign_ins"), site)  # Django's own log-in page knows no limits.


def _policies(made: Iterable[Decision]) -> Iterable[str]:
    for decision in made:
        name, rate, burst = decision.rule
        yield f'"{name}";q={burst:.0f};w={math.ceil(burst / rate)}'


def _left(made: Iterable[Decision]) -> Iterable[str]:
    for decision in made:
        yield f'"{decision.rule.name}";r={decision.remaining};t={math.ceil(decision.reset_ms / 1_000)}'
