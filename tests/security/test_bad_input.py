"""Bad input: each gets its error from the table, the connection goes on, nothing is half-written."""

import asyncio
import base64
import json
import time
import uuid
from typing import Any

import httpx
import jwt
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chatsite.gateway.protocol import MAX_FRAME_BYTES
from tests.world import NO_TLS, Device, World


def frame_of(size: int, chat: str) -> str:
    """A SEND_MESSAGE of so many bytes."""
    empty = json.dumps({"type": "SEND_MESSAGE", "ref": "big", "roomId": chat, "content": ""})
    return empty[:-2] + "x" * (size - len(empty)) + '"}'


async def test_nonsense_frames_answer_and_the_connection_goes_on(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        for text, code in (
            ("{", "bad_frame"),
            ("[1]", "bad_frame"),
            (b"\x00\x01", "bad_frame"),
            ('{"type":"NOPE","ref":"x"}', "unknown_type"),
            ('{"type":"HEARTBEAT","deep":' + "[" * 30_000 + "]" * 30_000 + "}", "bad_frame"),
            (frame_of(MAX_FRAME_BYTES + 1, chat), "too_large"),
        ):
            start = len(ada.frames)
            await ada.send(text)
            assert (await ada.until(lambda frame: frame["type"] == "ERROR", start=start))["code"] == code
        assert (await ada.say(chat, "still here")).body["type"] == "ACK"
        await ada.heard_until(chat, lambda heard: len(heard) == 1)
    assert len(await world.history("ada", chat)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "x" * 8_001},
        {"content": "\U0001f600" * 8_001},
        {"content": ""},
        {"content": "  \n "},
        {"content": "a\x00b"},
        {"content": 7},
        {"content": None},
        {"content": "x", "nonce": ""},
        {"content": "x", "nonce": "n" * 65},
        {"content": "x", "nonce": 5},
        {"content": "x", "nonce": "a\x00b"},
        {"content": "x", "replyToId": 5},
        {"content": "x", "replyToId": str(2**63)},
        {"content": "x", "replyToId": "1e3"},
        {"content": "x", "retry": "yes"},
        {"content": "x", "mentions": "ada"},
    ],
)
async def test_a_wrong_field_is_named_with_its_ref(world: World, fields: dict[str, Any]) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        answer = await ada.ask("SEND_MESSAGE", **({"roomId": chat} | fields))
        assert (answer.code, answer.body["retryable"]) == ("invalid_field", False)
        assert next(name for name in fields if name != "content" or len(fields) == 1) in answer.body["message"]
        assert (await ada.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"
    assert await world.history("ada", chat) == []


async def test_eight_thousand_code_points_are_fine(world: World) -> None:
    chat, text = await world.chat(["ada"]), "\U0001f600" * 8_000
    async with world.connect("ada", chat) as ada:
        assert (await ada.say(chat, text)).body["type"] == "ACK"
        await ada.heard_until(chat, lambda heard: len(heard) == 1)
        assert ada.said(chat) == [text]


@pytest.mark.parametrize("room", ["", "R88", "0" * 36, "00000000-0000-4000-8000-000000000000", "x" * 5_000])
async def test_rooms_that_are_none(world: World, room: str) -> None:
    async with world.connect("ada") as ada:
        assert (await ada.say(room, "hi")).code == "not_found"
        assert (await ada.ask("SUBSCRIBE", roomId=room)).code == "not_found"
        assert (await ada.ask("SUBSCRIBE", rooms={room: None})).code == "not_found"
        assert (await ada.ask("UNSUBSCRIBE", rooms=[room])).body["type"] == "OK"


async def test_a_room_has_one_spelling(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        for room in (chat.upper(), "{" + chat + "}", chat.replace("-", "")):
            if room != chat:
                assert (await ada.say(room, "hi")).code == "not_found"
                assert (await ada.ask("SUBSCRIBE", roomId=room)).code == "not_found"


async def test_somebody_elses_cursor_opens_nothing(world: World) -> None:
    theirs, shared = await world.chat(["ada"]), await world.chat(["ada", "ben"])
    async with world.connect("ada", theirs, shared) as ada, world.connect("ben") as ben:
        for number in range(3):
            await ada.say(shared, f"shared {number}")
            await ada.say(theirs, f"theirs {number}")
        place = (await ada.until(lambda frame: frame.get("content") == "theirs 0"))["pos"]
        cursor = {"epoch": ada.cursors[theirs].epoch, "pos": place}  # type: ignore[union-attr]
        await ben.ask("SUBSCRIBE", ref="both", rooms={theirs: cursor, shared: cursor})
        await ben.expect("ERROR", ref="both", roomId=theirs, code="not_found")
        # What is his he gets from there on, whoever's place it is: positions are of no person.
        answer = await ben.expect("SUBSCRIBED", ref="both", roomId=shared)
        assert [event["content"] for event in answer["events"]] == ["shared 1", "shared 2"]
        await ada.say(theirs, "unheard")
        await ben.ask("HEARTBEAT")
        assert not [frame for frame in ben.frames if theirs in json.dumps(frame) and frame["type"] != "ERROR"]


async def test_subscriptions_have_bounds(world: World) -> None:
    async with world.connect("ada") as ada:
        assert (await ada.ask("SUBSCRIBE", rooms={str(uuid.uuid4()): None for _ in range(501)})).code == "invalid_field"
        assert (await ada.ask("SUBSCRIBE")).code == "invalid_field"
        assert (await ada.ask("SUBSCRIBE", rooms={})).code == "invalid_field"


async def test_somebody_who_only_talks_nonsense_is_closed(world: World) -> None:
    async with world.connect("ada") as ada:
        for _ in range(20):
            await ada.send("nonsense")
        assert await ada.closed() == 4010


async def test_a_frame_beyond_reason_ends_the_connection(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        await ada.send(frame_of(5 * MAX_FRAME_BYTES, chat))
        assert await ada.closed() == 1009


# --- tickets, tokens, origins


async def refused(world: World, **how: Any) -> tuple[str, int]:
    """The error code and close code of a handshake."""
    device = Device(world, "nobody")
    await device.open_raw(**how)
    code = await device.closed()
    return next(frame["code"] for frame in device.frames if frame["type"] == "ERROR"), code


async def test_a_ticket_is_good_once(world: World) -> None:
    ticket = await world.ticket("ada")
    ada = Device(world, "ada")
    await ada.open(ticket=ticket)
    assert await refused(world, subprotocols=["chat.v1", f"ticket.{ticket}"]) == ("ticket_invalid", 4001)
    assert await refused(world, subprotocols=["chat.v1", "ticket.made-up"]) == ("ticket_invalid", 4001)


async def test_of_many_who_show_one_ticket_one_is_let_in(world: World) -> None:
    ticket = await world.ticket("ada")
    devices = [Device(world, "ada") for _ in range(8)]
    await asyncio.gather(*[device.open_raw(subprotocols=["chat.v1", f"ticket.{ticket}"]) for device in devices])
    first = await asyncio.gather(*[device.until(lambda frame: True) for device in devices])
    assert sorted(frame["type"] for frame in first) == ["ERROR"] * 7 + ["READY"]


async def test_a_ticket_is_bound_to_its_origin(world: World) -> None:
    own = world.server.url
    ticket = await world.ticket("ada", origin="https://elsewhere.example")
    device = Device(world, "ada")
    await device.open_raw(subprotocols=["chat.v1", f"ticket.{ticket}"], origin=own)
    assert await device.closed() == 4001
    # Nor does it open a socket for who says none.
    bound = await world.ticket("ada", origin=own)
    assert await refused(world, subprotocols=["chat.v1", f"ticket.{bound}"]) == ("ticket_invalid", 4001)
    await device.open(ticket=await world.ticket("ada", origin=own), origin=own)


async def test_another_sites_page_cannot_open_a_socket(world: World) -> None:
    ticket = await world.ticket("ada")
    for origin in ("https://evil.example", "null", world.server.url.replace("http", "https") + ".evil.example"):
        with pytest.raises(websockets.InvalidStatus) as answer:
            await Device(world, "ada").open_raw(subprotocols=["chat.v1", f"ticket.{ticket}"], origin=origin)
        assert answer.value.response.status_code == 403


async def test_the_first_frame_must_be_auth(world: World) -> None:
    device = Device(world, "nobody")
    await device.open_raw()
    assert (await device.ask("HEARTBEAT")).code == "unauthenticated"
    assert await device.closed() == 4001


async def test_auth_by_first_frame_and_by_bearer(world: World) -> None:
    by_frame, by_header = Device(world, "ada"), Device(world, "ada")
    await by_frame.open_raw()
    await by_frame.send({"type": "AUTH", "ticket": await world.ticket("ada")})
    await by_frame.expect("READY", userId=await world.id("ada"))
    await by_header.open_raw(headers={"Authorization": f"Bearer {await world.token('ada')}"})
    await by_header.expect("READY", userId=await world.id("ada"))


async def test_a_renewal_for_another_person_ends_the_session(world: World) -> None:
    async with world.connect("ada") as ada:
        renewed = await ada.ask("AUTH", ticket=await world.ticket("ada"))
        assert renewed.body["expiresInMs"] > 0
        await ada.send({"type": "AUTH", "ticket": await world.ticket("ben")})
        assert await ada.closed() == 4003


def forged(good: str, *, key: Any = None, claims: dict[str, Any] | None = None, kid: str | None = None) -> str:
    """A token like a good one, with other claims (None: without it), signed by a key."""
    said = jwt.decode(good, options={"verify_signature": False}) | (claims or {})
    said = {name: value for name, value in said.items() if value is not None}
    own = jwt.get_unverified_header(good) | ({"kid": kid} if kid else {})
    return jwt.encode(said, key or Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=own)


def unsigned(good: str) -> str:
    """A token like a good one with `alg: none`."""
    _, payload, _ = good.split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{payload}."


async def test_forged_tokens_are_refused_over_rest_and_socket(world: World) -> None:
    good = await world.token("ada")
    # With the server's own key only the claim at fault can be the reason.
    key = load_pem_private_key((world.server.folder / "tokens.pem").read_bytes(), None)
    bearer = {"Authorization": f"Bearer {forged(good, key=key)}"}
    assert (await world.rest(None, "GET", "/api/me", headers=bearer)).status == 200
    by_secret = jwt.encode(
        jwt.decode(good, options={"verify_signature": False}), "s" * 64, algorithm="HS256",
        headers={"kid": jwt.get_unverified_header(good)["kid"]},
    )  # fmt: skip
    signature_of_another = good.rsplit(".", 1)[0] + "." + (await world.token("ben")).rsplit(".", 1)[1]
    for token in (
        "x",
        "a.b.c",
        unsigned(good),
        forged(good),
        by_secret,
        forged(good, key=key, claims={"iss": "elsewhere"}),
        forged(good, key=key, claims={"aud": "elsewhere"}),
        forged(good, key=key, claims={"typ": "refresh"}),
        *[forged(good, key=key, claims={name: None}) for name in ("exp", "iat", "iss", "aud", "sub", "sid", "typ")],
        forged(good, key=key, claims={"sub": "nobody"}),
        forged(good, key=key, kid="another"),
        signature_of_another,
    ):
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await world.rest(None, "GET", "/api/me", headers=bearer)).code == "unauthenticated"
        assert await refused(world, headers=bearer) == ("unauthenticated", 4001)


async def test_a_refresh_token_is_no_access_token(world: World) -> None:
    pair = (await world.rest(None, "POST", "/api/auth/token", {"username": "dan", "password": "pw"})).body
    assert (
        await world.rest(None, "GET", "/api/me", headers={"Authorization": f"Bearer {pair['refresh']}"})
    ).status == 401


async def test_a_refresh_token_that_comes_twice_ends_its_family(world: World) -> None:
    pair = (await world.rest(None, "POST", "/api/auth/token", {"username": "dan", "password": "pw"})).body
    renewed = await world.rest(None, "POST", "/api/auth/token/refresh", {"refresh": pair["refresh"]})
    # The answer may have been lost: for a moment the same token gives the same renewal.
    again = await world.rest(None, "POST", "/api/auth/token/refresh", {"refresh": pair["refresh"]})
    assert (renewed.status, again.status) == (200, 200)
    renewed = await world.rest(None, "POST", "/api/auth/token/refresh", {"refresh": again.body["refresh"]})
    assert renewed.status == 200
    assert (await world.rest(None, "POST", "/api/auth/token/refresh", {"refresh": pair["refresh"]})).status == 401
    assert (
        await world.rest(None, "POST", "/api/auth/token/refresh", {"refresh": renewed.body["refresh"]})
    ).status == 401
    bearer = {"Authorization": f"Bearer {renewed.body['access']}"}
    assert (await world.rest(None, "GET", "/api/me", headers=bearer)).status == 401


async def test_a_cookie_alone_renews_nothing(world: World) -> None:
    async with httpx.AsyncClient(base_url=world.server.url, verify=NO_TLS) as browser:
        signed = await browser.post("/api/auth/token", json={"username": "dan", "password": "pw", "cookie": True})
        assert "refresh" not in signed.json()
        cookie = signed.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/api/auth/token"))
        assert (await browser.post("/api/auth/token/refresh", json={"cookie": True})).status_code == 403
        ours = {"X-Requested-With": "chat"}
        assert (await browser.post("/api/auth/token/refresh", json={"cookie": True}, headers=ours)).status_code == 200


async def test_wrong_names_and_wrong_passwords_look_alike(world: World) -> None:
    answers = [
        await world.rest(None, "POST", "/api/auth/token", {"username": name, "password": "wrong"})
        for name in ("ada", "nobody-at-all")
    ]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].body["detail"] == answers[1].body["detail"]


# --- REST


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=5%0A", "limit"),
        ("limit=%205", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%2B5", "limit"),
        ("at=0000-01-01T00:00:00Z", "at"),
        ("at=9999-12-31T23:59:59Z", "at"),
        ("at=yesterday", "at"),
        ("before=x", "before"),
        ("after=9223372036854775808", "after"),
        ("around=1.5", "around"),
        ("before=1&after=2", "after"),
        ("at_least=-1", "at_least"),
        ("at_least=99999999999999999999", "at_least"),
    ],
)
async def test_wrong_queries_are_named(world: World, query: str, field: str) -> None:
    chat = await world.chat(["ada"])
    answer = await world.rest("ada", "GET", f"/api/chats/{chat}/messages?{query}")
    assert (answer.status, answer.code, answer.body["errors"][0]["field"]) == (400, "invalid_field", field)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B10:00", "9999-12-31T23:59:59-10:00", "today"])
async def test_a_cursor_of_no_moment_of_ours_is_named(world: World, moment: str) -> None:
    chat = await world.chat(["ada"])
    answer = await world.rest("ada", "GET", f"/api/chats/{chat}/participants?after={moment}_{chat}")
    assert (answer.status, answer.code, answer.body["errors"][0]["field"]) == (400, "invalid_field", "after")


@pytest.mark.parametrize("cursor", ["before", "after", "around"])
@pytest.mark.parametrize("edge", [-(2**63), 2**63 - 1])
async def test_cursors_at_the_edges_of_64_bits(world: World, cursor: str, edge: int) -> None:
    chat = await world.chat(["ada"])
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "between"})
    page = await world.rest("ada", "GET", f"/api/chats/{chat}/messages?{cursor}={edge}")
    assert page.status == 200
    inside = cursor == "around" or (cursor == "before") == (edge > 0)
    assert [message["content"] for message in page.body["messages"]] == (["between"] if inside else [])


@pytest.mark.parametrize("at", ["2000-01-01", "2024-05-05T12:00:00Z", "2092-01-01T00:00:00+03:00", "1954-06-01"])
async def test_times_that_ids_can_express(world: World, at: str) -> None:
    chat = await world.chat(["ada"])
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "now"})
    page = await world.rest("ada", "GET", f"/api/chats/{chat}/messages?at={at.replace('+', '%2B')}")
    assert [message["content"] for message in page.body["messages"]] == ["now"]


async def test_a_read_ahead_of_everything_says_that_it_is_incomplete(world: World) -> None:
    chat = await world.chat(["ada"])
    started = time.monotonic()
    page = await world.rest("ada", "GET", f"/api/chats/{chat}/messages?at_least={2**52}")
    assert page.body["complete"] is False
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rooms"),
        ({"rooms": {}}, "rooms"),
        ({"rooms": None}, "rooms"),
        ({"rooms": ["R88"]}, "rooms"),
        ({"rooms": "all"}, "rooms"),
        ({"rooms": {str(number): None for number in range(501)}}, "rooms"),
        ({"rooms": {"R88": "here"}}, "rooms"),
        ({"rooms": {"R88": {"epoch": "e"}}}, "rooms"),
        ({"rooms": {"R88": {"epoch": "e", "pos": "1"}}}, "rooms"),
        ({"rooms": {"R88": {"epoch": 1, "pos": 1}}}, "rooms"),
        ({"rooms": {"R88": {"epoch": "e", "pos": 2**70}}}, "rooms"),
        ({"rooms": {"R88": None}, "wait": 25.1}, "wait"),
        ({"rooms": {"R88": None}, "wait": -1}, "wait"),
        ({"rooms": {"R88": None}, "wait": "1"}, "wait"),
        ({"rooms": {"R88": None}, "wait": True}, "wait"),
        ({"rooms": {"R88": None}, "wait": None}, "wait"),
    ],
)
async def test_polls_for_what_cannot_be(world: World, body: dict[str, Any], field: str) -> None:
    answer = await world.rest("ada", "POST", "/api/events", body)
    assert (answer.status, answer.code, answer.body["errors"][0]["field"]) == (400, "invalid_field", field)


async def test_a_poll_is_a_post_of_somebody(world: World) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        assert (await world.rest("ada", method, "/api/events")).status == 405
        assert (await world.rest(None, method, "/api/events")).status == 401
    for header in ("Basic YWRhOnB3", "Bearer", "Bearer x", ""):
        refused = await world.rest(None, "POST", "/api/events", {}, headers={"Authorization": header})
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_bodies_that_are_no_object(world: World) -> None:
    chat = await world.chat(["ada"])
    bearer = {"Authorization": f"Bearer {await world.token('ada')}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=world.server.url, verify=NO_TLS, headers=bearer) as raw:
        path = f"/api/chats/{chat}/messages"
        for body, status in (
            (b"", 400), (b"[]", 400), (b"{", 400), (b"\xff\xfe", 400), (b'{"content":"\\ud800"}', 400),
            (b'{"content":"' + b"x" * 300_000 + b'"}', 413),
        ):  # fmt: skip
            answer = await raw.post(path, content=body)
            assert answer.status_code == status, body[:20]
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await raw.post(path, content=b"x", headers={"Content-Type": "text/plain"})).status_code == 415
        assert (await raw.put(path, content=b"{}")).status_code == 405
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert (await raw.request(method, "/api/nothing")).json()["code"] == "not_found"
    assert await world.history("ada", chat) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"chat_type": "group"}, "name"),
        ({"chat_type": "group", "name": "\u202e\u0000"}, "name"),
        ({"chat_type": "group", "name": "x" * 256}, "name"),
        ({"chat_type": "party", "name": "x"}, "chat_type"),
        ({"chat_type": "group", "name": "x", "participants": "ada"}, "participants"),
        ({"chat_type": "group", "name": "x", "participants": ["ada"]}, "participants"),
        (
            {"chat_type": "group", "name": "x", "participants": [str(uuid.uuid4()) for _ in range(1_001)]},
            "participants",
        ),
    ],
)
async def test_chats_that_cannot_be_made(world: World, body: dict[str, Any], field: str) -> None:
    answer = await world.rest("ada", "POST", "/api/chats", body)
    assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", field)


async def test_people_of_other_companies_cannot_be_added(world: World) -> None:
    zoe = await world.id("zoe")
    made = await world.rest("ada", "POST", "/api/chats", {"chat_type": "group", "name": "x", "participants": [zoe]})
    assert made.code == "not_found"
    chat = await world.chat(["ada"])
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": zoe})).code == "not_found"
    again = {"user_id": await world.id("ada")}
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/participants", again)).code == "conflict"
    role = {"user_id": await world.id("ben"), "role": "king"}
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/participants", role)).code == "invalid_field"


async def test_two_adding_the_same_person_at_once_add_them_once(world: World) -> None:
    chat, ben = await world.chat(["ada"]), await world.id("ben")
    path = f"/api/chats/{chat}/participants"
    answers = await asyncio.gather(*[world.rest("ada", "POST", path, {"user_id": ben}) for _ in range(6)])
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["participant_count"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/me", {"preferences": {"a\x00": 1}}),
        ("PATCH", "/api/me", {"preferences": {"a": ["\x00"]}}),
        ("PATCH", "/api/me", {"name": "a\x00"}),
        ("POST", "/api/chats", {"chat_type": "group", "name": "a\x00b", "participants": []}),
        ("GET", "/api/users?q=a%00b", None),
        ("POST", "/api/invites/a%00b", {}),
    ],
)
async def test_nul_is_no_text(world: World, method: str, path: str, body: dict[str, Any] | None) -> None:
    answer = await world.rest("ada", method, path, body)
    assert (answer.status, answer.code) == (400, "invalid_field")
