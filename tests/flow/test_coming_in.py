"""How people come in: the first administrator, and those who are invited."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.installations import site
from tests.world import Answer, Server, World, manage

PASSWORD = "a much better one"
ROOT = {"company": "Mill & Co", "name": "Rita Root", "username": "rita", "email": "rita@example.org"}
FORM = {**ROOT, "password": PASSWORD, "again": PASSWORD}
GUEST = {"name": "Olga Oak", "username": "olga", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def unmanned(template: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that others can reach, with nobody to look after it."""
    server = Server(template, tmp_path / "unmanned", environment={"CHAT_DEBUG": "off"})
    site(server.folder, "UPDATE users SET is_active = false WHERE is_staff")
    server.start()
    yield server
    server.kill()


def setup_path(server: Server) -> str:
    """The address that the server prints at its start."""
    told = server.told()
    assert "once: http://127.0.0.1:" in told
    return told[told.index("/setup/") :].strip()


async def signed_in(world: World, username: str) -> Answer:
    """What a new person sees of themselves."""
    body = {"username": username, "password": PASSWORD}
    access = (await world.rest(None, "POST", "/api/auth/token", body)).body["access"]
    return await world.rest(None, "GET", "/api/me", headers={"Authorization": f"Bearer {access}"})


async def test_the_first_start_lets_one_administrator_in(unmanned: Server) -> None:
    path = setup_path(unmanned)
    async with World(unmanned) as world:
        page = await world.page(path)
        assert (page.status, page.headers["cache-control"]) == (
            200, "max-age=0, no-cache, no-store, must-revalidate, private",
        )  # fmt: skip
        assert "script" not in page.body
        assert (await world.page(path[:-1] + ("0" if path[-1] != "0" else "1"))).status == 404
        weak = await world.page(path, FORM | {"password": "short", "again": "short"})
        assert (weak.status, "too short" in weak.body) == (400, True)
        taken = await world.page(path, FORM | {"username": "ADA"})
        assert (taken.status, "is taken." in taken.body) == (400, True)
        done = await world.page(path, FORM)
        assert (done.status, "Sign in as rita" in done.body) == (200, True)
        assert "sessionid" not in done.headers.get("set-cookie", ""), "somebody was signed in silently"
        assert (await world.page(path)).status == 404
        assert (await world.page(path, FORM | {"username": "second"})).status == 404
        me = (await signed_in(world, "rita")).body
        assert (me["name"], me["email"]) == ("Rita Root", "rita@example.org")
        assert [company["name"] for company in me["companies"]] == ["Mill & Co"]
        await world.restart()
    assert "The audit log holds" in manage(unmanned.folder, "verify_audit")


async def test_of_two_who_open_the_first_link_one_becomes_administrator(unmanned: Server) -> None:
    path = setup_path(unmanned)
    async with World(unmanned) as world:
        names = [f"admin{number}" for number in range(4)]
        answers = await asyncio.gather(*[world.page(path, FORM | {"username": name}) for name in names])
    assert sorted(answer.status for answer in answers) == [200, 404, 404, 404]
    assert site(unmanned.folder, "SELECT count(*) FROM users WHERE username LIKE %s", "admin%") == [(1,)]
    assert site(unmanned.folder, "SELECT count(*) FROM companies WHERE name = %s", "Mill & Co") == [(1,)]


async def test_the_link_stays_until_there_is_an_administrator(unmanned: Server) -> None:
    path = setup_path(unmanned)
    unmanned.kill()
    unmanned.start()
    assert setup_path(unmanned) == path
    site(unmanned.folder, "UPDATE users SET is_active = true WHERE username = 'sam'")
    async with World(unmanned) as world:
        assert (await world.page(path)).status == 404


@pytest.fixture
async def world(make_server: Callable[..., Server]) -> AsyncIterator[World]:
    """A world of its own, since more people come into it."""
    async with World(make_server()) as world:
        yield world


async def test_who_is_invited_joins_the_company_once(world: World) -> None:
    printed = await asyncio.to_thread(
        manage, world.server.folder, "invite_person", "Olga@example.org", "--company", "Ours"
    )
    (path,) = re.findall(r"/join/\w+", await world.mail("olga@example.org"))
    assert printed.strip().endswith(path)
    page = await world.page(path)
    assert "invited by Ours" in page.body
    assert 'value="olga"' in page.body
    first, second = await asyncio.gather(world.page(path, GUEST), world.page(path, GUEST | {"username": "olga2"}))
    assert sorted([first.status, second.status]) == [200, 404]
    name = "olga" if first.status == 200 else "olga2"
    me = (await signed_in(world, name)).body
    assert (me["email"], [company["name"] for company in me["companies"]]) == ("olga@example.org", ["Ours"])
    assert me["id"] in [user["id"] for user in (await world.rest("ada", "GET", f"/api/users?q={name}")).body["users"]]
    with pytest.raises(RuntimeError, match="has the address"):
        await asyncio.to_thread(manage, world.server.folder, "invite_person", "olga@example.org", "--company", "Ours")


async def test_a_second_invitation_takes_the_place_of_the_first(world: World) -> None:
    first, second = [
        await asyncio.to_thread(manage, world.server.folder, "invite_person", "olga@example.org", "--company", "Theirs")
        for _ in range(2)
    ]
    old, new = (text.strip().split("localhost", 1)[1].split("/", 1)[1] for text in (first, second))
    assert (await world.page(f"/{old}", GUEST)).status == 404
    assert (await world.page(f"/{new}", GUEST | {"name": "\u202e"})).status == 400
    assert (await world.page(f"/{new}", GUEST)).status == 200


def test_an_invitation_says_what_is_wrong(template: Path) -> None:
    with pytest.raises(RuntimeError, match="There is no company named Nowhere"):
        manage(template, "invite_person", "olga@example.org", "--company", "Nowhere")
    with pytest.raises(RuntimeError, match="expected a mail address"):
        manage(template, "invite_person", "olga", "--company", "Ours")
