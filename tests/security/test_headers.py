"""Headers: what protects a browser is on every answer, and limits tell what is left."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import get_resolver
from django.utils.module_loading import import_string

from tests.security.conftest import PLACES
from tests.security.test_matrix import routes
from tests.world import Server, World, manage

MakeServer = Callable[..., Server]
NOWHERE = "00000000-0000-4000-8000-000000000000"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


def addresses() -> list[str]:
    """Every address of ours, and some of Django's and of files."""
    ours = {route.split(" ")[1] for route in routes(get_resolver().url_patterns)}
    for place in PLACES:
        ours = {address.replace(place, NOWHERE) for address in ours}
    return [
        *sorted(ours),
        "/admin/",
        "/admin/login/",
        "/static/chat/app.js",
        "/static/nothing",
        "/nothing",
        "/api/me?x=%00",
    ]


async def test_every_answer_is_protected(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_DEBUG": "0"})) as world:
        for method, address in itertools.product(("GET", "POST"), addresses()):
            answer = await world.rest(None, method, address)
            assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, address
            assert "camera=()" in answer.headers["permissions-policy"]
            assert "unsafe-inline" not in answer.headers["content-security-policy"]
            assert "object-src 'none'" in answer.headers["content-security-policy"]
            assert "strict-transport-security" not in answer.headers
            assert "server" not in answer.headers
            if address.startswith("/api/"):
                assert answer.headers["cache-control"] == "private, no-store"


async def test_a_name_that_is_not_this_servers_is_refused_as_a_problem(world: World) -> None:
    for name in ("elsewhere.example", ")-!5>8;"):
        answer = await world.rest("ada", "GET", "/api/me", headers={"Host": name})
        assert (answer.status, answer.code) == (400, "invalid_field")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "CHAT_ALLOWED_HOSTS" in str(answer.body["errors"])


async def test_https_alone_where_the_operator_says_so(make_server: MakeServer) -> None:
    environment = {"CHAT_HTTPS": "1", "CHAT_TRUSTED_PROXIES": "127.0.0.1"}
    async with World(make_server(environment=environment)) as world:
        plain = await world.rest(None, "GET", "/api/server")
        assert (plain.status, plain.headers["location"][:8]) == (301, "https://")
        assert (await world.rest(None, "GET", "/health/live")).status == 200
        secure = await world.rest(None, "GET", "/api/server", headers={"X-Forwarded-Proto": "https"})
        assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_the_deployment_check_is_clean(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DEBUG", "0")
    monkeypatch.setenv("CHAT_HTTPS", "1")
    manage(template, "check", "--deploy", "--fail-level", "WARNING")


def test_no_middleware_is_synchronous_only() -> None:
    """One that is runs each request in a thread, and a stopping daphne waits for it for ever."""
    for name in settings.MIDDLEWARE:
        assert getattr(import_string(name), "async_capable", False), name


async def test_limits_tell_what_is_left(make_server: MakeServer) -> None:
    rules = "requests=0.01/3,address_requests=0.01/8"  # One more in 100 s, however busy the machine is.
    async with World(make_server(environment={"CHAT_LIMIT_RULES": rules})) as world:
        nobody = await world.rest(None, "GET", "/api/server")
        assert nobody.headers["ratelimit-policy"] == '"address_requests";q=8;w=800'
        assert nobody.headers["ratelimit"] == '"address_requests";r=7;t=100'
        await world.token("ada")
        answers = [await world.rest("ada", "GET", "/api/me") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"address_requests";q=8;w=800, "requests";q=3;w=300'
        assert [left(answer.headers["ratelimit"]) for answer in answers] == [(5, 2), (4, 1), (3, 0), (2, 0)]
        assert (answers[3].code, is_soon(answers[3].headers["retry-after"])) == ("rate_limited", True)
        codes = [(await world.rest(None, "GET", "/api/me")).code for _ in range(4)]
        assert codes == ["unauthenticated", "unauthenticated", "rate_limited", "rate_limited"]
        refused = await world.rest(None, "GET", "/api/nothing")
        assert (refused.status, is_soon(refused.headers["retry-after"])) == (429, True)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.body["request_id"] == refused.headers["x-request-id"]
        # The page and a supervisor's question are not counted.
        assert (await world.rest(None, "GET", "/health/live")).status == 200
        assert (await world.rest(None, "GET", "/")).status == 200


def left(header: str) -> tuple[int, ...]:
    """What remains of each limit, in the order told."""
    return tuple(int(number) for number in re.findall(r";r=(\d+)", header))


def is_soon(header: str) -> bool:
    """Whether one more request is allowed after the time that one takes to come back."""
    return 0 < int(header) <= 100


async def test_djangos_own_log_in_page_has_a_limit(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "sign_ins=0.001/2"})) as world:
        answers = [await world.rest(None, "POST", "/admin/login/") for _ in range(3)]
        assert [answer.status for answer in answers] == [403, 403, 429]
        assert (await world.rest(None, "GET", "/admin/login/")).status == 200
