"""Passwords: changing them, losing them, and what ends with them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest

from tests.world import PASSWORD, Answer, Device, Server, World

GOOD = "a much better one"


@pytest.fixture
async def world(make_server: Callable[..., Server]) -> AsyncIterator[World]:
    """A world of its own: other tests sign in with the password that everybody has."""
    async with World(make_server()) as world:
        yield world


async def signs_in(world: World, name: str, password: str) -> Answer:
    """Try a password."""
    return await world.rest(None, "POST", "/api/auth/token", {"username": name, "password": password})


async def asked(world: World, **who: str) -> str:
    """Ask for a reset; answers the token of the mail that comes to Ada."""
    assert (await world.rest(None, "POST", "/api/auth/password/reset", who)).status == 202
    text = await world.mail("ada@example.org")
    (token,) = re.findall(r"/reset/(\w+)", text)
    return str(token)


async def confirmed(world: World, token: str, password: str = GOOD) -> Answer:
    """Set a password with a mailed token."""
    body = {"token": token, "password": password}
    return await world.rest(None, "POST", "/api/auth/password/reset/confirm", body)


async def has_mail(world: World, address: str = "ada@example.org") -> None:
    """Ada gives her mail address."""
    assert (await world.rest("ada", "PATCH", "/api/me", {"email": address, "password": PASSWORD})).status == 200


async def test_a_new_password_ends_every_other_sign_in(world: World) -> None:
    other = (await signs_in(world, "ada", PASSWORD)).body["access"]
    lost = Device(world, "ada")
    await lost.open_raw(headers={"Authorization": f"Bearer {other}"})
    await lost.expect("READY")
    async with world.connect("ada") as here:
        assert (await world.rest("ada", "POST", "/api/me/password", {"old": PASSWORD, "new": GOOD})).status == 204
        assert await lost.closed() == 4011
        assert (await here.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"
    assert (await signs_in(world, "ada", PASSWORD)).status == 401
    assert (await signs_in(world, "ada", GOOD)).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"old": "wrong", "new": GOOD}, "old"),
        ({"old": PASSWORD, "new": "short"}, "new"),
        ({"old": PASSWORD, "new": "password"}, "new"),
        ({"old": PASSWORD, "new": "x" * 1_001}, "new"),
        ({"old": PASSWORD}, "new"),
        ({"old": 7, "new": GOOD}, "old"),
    ],
)
async def test_a_bad_change_names_the_field_and_changes_nothing(
    shared_server: Server, body: dict[str, object], field: str
) -> None:
    async with World(shared_server) as world:
        answer = await world.rest("ada", "POST", "/api/me/password", body)
        assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", field)
        assert (await signs_in(world, "ada", PASSWORD)).status == 200


async def test_a_forgotten_password_is_set_anew_once(world: World) -> None:
    await has_mail(world)
    token = await asked(world, username="ada")
    async with world.connect("ada") as ada:
        first, second = await asyncio.gather(confirmed(world, token), confirmed(world, token))
        assert sorted([first.status, second.status]) == [204, 400]
        assert await ada.closed() == 4011
    assert (await signs_in(world, "ada", GOOD)).status == 200
    assert (await signs_in(world, "ada", PASSWORD)).status == 401
    again = await confirmed(world, token)
    assert again.body["errors"][0]["field"] == "token"


async def test_the_page_of_the_link_does_the_same(world: World) -> None:
    await has_mail(world)
    token = await asked(world, email="ADA@example.org")
    page = f"/reset/{token}"
    assert (await world.page(page)).status == 200
    differing = await world.page(page, {"password": GOOD, "again": "another"})
    assert (differing.status, "The two differ." in differing.body) == (400, True)
    common = await world.page(page, {"password": "password", "again": "password"})
    assert (common.status, "This password is too common." in common.body) == (400, True)
    done = await world.page(page, {"password": GOOD, "again": GOOD})
    assert (done.status, "Sign in as ada" in done.body) == (200, True)
    assert "csrfmiddlewaretoken" not in done.body
    assert (await world.page(page)).status == 404
    assert (await signs_in(world, "ada", GOOD)).status == 200


async def test_nothing_tells_whether_somebody_is_known(world: World) -> None:
    await has_mail(world)
    known = await world.rest(None, "POST", "/api/auth/password/reset", {"username": "ada"})
    unknown = await world.rest(None, "POST", "/api/auth/password/reset", {"username": "nobody"})
    without_mail = await world.rest(None, "POST", "/api/auth/password/reset", {"username": "ben"})
    assert {(one.status, str(one.body)) for one in (known, unknown, without_mail)} == {(202, "{}")}
    await world.mail("ada@example.org")
    assert len(world.server.mails()) == 1


async def test_a_changed_password_ends_a_link_that_was_mailed_before(world: World) -> None:
    await has_mail(world)
    token = await asked(world, username="ada")
    assert (await world.rest("ada", "POST", "/api/me/password", {"old": PASSWORD, "new": GOOD})).status == 204
    assert (await confirmed(world, token)).code == "invalid_field"


async def test_another_mail_address_takes_the_password_and_ends_mailed_links(world: World) -> None:
    await has_mail(world)
    token, thief = await asked(world, username="ada"), {"email": "thief@example.org"}
    for body in (thief, thief | {"password": "wrong"}, thief | {"password": PASSWORD.upper(), "name": "Thief"}):
        answer = await world.rest("ada", "PATCH", "/api/me", body)
        assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", "password")
    me = (await world.rest("ada", "GET", "/api/me")).body
    assert (me["email"], me["name"]) == ("ada@example.org", "Ada")
    moved = await world.rest("ada", "PATCH", "/api/me", {"email": "new@example.org", "password": PASSWORD})
    assert moved.body["email"] == "new@example.org"
    assert (await confirmed(world, token)).code == "invalid_field"


@pytest.mark.parametrize("token", ["", "x", "0" * 96, "é" * 96, "../../x"])
async def test_a_made_up_token_opens_nothing(shared_server: Server, token: str) -> None:
    async with World(shared_server) as world:
        assert (await confirmed(world, token)).code == "invalid_field"


async def test_who_asks_again_at_once_gets_one_mail(world: World) -> None:
    await has_mail(world)
    token = await asked(world, username="ada")
    await world.rest(None, "POST", "/api/auth/password/reset", {"username": "ada"})
    await world.rest("ben", "PATCH", "/api/me", {"email": "ben@example.org", "password": PASSWORD})
    await world.rest(None, "POST", "/api/auth/password/reset", {"username": "ben"})
    await world.mail("ben@example.org")
    assert [mail["To"] for mail in world.server.mails()].count("ada@example.org") == 1
    assert (await confirmed(world, token)).status == 204
