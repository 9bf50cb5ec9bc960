"""Where somebody is signed in, and ending it from elsewhere."""

from typing import Any

import pytest

from tests.world import PASSWORD, Answer, Device, World


async def sign_in(world: World, name: str, *, agent: str = "a test") -> dict[str, str]:
    """A sign-in of its own; answers the header that speaks for it."""
    body = {"username": name, "password": PASSWORD}
    answer = await world.rest(None, "POST", "/api/auth/token", body, headers={"User-Agent": agent})
    return {"Authorization": f"Bearer {answer.body['access']}"}


async def listed(world: World, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The sign-ins that one is shown."""
    sessions = (await world.rest(None, "GET", "/api/me/sessions", headers=headers)).body["sessions"]
    assert isinstance(sessions, list)
    return sessions


async def opened(world: World, name: str, headers: dict[str, str]) -> Device:
    """A device of a sign-in."""
    device = Device(world, name)
    await device.open_raw(headers=headers)
    await device.expect("READY")
    return device


async def test_one_sees_where_one_is_signed_in_and_which_is_this(world: World) -> None:
    mine, phone = await sign_in(world, "cyd"), await sign_in(world, "cyd", agent="A phone/1.0")
    first, second = (await listed(world, mine))[:2]
    assert set(first) == {"id", "user_agent", "address", "created_at", "used_at", "current"}
    assert (first["user_agent"], first["address"], first["current"]) == ("A phone/1.0", "127.0.0.1", False)
    assert second["current"]
    assert (await listed(world, phone))[0]["current"]


async def test_ending_another_sign_in_closes_its_sockets_tokens_and_tickets(world: World) -> None:
    mine, phone = await sign_in(world, "cyd"), await sign_in(world, "cyd", agent="lost phone")
    ticket = (await world.rest(None, "POST", "/api/auth/ws-ticket", headers=phone)).body["ticket"]
    lost, kept = await opened(world, "cyd", phone), await opened(world, "cyd", mine)
    (found,) = [one for one in await listed(world, mine) if one["user_agent"] == "lost phone"]
    assert (await end(world, found["id"], mine)).status == 204
    assert await lost.closed() == 4011
    assert (await world.rest(None, "GET", "/api/me", headers=phone)).code == "unauthenticated"
    late = Device(world, "cyd")
    await late.open_raw(subprotocols=["chat.v1", f"ticket.{ticket}"])
    assert await late.closed() == 4011
    assert not late.frames, "an ended sign-in was welcomed"
    assert (await kept.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"
    assert found["id"] not in [one["id"] for one in await listed(world, mine)]
    assert (await end(world, found["id"], mine)).status == 404


async def test_a_ticket_of_an_ended_sign_in_renews_nothing(world: World) -> None:
    mine, other = await sign_in(world, "cyd"), await sign_in(world, "cyd")
    ticket = (await world.rest(None, "POST", "/api/auth/ws-ticket", headers=other)).body["ticket"]
    device = await opened(world, "cyd", mine)
    assert (await world.rest(None, "POST", "/api/auth/logout", headers=other)).status == 204
    await device.send({"type": "AUTH", "ref": "late", "ticket": ticket})
    assert await device.closed() == 4011


@pytest.mark.rules
async def test_nobody_ends_the_sign_in_of_another(world: World) -> None:
    dan, eve = await sign_in(world, "dan"), await sign_in(world, "eve")
    (his, *_) = await listed(world, dan)
    hidden, absent = await end(world, his["id"], eve), await end(world, "00000000-0000-4000-8000-000000000000", eve)
    assert (
        (hidden.status, hidden.body["detail"]) == (absent.status, absent.body["detail"]) == (404, hidden.body["detail"])
    )
    assert (await world.rest(None, "GET", "/api/me", headers=dan)).status == 200


async def end(world: World, sign_in_id: str, headers: dict[str, str]) -> Answer:
    """Ask for a sign-in's end."""
    return await world.rest(None, "DELETE", f"/api/me/sessions/{sign_in_id}", headers=headers)
