"""The tables beside the matrix: an archived chat's owner, who was just removed, and ids that are none.

Every route and frame of a chat has its row here too; one without fails.
A cell is an HTTP status, the type of a frame, or the code of a refusal.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.security.conftest import PLACES, Scene, in_places
from tests.security.test_matrix import CHAT, FRAMES, HOOKS, ROUTES, UNANSWERED
from tests.world import Answer, Device

Cells = tuple[int | str, int | str]  # the owner in an archived chat; who was removed a moment ago
GONE = "not_found"
ASKED: Cells = (200, GONE)
REFUSED: Cells = ("archived", GONE)
OF_A_CHAT: dict[str, Cells] = {
    f"GET {CHAT}": ASKED,
    f"PATCH {CHAT}": REFUSED,
    f"DELETE {CHAT}": (204, GONE),  # It is archived; with `hard` it goes, see below.
    f"POST {CHAT}/restore": (200, GONE),
    f"PUT {CHAT}/notifications": ASKED,  # One's own quiet changes nothing for others.
    f"PUT {CHAT}/draft": ASKED,
    f"DELETE {CHAT}/draft": (204, GONE),
    f"POST {CHAT}/messages/<str:message_id>/reminders": (201, GONE),
    f"POST {CHAT}/scheduled": (201, GONE),  # Whether it may be said is asked when its time comes.
    f"PUT {CHAT}/favourite": ASKED,
    f"DELETE {CHAT}/favourite": ASKED,
    f"PUT {CHAT}/folder": ASKED,
    f"POST {CHAT}/join": (GONE, GONE),  # Neither is public.
    f"GET {CHAT}/messages": ASKED,
    f"POST {CHAT}/messages": REFUSED,
    f"GET {CHAT}/messages/<str:message_id>": ASKED,
    f"PATCH {CHAT}/messages/<str:message_id>": REFUSED,
    f"DELETE {CHAT}/messages/<str:message_id>": REFUSED,
    f"GET {CHAT}/messages/<str:message_id>/edits": ASKED,
    f"POST {CHAT}/messages/<str:message_id>/flag": (201, GONE),  # Staff are told, and nothing changes for others.
    f"POST {CHAT}/messages/<str:message_id>/forward": REFUSED,
    f"GET {CHAT}/messages/<str:message_id>/thread": ASKED,
    f"PUT {CHAT}/messages/<str:message_id>/thread/follow": ASKED,
    f"DELETE {CHAT}/messages/<str:message_id>/thread/follow": ASKED,
    f"PUT {CHAT}/messages/<str:message_id>/thread/read": ASKED,
    f"GET {CHAT}/messages/<str:message_id>/reactions": ASKED,
    f"PUT {CHAT}/messages/<str:message_id>/reactions/<str:emoji>": REFUSED,
    f"DELETE {CHAT}/messages/<str:message_id>/reactions/<str:emoji>": REFUSED,
    f"DELETE {CHAT}/messages/<str:message_id>/previews": REFUSED,
    f"PUT {CHAT}/messages/<str:message_id>/star": (204, GONE),  # What is one's own changes nothing for others.
    f"DELETE {CHAT}/messages/<str:message_id>/star": (204, GONE),
    f"PUT {CHAT}/messages/<str:message_id>/acknowledgement": REFUSED,
    f"GET {CHAT}/messages/<str:message_id>/acknowledgements": ASKED,
    f"PUT {CHAT}/polls/<str:poll_id>/vote": REFUSED,
    f"DELETE {CHAT}/polls/<str:poll_id>/vote": REFUSED,
    f"GET {CHAT}/polls/<str:poll_id>/voters": ASKED,
    f"POST {CHAT}/polls/<str:poll_id>/close": REFUSED,
    f"GET {CHAT}/commands": ASKED,
    f"POST {CHAT}/commands": REFUSED,
    f"GET {CHAT}/stars": ASKED,
    f"GET {CHAT}/pins": ASKED,
    f"PUT {CHAT}/pins/<str:message_id>": REFUSED,
    f"DELETE {CHAT}/pins/<str:message_id>": REFUSED,
    f"GET {CHAT}/participants": ASKED,
    f"POST {CHAT}/participants": REFUSED,
    f"PATCH {CHAT}/participants/<str:user_id>": REFUSED,
    f"DELETE {CHAT}/participants/<str:user_id>": REFUSED,
    f"POST {CHAT}/leave": ("last_owner", GONE),  # Others may leave an archived chat.
    f"GET {CHAT}/bans": ASKED,
    f"DELETE {CHAT}/bans/<str:banned_id>": REFUSED,
    f"GET {CHAT}/invites": ASKED,
    f"POST {CHAT}/invites": REFUSED,
    f"DELETE {CHAT}/invites": ASKED,  # A link that leaked can be ended at any time.
    "POST /api/invites/<str:code>": ("archived", 201),  # Removed is not banned: a link lets them in again.
    f"GET {CHAT}/webhooks": ASKED,
    f"POST {CHAT}/webhooks": REFUSED,
    f"DELETE {CHAT}/webhooks/<str:webhook_id>": (GONE, GONE),
    f"GET {HOOKS}": ASKED,
    f"POST {HOOKS}": REFUSED,
    f"DELETE {HOOKS}/<str:webhook_id>": (GONE, GONE),
    f"POST {HOOKS}/<str:webhook_id>/resume": (GONE, GONE),
    f"GET {HOOKS}/<str:webhook_id>/deliveries": (GONE, GONE),
    f"POST {HOOKS}/<str:webhook_id>/deliveries/<str:delivery_id>/replay": (GONE, GONE),
    f"PUT {CHAT}/read": ASKED,
    f"GET {CHAT}/read-positions": ASKED,
    f"GET {CHAT}/unread/why": ASKED,
}
FRAMES_OF_A_CHAT: dict[str, Cells] = {
    "SUBSCRIBE": ("SUBSCRIBED", GONE),
    "UNSUBSCRIBE": ("OK", "OK"),  # To hear nothing of what one may not hear takes nothing.
    "SEND_MESSAGE": REFUSED,
    "EDIT_MESSAGE": REFUSED,
    "DELETE_MESSAGE": REFUSED,
    "FORWARD": REFUSED,
    **dict.fromkeys(("REACT", "UNREACT", "PIN", "UNPIN", "ACKNOWLEDGE", "VOTE", "CLOSE_POLL", "INVOKE"), REFUSED),
    "STAR": ("ACK", GONE),
    "UNSTAR": ("ACK", GONE),
    "FLAG_MESSAGE": ("ACK", GONE),
    "FOLLOW_THREAD": ("ACK", GONE),
    "UNFOLLOW_THREAD": ("ACK", GONE),
    "READ": ("ACK", GONE),
    "TYPING": REFUSED,
}
ENDINGS = (f"DELETE {CHAT}/invites", f"DELETE {CHAT}", f"POST {CHAT}/restore")  # played after what they would end
# What an id of an address is replaced by, where {} is the id.
GARBAGE = {
    "no id": "nothing",
    "another case": "{}",
    "long": "0" * 20_000,
    "NUL": "{}%00",
    "only NUL": "%00",
    "up": "%2E%2E",
    "braces": "%7B{}%7D",
    "below zero": "-1",
    "beyond 64 bits": "9" * 30,
}


def test_every_route_of_a_chat_has_a_row() -> None:
    assert {route for route in ROUTES if CHAT in route or "invites" in route} == set(OF_A_CHAT)


def test_every_frame_of_a_chat_has_a_row() -> None:
    assert {name for name, (_, fields) in FRAMES.items() if "{chat}" in str(fields)} == set(FRAMES_OF_A_CHAT)


@pytest.fixture
async def archived(scene: Scene) -> Scene:
    """The scene's chat, archived by its owner; the preview of the newest message has come."""
    newest = scene.names["poll"]
    await scene.world.until(
        "ada", scene.fill("/api/chats/{chat}"), lambda body: (body["last_message"] or {}).get("id") == newest
    )
    assert (await scene.world.rest("ada", "DELETE", scene.fill("/api/chats/{chat}"))).status == 204
    return scene


@pytest.fixture
async def removed(scene: Scene) -> AsyncIterator[Device]:
    """The open socket of ben, who heard the chat, holds a good token, and was removed a moment ago."""
    async with scene.world.connect("ben", scene.names["chat"]) as device:
        answer = await scene.world.rest("ada", "DELETE", scene.fill("/api/chats/{chat}/participants/{ben}"))
        assert answer.status == 204
        yield device


async def play(scene: Scene, name: str, route: str) -> Answer:
    """Ask for a route as its row in the matrix says."""
    method, address = route.split(" ", 1)
    return await scene.world.rest(name, method, scene.fill(in_places(address)), scene.fill(ROUTES[route][1]))


async def play_frame(scene: Scene, device: Device, type_: str) -> Answer:
    """Send a frame as its row in the matrix says; what nobody answers is answered by a heartbeat."""
    fields: dict[str, Any] = scene.fill(FRAMES[type_][1])
    if type_ not in UNANSWERED:
        return await device.ask(type_, **fields)
    await device.send({"type": type_, "ref": "u", **fields})
    return await device.ask("HEARTBEAT", ref="u")


async def test_the_owner_of_an_archived_chat(archived: Scene) -> None:
    path = archived.fill("/api/chats/{chat}")
    wrong = {}
    for route in [*filter(lambda route: route not in ENDINGS, OF_A_CHAT), *ENDINGS]:
        expected = OF_A_CHAT[route][0]
        before = await _shown(archived, path)
        answer = await play(archived, "ada", route)
        if expected not in (answer.status, answer.code):
            wrong[route] = answer
        if isinstance(expected, str):
            assert answer.status == (404 if expected == GONE else 409), (route, answer)
            assert await _shown(archived, path) == before, f"a refusal changed the chat: {route}"
    assert wrong == {}


async def _shown(scene: Scene, path: str) -> dict[str, Any]:
    """A chat as REST shows it, but for its pos: the event of the archiving may be on its way still."""
    shown: dict[str, Any] = (await scene.world.rest("ada", "GET", path)).body
    return shown | {"pos": 0}


async def test_the_owner_of_an_archived_chat_over_a_socket(archived: Scene) -> None:
    async with archived.world.connect("ada") as device:
        answers = {type_: await play_frame(archived, device, type_) for type_ in FRAMES_OF_A_CHAT}
    told = {type_: answer.code or answer.body["type"] for type_, answer in answers.items()}
    assert told == {type_: expected for type_, (expected, _) in FRAMES_OF_A_CHAT.items()}


async def test_an_archived_chat_comes_back_or_goes_for_good(archived: Scene) -> None:
    world, path = archived.world, archived.fill("/api/chats/{chat}")
    assert (await world.rest("ada", "POST", f"{path}/restore")).body["is_archived"] is False
    assert (await world.rest("ada", "POST", f"{path}/messages", {"content": "again"})).status == 201
    assert (await world.rest("ada", "DELETE", path)).status == 204
    assert (await world.rest("ada", "DELETE", f"{path}?hard=true")).status == 202
    for route in OF_A_CHAT:
        assert (await play(archived, "ada", route)).code == GONE, route


async def test_who_was_removed_a_moment_ago(scene: Scene, removed: Device) -> None:
    """All at once, so that each is asked a moment after; but for the link, which lets them in again."""
    routes = [route for route, (_, expected) in OF_A_CHAT.items() if expected == GONE]
    answers = await asyncio.gather(*[play(scene, "ben", route) for route in routes])
    assert {route: answer.code for route, answer in zip(routes, answers, strict=True)} == dict.fromkeys(routes, GONE)
    for route in OF_A_CHAT.keys() - set(routes):
        assert (await play(scene, "ben", route)).status == OF_A_CHAT[route][1], route


async def test_who_was_removed_a_moment_ago_over_the_open_socket(scene: Scene, removed: Device) -> None:
    types = [type_ for type_, (_, expected) in FRAMES_OF_A_CHAT.items() if expected == GONE]
    answers = await asyncio.gather(*[play_frame(scene, removed, type_) for type_ in types])
    assert {type_: answer.code for type_, answer in zip(types, answers, strict=True)} == dict.fromkeys(types, GONE)
    await scene.world.rest("ada", "POST", scene.fill("/api/chats/{chat}/messages"), {"content": "without ben"})
    await removed.ask("HEARTBEAT")
    assert "without ben" not in str(removed.frames)
    for type_ in FRAMES_OF_A_CHAT.keys() - set(types):
        assert (await play_frame(scene, removed, type_)).body["type"] == FRAMES_OF_A_CHAT[type_][1], type_


@pytest.mark.parametrize("route", [route for route in ROUTES if any(place in route for place in PLACES)])
async def test_an_id_that_is_none_is_refused(kept: Scene, route: str) -> None:
    method, address = route.split(" ", 1)
    for place, name in PLACES.items():
        if place not in address:
            continue
        good = str(kept.fill(name))
        for kind, text in GARBAGE.items():
            bad = good.swapcase() if kind == "another case" else text.replace("{}", good)
            if unquote(bad) == unquote(good):
                continue  # Digits have no case, and an emoji has none.
            path = kept.fill(in_places(address.replace(place, bad)))
            answer = await kept.world.rest("ada", method, path, kept.fill(ROUTES[route][1]))
            assert 400 <= answer.status < 500, (kind, answer)
