"""API tokens and bots: programs that act with what their scopes allow, and nothing else."""

import re
from typing import Any

import pytest
from django.urls import get_resolver

from chatsite.accounts.api_tokens import SCOPES
from tests.security.test_matrix import routes
from tests.staff import Staff
from tests.world import Answer, Device, World

TOKENS = "/api/me/tokens"
# What only who has signed in may do: their account, their tokens, and what needs a password or a browser.
PEOPLE_ONLY = (
    r"(POST|GET|PUT|DELETE|PATCH) /(admin|reset|join|setup|mail-digest|health|metrics)",
    r"GET /((sw|page)\.js)?$",
    r"\w+ /api/(schema|docs|auth/(?!ws-ticket)|server|bots|user-groups/|<path|$)",
    r"\w+ /api/me/(tokens|sessions|password|push|mail-digest)",
    r"\w+ /api/chats/<str:chat_id>/(outgoing-)?webhooks",  # They would outlive the token.
    r"POST /api/hooks/",  # Whoever has the address.
)


async def made(world: World, *scopes: str, by: str = "ada", at: str = TOKENS, **fields: Any) -> Answer:
    """The answer to making a token with some scopes."""
    return await world.rest(by, "POST", at, {"name": "CI", "scopes": list(scopes), **fields})


async def asked(world: World, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
    """What a program is answered that shows a token."""
    return await world.rest(None, method, path, body, headers={"Authorization": f"Bearer {token}"})


def scope_of(route: str) -> str | None:
    """The scope of the view of a route."""
    for pattern in _views(get_resolver().url_patterns, "/"):
        if pattern[0] == route.split(" ", 1)[1]:
            return getattr(pattern[1], "scope", None)
    return None


def _views(patterns: list[Any], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            found += _views(pattern.url_patterns, address) if not address.startswith("/admin") else []
        else:
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", object)
            found.append((address, view))
    return found


@pytest.mark.parametrize("route", sorted(routes(get_resolver().url_patterns)))
def test_every_route_has_a_scope_or_is_for_people(route: str) -> None:
    scope = scope_of(route)
    is_for_people = any(re.match(pattern, route) for pattern in PEOPLE_ONLY)
    assert (scope is None) == is_for_people, "say in the view what scope a token needs for it"
    assert scope is None or scope in SCOPES or f"{scope}:read" in SCOPES


async def test_a_token_does_what_its_scopes_say(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    token = (await made(world, "messages:write", "chats:read")).body["token"]
    sent = await asked(world, token, "POST", f"{path}/messages", {"content": "built"})
    assert (sent.status, sent.body["sender"]["id"]) == (201, await world.id("ada"))
    assert (await asked(world, token, "GET", path)).status == 200
    for method, address, body in (
        ("GET", f"{path}/messages", None),
        ("PATCH", path, {"name": "Other"}),
        ("GET", "/api/users", None),
        ("PATCH", "/api/me", {"name": "Other"}),
        ("GET", "/api/me/sessions", None),
        ("POST", TOKENS, {"name": "another", "scopes": list(SCOPES)}),
        ("POST", "/api/me/password", {"old": "pw", "new": "a good password"}),
        ("POST", "/api/auth/ws-ticket", {}),
        ("POST", "/api/auth/logout", {}),
        ("POST", "/api/events", {"rooms": {chat: None}, "wait": 0}),
    ):
        refused = await asked(world, token, method, address, body)
        assert (refused.status, refused.code) == (403, "forbidden"), address
        assert token not in str(refused.body)


async def test_a_token_is_shown_once_and_ends_when_it_is_revoked(world: World) -> None:
    first = await world.rest(
        "ben", "POST", TOKENS, {"name": "once", "scopes": ["chats:read"]}, headers={"Idempotency-Key": "t"}
    )
    again = await world.rest(
        "ben", "POST", TOKENS, {"name": "once", "scopes": ["chats:read"]}, headers={"Idempotency-Key": "t"}
    )
    assert (again.status, again.body) == (201, first.body | {"token": None})
    token = first.body["token"]
    assert re.fullmatch(r"chat_[0-9a-f]{32}_[\w-]{43}", token)
    tokens = (await world.rest("ben", "GET", TOKENS)).body["tokens"]
    (listed,) = [one for one in tokens if one["id"] == first.body["id"]]
    assert (listed["name"], listed["scopes"], "token" in listed) == ("once", ["chats:read"], False)
    assert (await asked(world, token, "GET", "/api/chats")).status == 200
    # It is not one of the sign-ins that a person sees, and nobody else's to revoke.
    sessions = (await world.rest("ben", "GET", "/api/me/sessions")).body["sessions"]
    assert not [one for one in sessions if "API token" in one["user_agent"]]
    assert (await world.rest("ada", "DELETE", f"{TOKENS}/{listed['id']}")).code == "not_found"
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), "chat_", token + "x"):
        assert (await asked(world, wrong, "GET", "/api/chats")).code == "unauthenticated"
    assert (await world.rest("ben", "DELETE", f"{TOKENS}/{listed['id']}")).status == 204
    assert (await asked(world, token, "GET", "/api/chats")).code == "unauthenticated"
    left = (await world.rest("ben", "GET", TOKENS)).body["tokens"]
    assert first.body["id"] not in [one["id"] for one in left]


async def test_what_a_token_cannot_be_is_refused(world: World) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "chats:read"},
        {"scopes": [["chats:read"]]},
        {"scopes": ["chats:read"], "expires_in_days": 0},
        {"scopes": ["chats:read"], "expires_in_days": 367},
        {"scopes": ["chats:read"], "expires_in_days": "5"},
        {"scopes": ["chats:read"], "name": ""},
    )
    for fields in wrong:
        body = {"name": "CI", **fields}
        assert (await world.rest("cyd", "POST", TOKENS, body)).code == "invalid_field", fields
    for _ in range(20):
        assert (await made(world, "chats:read", by="cyd")).status == 201
    assert (await made(world, "chats:read", by="cyd")).code == "conflict"


async def test_staff_make_bots_that_talk_over_a_socket(staff: Staff) -> None:
    world = staff.world
    new = {"username": "deploys", "name": "Deploys"}
    assert (await world.rest("ada", "POST", "/api/bots", new)).code == "forbidden"
    assert (await world.rest("sam", "POST", "/api/bots", new)).code == "invalid_field", "sam is of no company"
    await staff.act("add_to_company", await world.id("sam"), company=staff.company("Ours"))
    bot = (await world.rest("sam", "POST", "/api/bots", new)).body
    assert (bot["username"], bot["is_bot"]) == ("deploys", True)
    assert (await world.rest("sam", "POST", "/api/bots", new)).code == "invalid_field", "the name is taken"
    at = f"/api/bots/{bot['id']}/tokens"
    assert (await made(world, "connect", at=at, by="ada")).code == "forbidden"
    answer = await made(world, "connect", at=at, by="sam", name="A runner")
    token, (listed,) = answer.body["token"], (await world.rest("sam", "GET", at)).body["tokens"]
    assert (await world.rest("ada", "GET", "/api/users?q=deploys")).body["users"][0]["is_bot"] is True
    chat = await world.chat(["ada", "ben"])
    await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": bot["id"]})
    ticket = (await asked(world, token, "POST", "/api/auth/ws-ticket", {})).body["ticket"]
    program = Device(world, "deploys")
    await program.open_raw()
    async with world.connect("ada", chat) as ada:
        assert (await program.ask("AUTH", ticket=ticket)).code is None
        assert (await program.say(chat, "deployed")).code is None
        said = await ada.expect("MESSAGE", content="deployed")
        assert said["senderId"] == bot["id"]
        # The token itself opens one too, and a revoked one closes what it opened.
        other = Device(world, "deploys")
        await other.open_raw()
        assert (await other.ask("AUTH", token=token)).code is None
        assert (await world.rest("sam", "DELETE", f"{at}/{listed['id']}")).status == 204
        assert (await program.closed(), await other.closed()) == (4011, 4011)
    token = (await made(world, "chats:read", at=at, by="sam")).body["token"]
    assert len((await asked(world, token, "GET", "/api/chats")).body["chats"]) == 1
    assert (await world.rest("sam", "DELETE", f"/api/bots/{bot['id']}")).status == 204
    assert (await asked(world, token, "GET", "/api/chats")).code == "unauthenticated"
    assert (await world.rest("sam", "GET", "/api/bots")).body == {"bots": []}
    assert [kind for kind, _ in staff.entries(f"user:{bot['id']}")][:3] == [
        "accounts.person.made", "accounts.api_token.made", "accounts.api_token.revoked",
    ]  # fmt: skip
