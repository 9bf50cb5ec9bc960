"""The permission matrix: every route and frame x everybody; what has no row fails.

The routes come from the URL resolver and the frames from the gateway's registry.
A cell is an HTTP status or, for frames, the answer's type or error code.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from chatsite.gateway.registry import frames
from tests.security.conftest import Scene, in_places, keep_scene, make_scene
from tests.world import Device, World

PERSONAS = {
    "anonymous": None,
    "stranger": "eve",
    "other company": "zoe",
    "ex-member": "cyd",
    "banned": "jon",
    "muted": "ivy",
    "guest": "fay",
    "member": "ben",
    "moderator": "gus",
    "admin": "hal",
    "owner": "ada",
    "staff": "sam",
}
ROLES = ("guest", "member", "moderator", "admin", "owner")  # lowest first; who is muted is a member
METHODS = ("get", "post", "put", "patch", "delete")

Answers = int | str | tuple[int, ...]  # a tuple: any of these, where an earlier cell may have done it already
Row = dict[str, Answers]


def everybody(answer: Answers, *, anonymous: Answers) -> Row:
    """A row that is the same for all who are signed in."""
    return {persona: anonymous if persona == "anonymous" else answer for persona in PERSONAS}


def inside(
    answer: Answers, *, lowest: str = "guest", refused: Answers = 403, muted: Answers | None = None, **others: Answers
) -> Row:
    """A row of REST where roles from `lowest` on get an answer, and outsiders cannot tell that there is anything."""
    row = everybody(404, anonymous=401)
    allowed = ROLES[ROLES.index(lowest) :]
    row |= {role: answer if role in allowed else refused for role in ROLES}
    return row | {"muted": row["member"] if muted is None else muted} | others


def heard(answer: Answers, *, lowest: str = "guest", refused: Answers = "forbidden", **others: Answers) -> Row:
    """The same for frames."""
    row = inside(answer, lowest=lowest, refused=refused, **others)
    outside = {persona: "not_found" for persona, outcome in row.items() if outcome == 404}
    return row | outside | {"anonymous": "unauthenticated"}


PUBLIC = everybody(200, anonymous=200)
COMPANY = everybody(200, anonymous=401) | {"other company": 404, "staff": 404}
STAFF = everybody(403, anonymous=401) | {"staff": 200}
LATER = (datetime.now(UTC) + timedelta(days=30)).isoformat()
CHAT = "/api/chats/<str:chat_id>"
HOOKS = f"{CHAT}/outgoing-webhooks"
ROUTES: dict[str, tuple[Row, dict[str, Any] | None]] = {
    "GET /": (PUBLIC, None),
    "GET /page.js": (PUBLIC, None),
    "GET /sw.js": (PUBLIC, None),
    "GET /health/live": (PUBLIC, None),
    "GET /health/ready": (PUBLIC, None),
    "GET /metrics": (PUBLIC, None),
    "GET /api/schema/": (PUBLIC, None),
    "GET /api/docs/": (PUBLIC, None),
    "GET /api/schema/ws/": (PUBLIC, None),
    "GET /api/docs/ws/": (PUBLIC, None),
    "GET /api/server": (PUBLIC, None),
    "GET /api/": (everybody(404, anonymous=404), None),
    "GET /api/<path:anything>": (everybody(404, anonymous=404), None),
    "POST /api/auth/token": (PUBLIC, {"username": "dan", "password": "pw"}),
    "POST /api/auth/token/refresh": (everybody(401, anonymous=401), {"refresh": "no token"}),
    "GET /api/auth/jwks.json": (PUBLIC, None),
    "POST /api/auth/logout": (everybody(204, anonymous=401), {}),
    "POST /api/auth/ws-ticket": (everybody(201, anonymous=401), {}),
    "GET /api/me": (everybody(200, anonymous=401), None),
    "GET /api/me/sessions": (everybody(200, anonymous=401), None),
    "DELETE /api/me/sessions/<uuid:sign_in_id>": (everybody(404, anonymous=401), None),  # Of somebody else.
    "GET /api/me/tokens": (everybody(200, anonymous=401), None),
    "POST /api/me/tokens": (everybody((201, 409), anonymous=401), {"name": "CI", "scopes": ["chats:read"]}),
    "DELETE /api/me/tokens/<uuid:token_id>": (everybody(404, anonymous=401), None),  # Of somebody else.
    "GET /api/bots": (STAFF, None),
    "POST /api/bots": (STAFF | {"staff": 400}, {"username": "runner", "name": "Runner"}),  # Sam is of no company.
    "DELETE /api/bots/<uuid:bot_id>": (STAFF | {"staff": 404}, None),
    "GET /api/bots/<uuid:bot_id>/tokens": (STAFF | {"staff": 404}, None),
    "GET /api/bots/<uuid:bot_id>/commands": (STAFF | {"staff": 404}, None),
    "PUT /api/bots/<uuid:bot_id>/commands": (STAFF | {"staff": 404}, {"commands": []}),
    "DELETE /api/bots/<uuid:bot_id>/commands": (STAFF | {"staff": 404}, None),
    "POST /api/bots/<uuid:bot_id>/tokens": (STAFF | {"staff": 404}, {"name": "CI", "scopes": ["chats:read"]}),
    "DELETE /api/bots/<uuid:bot_id>/tokens/<uuid:token_id>": (STAFF | {"staff": 404}, None),
    "GET /api/user-groups": (everybody(200, anonymous=401), None),
    "POST /api/user-groups": (STAFF | {"staff": 400}, {"name": "support"}),  # Sam is of no company.
    "PATCH /api/user-groups/<uuid:group_id>": (STAFF | {"staff": 404}, {"name": "help"}),
    "DELETE /api/user-groups/<uuid:group_id>": (STAFF | {"staff": 404}, None),
    "PATCH /api/me": (everybody(200, anonymous=401), {"preferences": {"theme": "dark"}}),
    "POST /api/me/password": (everybody(400, anonymous=401), {"old": "wrong", "new": "a good password"}),
    "POST /api/auth/password/reset": (everybody(202, anonymous=202), {"username": "nobody"}),
    "POST /api/auth/password/reset/confirm": (
        everybody(400, anonymous=400),
        {"token": "no token", "password": "a good password"},
    ),
    "GET /reset/<str:token>": (everybody(404, anonymous=404), None),
    "POST /reset/<str:token>": (everybody(403, anonymous=403), {}),  # No page of ours sent it.
    "GET /join/<str:token>": (everybody(404, anonymous=404), None),
    "POST /join/<str:token>": (everybody(403, anonymous=403), {}),
    "GET /setup/<str:token>": (everybody(404, anonymous=404), None),
    "POST /setup/<str:token>": (everybody(403, anonymous=403), {}),
    "GET /api/users": (everybody(200, anonymous=401), None),
    "GET /api/users/<uuid:user_id>": (COMPANY, None),
    "GET /api/chats": (everybody(200, anonymous=401), None),
    "POST /api/chats": (everybody(201, anonymous=401), {"chat_type": "group", "name": "mine"}),
    "GET /api/chats/public": (everybody(200, anonymous=401), None),
    f"POST {CHAT}/join": (everybody(404, anonymous=401), {}),  # It is not public; see test_company_chats.
    "POST /api/chats/direct": (
        everybody((200, 201), anonymous=401) | {"other company": 404, "staff": 404},
        {"user_id": "{dan}"},
    ),
    f"GET {CHAT}": (inside(200), None),
    f"PATCH {CHAT}": (inside(200, lowest="admin"), {"name": "other"}),
    f"DELETE {CHAT}": (inside(204, lowest="owner"), None),
    f"POST {CHAT}/restore": (inside(200, lowest="owner"), {}),
    f"PUT {CHAT}/notifications": (inside(200), {"muted_until": None}),
    "GET /api/me/drafts": (everybody(200, anonymous=401), None),
    f"PUT {CHAT}/draft": (inside(200), {"content": "half a"}),
    f"DELETE {CHAT}/draft": (inside(204), None),
    "GET /api/me/folders": (everybody(200, anonymous=401), None),
    "POST /api/me/folders": (everybody((201, 409), anonymous=401), {"name": "Tea"}),
    "PATCH /api/me/folders/<uuid:folder_id>": (everybody(404, anonymous=401), {"name": "Milk"}),  # Of somebody else.
    "DELETE /api/me/folders/<uuid:folder_id>": (everybody(404, anonymous=401), None),
    f"PUT {CHAT}/folder": (inside(200), {"folder_id": None}),
    "GET /api/templates": (everybody(200, anonymous=401), None),
    "POST /api/templates": (everybody((201, 409), anonymous=401), {"name": "Thanks", "content": "Thank you"}),
    "GET /api/templates/<uuid:template_id>": (everybody(404, anonymous=401), None),  # Of somebody else.
    "PATCH /api/templates/<uuid:template_id>": (everybody(404, anonymous=401), {"name": "x"}),
    "DELETE /api/templates/<uuid:template_id>": (everybody(404, anonymous=401), None),
    "POST /api/templates/<uuid:template_id>/filled": (everybody(404, anonymous=401), {"values": {}}),
    "GET /api/me/mail-digest": (everybody(200, anonymous=401), None),
    "PUT /api/me/mail-digest": (everybody(200, anonymous=401), {"frequency": "never"}),
    "POST /api/me/mail-digest/test": (everybody(501, anonymous=401), {}),  # It is switched off.
    "GET /mail-digest/<str:token>": (everybody(404, anonymous=404), None),
    "POST /mail-digest/<str:token>": (everybody(404, anonymous=404), {}),
    "GET /api/me/push-subscriptions": (everybody(200, anonymous=401), None),
    "POST /api/me/push-subscriptions": (everybody(400, anonymous=401), {"endpoint": "https://push.example.org/"}),
    "DELETE /api/me/push-subscriptions/<uuid:subscription_id>": (everybody(404, anonymous=401), None),
    "POST /api/me/push-subscriptions/<uuid:subscription_id>/test": (everybody(404, anonymous=401), {}),
    "GET /api/me/reminders": (everybody(200, anonymous=401), None),
    "PATCH /api/me/reminders/<uuid:reminder_id>": (everybody(404, anonymous=401), {"note": "later"}),
    "DELETE /api/me/reminders/<uuid:reminder_id>": (everybody(404, anonymous=401), None),  # Of somebody else.
    f"POST {CHAT}/messages/<str:message_id>/reminders": (inside((201, 409)), {"remind_at": LATER}),
    "GET /api/me/scheduled": (everybody(200, anonymous=401), None),
    "PATCH /api/me/scheduled/<uuid:scheduled_id>": (everybody(404, anonymous=401), {"content": "later"}),
    "DELETE /api/me/scheduled/<uuid:scheduled_id>": (everybody(404, anonymous=401), None),  # Of somebody else.
    f"POST {CHAT}/scheduled": (inside((201, 409)), {"content": "later", "send_at": LATER}),
    f"PUT {CHAT}/favourite": (inside(200), {}),
    f"DELETE {CHAT}/favourite": (inside(200), None),
    f"GET {CHAT}/messages": (inside(200), None),
    f"POST {CHAT}/messages": (inside(201, muted=403), {"content": "hello"}),
    f"GET {CHAT}/messages/<str:message_id>": (inside(200), None),
    f"PATCH {CHAT}/messages/<str:message_id>": (inside(200, lowest="owner"), {"content": "changed"}),
    f"DELETE {CHAT}/messages/<str:message_id>": (inside(200, lowest="moderator"), {}),
    f"GET {CHAT}/messages/<str:message_id>/edits": (inside(200), None),
    f"POST {CHAT}/messages/<str:message_id>/flag": (inside((201, 200)), {"reason": "spam"}),
    f"POST {CHAT}/messages/<str:message_id>/forward": (inside(201, muted=403), {"to": ["{chat}"]}),
    f"GET {CHAT}/messages/<str:message_id>/reactions": (inside(200), None),
    f"PUT {CHAT}/messages/<str:message_id>/reactions/<str:emoji>": (inside(200, muted=403), {}),
    f"DELETE {CHAT}/messages/<str:message_id>/reactions/<str:emoji>": (inside(200), None),
    f"DELETE {CHAT}/messages/<str:message_id>/previews": (inside(200, lowest="moderator"), None),
    f"PUT {CHAT}/messages/<str:message_id>/star": (inside(204), {}),
    f"DELETE {CHAT}/messages/<str:message_id>/star": (inside(204), None),
    f"PUT {CHAT}/messages/<str:message_id>/acknowledgement": (inside(200, owner=403), {}),  # It is the owner's own.
    f"GET {CHAT}/messages/<str:message_id>/acknowledgements": (inside(200), None),
    "GET /api/me/acknowledgements": (everybody(200, anonymous=401), None),
    f"GET {CHAT}/messages/<str:message_id>/thread": (inside(200), None),
    f"PUT {CHAT}/messages/<str:message_id>/thread/follow": (inside(200), {}),
    f"DELETE {CHAT}/messages/<str:message_id>/thread/follow": (inside(200), None),
    f"PUT {CHAT}/messages/<str:message_id>/thread/read": (inside(200), {"message_id": "{message}"}),
    "GET /api/me/threads": (everybody(200, anonymous=401), None),
    f"PUT {CHAT}/polls/<str:poll_id>/vote": (inside(200), {"choices": [0]}),
    f"DELETE {CHAT}/polls/<str:poll_id>/vote": (inside(200), None),
    f"GET {CHAT}/polls/<str:poll_id>/voters": (inside(200), None),
    f"POST {CHAT}/polls/<str:poll_id>/close": (inside(200, lowest="moderator"), {}),
    f"GET {CHAT}/commands": (inside(200), None),
    f"POST {CHAT}/commands": (inside(404, refused=404, muted=403), {"command": "none"}),  # There is no bot in it.
    "GET /api/me/commands": (everybody(403, anonymous=401), None),  # Nobody here is a bot.
    "PUT /api/me/commands": (everybody(403, anonymous=401), {"commands": []}),
    "DELETE /api/me/commands": (everybody(403, anonymous=401), None),
    "POST /api/invocations/<uuid:invocation_id>/answers": (everybody(404, anonymous=401), {"content": "done"}),
    f"GET {CHAT}/stars": (inside(200), None),
    "GET /api/me/stars": (everybody(200, anonymous=401), None),
    f"GET {CHAT}/pins": (inside(200), None),
    f"PUT {CHAT}/pins/<str:message_id>": (inside(200, lowest="moderator"), {}),
    f"DELETE {CHAT}/pins/<str:message_id>": (inside(200, lowest="moderator"), None),
    f"GET {CHAT}/participants": (inside(200), None),
    f"POST {CHAT}/participants": (inside(201, lowest="admin"), {"user_id": "{dan}"}),
    f"PATCH {CHAT}/participants/<str:user_id>": (inside(200, lowest="admin"), {"role": "guest"}),
    f"DELETE {CHAT}/participants/<str:user_id>": (inside(204, lowest="admin"), None),
    f"POST {CHAT}/leave": (inside(204, owner=409), {}),
    f"GET {CHAT}/bans": (inside(200, lowest="admin"), None),
    f"DELETE {CHAT}/bans/<str:banned_id>": (inside(204, lowest="admin"), None),
    f"GET {CHAT}/invites": (inside(200, lowest="member"), None),
    f"POST {CHAT}/invites": (inside(201, lowest="member"), {}),
    f"DELETE {CHAT}/invites": (inside(200), {}),
    "POST /api/invites/<str:code>": (inside(200) | {"stranger": 201, "ex-member": 201}, {}),
    f"GET {CHAT}/webhooks": (inside(200, lowest="admin"), None),
    f"POST {CHAT}/webhooks": (inside(201, lowest="admin"), {"name": "Build server"}),
    f"DELETE {CHAT}/webhooks/<str:webhook_id>": (inside(404, lowest="admin"), None),
    f"GET {HOOKS}": (inside(200, lowest="admin"), None),
    f"POST {HOOKS}": (inside(201, lowest="admin"), {"url": "https://example.org/", "events": ["chat.message.sent.v1"]}),
    f"DELETE {HOOKS}/<str:webhook_id>": (inside(404, lowest="admin"), None),
    f"POST {HOOKS}/<str:webhook_id>/resume": (inside(404, lowest="admin"), {}),
    f"GET {HOOKS}/<str:webhook_id>/deliveries": (inside(404, lowest="admin"), None),
    f"POST {HOOKS}/<str:webhook_id>/deliveries/<str:delivery_id>/replay": (inside(404, lowest="admin"), {}),
    "POST /api/hooks/<uuid:webhook_id>/<str:secret>": (everybody(404, anonymous=404), {"content": "hello"}),
    f"PUT {CHAT}/read": (inside(200), {"message_id": "{message}"}),
    f"GET {CHAT}/read-positions": (inside(200), None),
    f"GET {CHAT}/unread/why": (inside(200), None),
    "GET /api/search/messages": (everybody(400, anonymous=401), None),  # For nothing; see test_search.
    "POST /api/events": (everybody(200, anonymous=401), {"rooms": {"{chat}": None}, "wait": 0}),
    "GET /api/presence": (everybody(200, anonymous=401), None),
    "GET /api/me/presence": (everybody(200, anonymous=401), None),
    "PATCH /api/me/presence": (everybody(200, anonymous=401), {"status": "ONLINE"}),
    "GET /api/receipts/<uuid:receipt_id>": (everybody(404, anonymous=401), None),
}
FRAMES: dict[str, tuple[Row, dict[str, Any]]] = {
    "AUTH": (everybody("OK", anonymous="ticket_invalid"), {"ticket": "{ticket}"}),
    "SUBSCRIBE": (heard("SUBSCRIBED"), {"roomId": "{chat}"}),
    "UNSUBSCRIBE": (everybody("OK", anonymous="unauthenticated"), {"rooms": ["{chat}"]}),
    "SEND_MESSAGE": (heard("ACK", muted="muted"), {"roomId": "{chat}", "content": "hello"}),
    "EDIT_MESSAGE": (
        heard("ACK", lowest="owner"),
        {"roomId": "{chat}", "messageId": "{message}", "content": "changed"},
    ),
    "DELETE_MESSAGE": (heard("ACK", lowest="moderator"), {"roomId": "{chat}", "messageId": "{message}"}),
    "FORWARD": (heard("ACK", muted="muted"), {"roomId": "{chat}", "messageId": "{message}", "to": ["{chat}"]}),
    "REACT": (heard("ACK", muted="muted"), {"roomId": "{chat}", "messageId": "{message}", "emoji": "👍"}),
    "UNREACT": (heard("ACK"), {"roomId": "{chat}", "messageId": "{message}", "emoji": "👍"}),
    "PIN": (heard("ACK", lowest="moderator"), {"roomId": "{chat}", "messageId": "{message}"}),
    "UNPIN": (heard("ACK", lowest="moderator"), {"roomId": "{chat}", "messageId": "{message}"}),
    "ACKNOWLEDGE": (heard("ACK", owner="forbidden"), {"roomId": "{chat}", "messageId": "{message}"}),
    "INVOKE": (heard("not_found", muted="muted", refused="not_found"), {"roomId": "{chat}", "command": "none"}),
    "VOTE": (heard("ACK"), {"roomId": "{chat}", "messageId": "{poll}", "choices": [1]}),
    "CLOSE_POLL": (heard("ACK", lowest="moderator"), {"roomId": "{chat}", "messageId": "{poll}"}),
    "STAR": (heard("ACK"), {"roomId": "{chat}", "messageId": "{message}"}),
    "UNSTAR": (heard("ACK"), {"roomId": "{chat}", "messageId": "{message}"}),
    "FLAG_MESSAGE": (heard("ACK"), {"roomId": "{chat}", "messageId": "{message}", "reason": "spam"}),
    "FOLLOW_THREAD": (heard("ACK"), {"roomId": "{chat}", "threadId": "{message}"}),
    "UNFOLLOW_THREAD": (heard("ACK"), {"roomId": "{chat}", "threadId": "{message}"}),
    "READ": (heard("ACK"), {"roomId": "{chat}", "messageId": "{message}"}),
    "TYPING": (heard("HEARTBEAT_ACK", muted="muted"), {"roomId": "{chat}"}),
    "PRESENCE_WATCH": (everybody("HEARTBEAT_ACK", anonymous="unauthenticated"), {"userIds": ["{ada}"]}),
    "PRESENCE_SET": (everybody("ACK", anonymous="unauthenticated"), {"status": "ONLINE"}),
    "HEARTBEAT": (everybody("HEARTBEAT_ACK", anonymous="unauthenticated"), {}),
}
# What one sets for oneself, which changes nothing that another cell could see.
ONES_OWN = (
    "/draft", "/favourite", "/flag", "/folder", "/follow", "/notifications", "/reminders", "/scheduled", "/star",
    "/thread/read", "FLAG_MESSAGE", "FOLLOW_THREAD", "STAR",
)  # fmt: skip
UNANSWERED = {"TYPING", "PRESENCE_WATCH"}  # without a ref: a HEARTBEAT behind them shows that nothing was refused


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Every method of every route, but for Django's own admin."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not address.startswith("/admin"):
                yield from routes(pattern.url_patterns, address)
            continue
        view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
        for method in METHODS if view else ("get",):
            if view is None or hasattr(view, method):
                yield f"{method.upper()} {address}"


def test_every_route_has_a_row() -> None:
    assert set(routes(get_resolver().url_patterns)) == set(ROUTES)


def test_every_frame_has_a_row() -> None:
    assert set(frames.types) == set(FRAMES)


def test_every_row_has_everybody() -> None:
    for row, _ in [*ROUTES.values(), *FRAMES.values()]:
        assert set(row) == set(PERSONAS)


async def _scene(world: World, *asked: object, changes: bool) -> Scene:
    """A fresh scene for a cell that names something of it and changes it, the kept one for all others."""
    named = any(name in str(asked) for name in ("{chat}", "{message}", "{code}"))
    if changes and named and not any(own in str(asked) for own in ONES_OWN):
        return Scene(world, await make_scene(world))
    return await keep_scene(world)


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("route", ROUTES)
async def test_route(signed_in: World, route: str, persona: str) -> None:
    row, body = ROUTES[route]
    method, address = route.split(" ", 1)
    address = in_places(address)
    expected = row[persona]
    refused = isinstance(expected, int) and expected >= 400
    scene = await _scene(signed_in, address, body, changes=method != "GET" and not refused)
    answer = await scene.world.rest(PERSONAS[persona], method, scene.fill(address), scene.fill(body))
    assert answer.status in (expected if isinstance(expected, tuple) else (expected,)), answer
    if answer.status >= 400 and address.startswith("/api/"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("type_", FRAMES)
async def test_frame(signed_in: World, type_: str, persona: str) -> None:
    row, fields = FRAMES[type_]
    scene = await _scene(signed_in, type_, fields, changes=row[persona] == "ACK")
    name = PERSONAS[persona]
    device = await _device(scene.world, name)
    scene.names["ticket"] = await scene.world.ticket(name) if name else "no ticket"
    if type_ in UNANSWERED and name:
        await device.send({"type": type_, "ref": "u", **scene.fill(fields)})
        answer = await device.ask("HEARTBEAT", ref="u")
    else:
        answer = await device.ask(type_, **scene.fill(fields))
    assert (answer.code or answer.body["type"]) == row[persona], answer
    if name is None:
        assert await device.closed() == 4001


@pytest.mark.parametrize("persona", PERSONAS)
async def test_a_poll_tells_what_a_subscribe_does(kept: Scene, persona: str) -> None:
    row, _ = FRAMES["SUBSCRIBE"]
    _, body = ROUTES["POST /api/events"]
    answer = await kept.world.rest(PERSONAS[persona], "POST", "/api/events", kept.fill(body))
    told = answer.body["frames"][0] if answer.status == 200 else answer.body
    assert told.get("code", told.get("type")) == row[persona]


async def _device(world: World, name: str | None) -> Device:
    device = Device(world, name or "nobody")
    await (device.open() if name else device.open_raw())
    return device


async def test_hidden_and_absent_are_the_same_answer(kept: Scene) -> None:
    hidden, absent = await asyncio.gather(
        kept.world.rest("eve", "GET", kept.fill("/api/chats/{chat}")),
        kept.world.rest("eve", "GET", "/api/chats/00000000-0000-4000-8000-000000000000"),
    )
    for answer in (hidden, absent):
        answer.body.pop("request_id")
    assert (hidden.status, hidden.body) == (absent.status, absent.body)
