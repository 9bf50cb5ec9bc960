"""Stories of who is there, as others see it; minutes are seconds here (tests.hasty)."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.hasty import beating
from tests.world import Answer, Device, Frame, Server, World


@pytest.fixture
async def world(hasty_server: Server) -> AsyncIterator[World]:
    """Its world."""
    async with World(hasty_server) as world:
        yield world


async def friends(world: World, *names: str) -> str:
    """A chat of some people, who have chosen nothing."""
    for name in names:
        wanted = {"status": "ONLINE", "text": "", "quiet_hours": None, "shows_last_seen": True}
        assert (await world.rest(name, "PATCH", "/api/me/presence", wanted)).status == 200
    chat = await world.chat(list(names))
    for one, other in zip(names, (names[-1], *names), strict=False):
        await world.until(other, f"/api/presence?user={await world.id(one)}", is_seen("OFFLINE"))
    return chat


async def news_pass(device: Device) -> None:
    """Wait until what a device's person chooses has come back to it: what was told before has come too."""
    text = uuid.uuid4().hex
    await device.ask("PRESENCE_SET", status="ONLINE", text=text)
    await device.until(lambda frame: frame["type"] == "PRESENCE" and frame.get("text") == text)


async def a_grace_passes(world: World, device: Device) -> None:
    """Wait until somebody who shares a chat with a device's person has come, said goodbye, and is gone."""
    await world.chat([device.name, "dan"])
    async with world.connect("dan"):
        came = await hears(world, device, "dan", "ONLINE")
    await hears(world, device, "dan", "OFFLINE", start=device.frames.index(came))


async def seen(world: World, viewer: str, name: str) -> dict[str, Any]:
    """What one person sees of another over REST."""
    answer = await world.rest(viewer, "GET", f"/api/presence?user={await world.id(name)}")
    [shown] = answer.body["presence"]
    return dict(shown)


async def watch(device: Device, *users: str) -> list[Frame]:
    """Watch some people; answers what is told of each at once."""
    start = len(device.frames)
    await device.send({"type": "PRESENCE_WATCH", "userIds": list(users)})
    await device.ask("HEARTBEAT")
    of = {frame["userId"]: frame for frame in device.frames[start:] if frame["type"] == "PRESENCE"}
    return [of[user] for user in dict.fromkeys(users)]


async def hears(world: World, device: Device, name: str, status: str, *, start: int = 0, **fields: Any) -> Frame:
    """Wait until a device is told that somebody looks so."""
    user = await world.id(name)
    wanted = {"type": "PRESENCE", "userId": user, "status": status, **fields}
    return await device.until(lambda frame: wanted.items() <= frame.items(), start=start)


def told(device: Device, user: str) -> list[str]:
    """What a device was told of somebody, in order."""
    return [one["status"] for one in device.frames if one["type"] == "PRESENCE" and one["userId"] == user]


async def test_members_of_ones_chats_see_one_come_and_go(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben):
        async with world.connect("ada") as ada, beating(ada):
            came = await hears(world, ben, "ada", "ONLINE")
        went = await hears(world, ben, "ada", "OFFLINE")
        assert went["version"] > came["version"]
        assert came["lastSeen"] <= went["lastSeen"]
        assert told(ben, await world.id("ada")) == ["ONLINE", "OFFLINE"]


async def test_who_says_nothing_is_gone_without_a_word_and_who_beats_stays(world: World) -> None:
    await friends(world, "ada", "ben", "cyd")
    async with world.connect("ben") as ben, beating(ben), world.connect("cyd") as cyd, beating(cyd):
        async with world.connect("ada"):
            await hears(world, ben, "ada", "ONLINE")
            await hears(world, ben, "ada", "OFFLINE")
        assert "OFFLINE" not in told(ben, await world.id("cyd"))
        assert (await seen(world, "ben", "cyd"))["status"] == "ONLINE"


async def test_a_page_that_is_loaded_again_is_not_noticed_and_two_devices_are_one(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben), world.connect("ada") as last, beating(last):
        await hears(world, ben, "ada", "ONLINE")
        for _ in range(5):
            async with world.connect("ada"):
                pass
        await a_grace_passes(world, ben)
        assert told(ben, await world.id("ada")) == ["ONLINE"]


async def test_who_vanishes_is_gone_by_deadline_and_not_after_a_grace(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben):
        async with world.connect("ada") as ada:
            await hears(world, ben, "ada", "ONLINE")
            await ada.send({"type": "HEARTBEAT"})
            await ada.cut()
        await a_grace_passes(world, ben)
        assert (await seen(world, "ben", "ada"))["status"] == "ONLINE"
        await hears(world, ben, "ada", "OFFLINE")


async def test_who_does_nothing_is_away_until_they_do(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben), world.connect("ada") as ada, beating(ada, active=False):
        await hears(world, ben, "ada", "ONLINE")
        await hears(world, ben, "ada", "AWAY")
        start = len(ben.frames)
        await ada.send({"type": "HEARTBEAT", "active": True})
        await hears(world, ben, "ada", "ONLINE", start=start)


async def test_a_status_and_its_text_are_seen_until_they_end(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben), world.connect("ada") as ada, beating(ada):
        await hears(world, ben, "ada", "ONLINE")
        until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        ack = await ada.ask("PRESENCE_SET", status="DND", text="in a meeting", until=until)
        assert ack.body["type"] == "ACK"
        shown = await hears(world, ben, "ada", "DND", text="in a meeting")
        after = await ben.until(lambda one: one["type"] == "PRESENCE" and one["version"] > shown["version"])
        assert ("text" not in after, after["status"]) == (True, "ONLINE")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"status": "OFFLINE"}, "status"),
        ({"status": "busy"}, "status"),
        ({"status": "DND", "text": "x" * 10_000}, "text"),
        ({"status": "DND", "text": "two\nlines"}, "text"),
        ({"status": "DND", "text": "\u202egnippals"}, "text"),
        ({"status": "DND", "until": "tomorrow"}, "until"),
        ({"status": "DND", "until": "2026-01-01T00:00:00"}, "until"),
        ({"status": "DND", "until": "2020-01-01T00:00:00Z"}, "until"),
    ],
)
@pytest.mark.rules
async def test_nonsense_is_refused_and_changes_nothing(world: World, fields: Frame, field: str) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ada") as ada:
        refused = await ada.ask("PRESENCE_SET", **fields)
        assert (refused.code, refused.body["message"].split(":")[0]) == ("invalid_field", field)
        over_rest = await world.rest("ada", "PATCH", "/api/me/presence", fields)
        assert (over_rest.code, over_rest.body["errors"][0]["field"]) == ("invalid_field", field)
        assert (await world.rest("ada", "GET", "/api/me/presence")).body["status"] == "ONLINE"


# --- watching


async def test_who_is_watched_is_told_of_at_once_and_nobody_elseis_seen(world: World) -> None:
    await friends(world, "ada", "ben", "cyd")
    async with world.connect("ben") as ben, beating(ben), world.connect("cyd") as cyd, beating(cyd):
        await hears(world, ben, "cyd", "ONLINE")
        [first] = await watch(ben, await world.id("ada"))
        assert first["status"] == "OFFLINE"
        start = len(ben.frames)
        async with world.connect("ada"):
            await hears(world, ben, "ada", "ONLINE", start=start)
            await cyd.ask("PRESENCE_SET", status="DND")
            await hears(world, cyd, "cyd", "DND")
        await hears(world, ben, "ada", "OFFLINE", start=start)
        assert not [one for one in ben.frames[start:] if one.get("userId") == await world.id("cyd")]
        assert await watch(ben) == []


@pytest.mark.rules
async def test_strangers_and_nobody_look_alike_and_one_sees_oneself(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("zoe") as zoe, beating(zoe), world.connect("ben") as ben, beating(ben):
        ids = [await world.id("zoe"), "00000000-0000-4000-8000-000000000000", "nobody", await world.id("ben")]
        await hears(world, zoe, "zoe", "ONLINE")
        await world.until("ben", f"/api/presence?user={ids[3]}", is_seen("ONLINE"))
        stranger, unknown, nonsense, oneself = await watch(ben, *ids, ids[0])
        for one in (stranger, unknown, nonsense):
            assert {name: one[name] for name in one if name != "userId"} == {
                "type": "PRESENCE",
                "status": "OFFLINE",
                "lastSeen": None,
                "version": 0,
            }
        assert oneself["status"] == "ONLINE"
        await zoe.ask("PRESENCE_SET", status="DND", text="seen by nobody")
        await hears(world, zoe, "zoe", "DND")
        await news_pass(ben)
        assert told(ben, ids[0]) == ["OFFLINE"], "more was told of a stranger"
        answer = await world.rest("ben", "GET", "/api/presence?user=" + "&user=".join(ids))
        assert [one["status"] for one in answer.body["presence"]] == ["OFFLINE", "OFFLINE", "OFFLINE", "ONLINE"]
        await zoe.ask("PRESENCE_SET", status="ONLINE")


@pytest.mark.rules
async def test_more_than_two_hundred_are_too_many(world: World) -> None:
    ids = [f"u{number}" for number in range(201)]
    async with world.connect("ben") as ben:
        refused = await ben.ask("PRESENCE_WATCH", userIds=ids)
        assert refused.code == "invalid_field"
        assert len(await watch(ben, *ids[:200])) == 200
    assert (await world.rest("ben", "GET", "/api/presence?user=" + "&user=".join(ids))).code == "invalid_field"
    answer = await world.rest("ben", "GET", "/api/presence?user=" + "&user=".join(ids[:200]))
    assert len(answer.body["presence"]) == 200
    assert (await world.rest("ben", "GET", "/api/presence")).body == {"presence": []}


async def test_who_leaves_the_last_shared_chat_sees_nothing_more(world: World) -> None:
    chat = await friends(world, "eve", "jon")
    async with world.connect("jon") as jon, beating(jon), world.connect("eve") as eve, beating(eve):
        user = await world.id("eve")
        await watch(jon, user, await world.id("jon"))
        await hears(world, jon, "eve", "ONLINE")
        removed = await world.rest("eve", "DELETE", f"/api/chats/{chat}/participants/{await world.id('jon')}")
        assert removed.status == 204
        for text in ("before it is judged again", "after"):  # A minute is 0.2 s here.
            await eve.ask("PRESENCE_SET", status="DND", text=text)
            await hears(world, eve, "eve", "DND", text=text)
            await news_pass(jon)
        assert [one.get("text") for one in jon.frames if one.get("userId") == user][-1] != "after"
        assert (await seen(world, "jon", "eve"))["version"] == 0


# --- privacy

VIEWERS = {"friend": "ben", "stranger": "zoe", "oneself": "ada"}
STATES = ("ONLINE", "AWAY", "DND", "INVISIBLE")


@pytest.mark.parametrize("state", STATES)
async def test_who_sees_what(world: World, state: str) -> None:
    """Every viewer x every state: invisible looks like gone, to everybody and in every field that is told."""
    await friends(world, "ada", "ben")
    async with world.connect("ada") as ada, beating(ada):
        await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("ONLINE"))
        assert (await ada.ask("PRESENCE_SET", status=state, text="psst")).body["type"] == "ACK"
        looks = {viewer: await seen(world, name, "ada") for viewer, name in VIEWERS.items()}
        frames = {}
        for viewer, name in VIEWERS.items():
            async with world.connect(name) as device:
                [frames[viewer]] = await watch(device, await world.id("ada"))
    shown = "OFFLINE" if state == "INVISIBLE" else state
    text = "" if state == "INVISIBLE" else "psst"
    for viewer in ("friend", "oneself"):
        assert (looks[viewer]["status"], looks[viewer]["text"]) == (shown, text)
        assert (frames[viewer]["status"], frames[viewer].get("text", "")) == (shown, text)
    nobody = await seen(world, "zoe", "jon")
    assert {**looks["stranger"], "user_id": ""} == {**nobody, "user_id": ""}


async def test_nothing_is_told_of_who_is_invisible(world: World) -> None:
    await friends(world, "ada", "ben")
    await friends(world, "ben", "dan")  # Before he watches: who may see whom is believed for a while.
    await world.rest("ada", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
    async with world.connect("ben") as ben, beating(ben):
        ids = await world.id("ada"), await world.id("ben"), await world.id("dan")
        before, *_ = await watch(ben, *ids)
        async with world.connect("ada") as ada, beating(ada), world.connect("ada"):
            for text in ("one", "two"):
                await ada.ask("PRESENCE_SET", status="INVISIBLE", text=text)
                await news_pass(ben)
        await a_grace_passes(world, ben)
        after, *_ = await watch(ben, *ids)
        of_ada = [one for one in ben.frames if one["type"] == "PRESENCE" and one["userId"] == ids[0]]
        assert all(one == before for one in [*of_ada, after])


async def test_last_seen_outlives_a_restart_and_may_be_kept_to_oneself(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ada"):
        await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("ONLINE"))
    gone = await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("OFFLINE"))
    await world.restart(kill=False)
    again = await seen(world, "ben", "ada")
    assert abs(_moment(again) - _moment(gone["presence"][0])) < timedelta(seconds=2)
    assert again["version"] == gone["presence"][0]["version"]
    await world.rest("ada", "PATCH", "/api/me/presence", {"shows_last_seen": False})
    assert (await seen(world, "ben", "ada"))["last_seen"] is None
    assert (await seen(world, "zoe", "ada"))["last_seen"] is None


async def test_who_has_just_gone_may_keep_it_to_oneself(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ada"):
        await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("ONLINE"))
    await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("OFFLINE"))
    await world.rest("ada", "PATCH", "/api/me/presence", {"shows_last_seen": False})
    assert (await seen(world, "ben", "ada"))["last_seen"] is None


async def test_quiet_hours_look_like_do_not_disturb(world: World) -> None:
    await friends(world, "ada", "ben")
    now = datetime.now(UTC)
    hours = {
        "start": f"{now - timedelta(hours=1):%H:%M}",
        "end": f"{now + timedelta(hours=1):%H:%M}",
        "time_zone": "UTC",
    }
    async with world.connect("ben") as ben, beating(ben), world.connect("ada") as ada, beating(ada):
        await hears(world, ben, "ada", "ONLINE")
        chosen = await world.rest("ada", "PATCH", "/api/me/presence", {"quiet_hours": hours})
        assert chosen.body["quiet_hours"] == hours
        await hears(world, ben, "ada", "DND")
        await world.rest("ada", "PATCH", "/api/me/presence", {"quiet_hours": None})
        await world.until("ben", f"/api/presence?user={await world.id('ada')}", is_seen("ONLINE"))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"quiet_hours": "at night"}, "quiet_hours"),
        ({"quiet_hours": {"start": "22", "end": "07:00", "time_zone": "UTC"}}, "start"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "Mars/Base"}}, "time_zone"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "../etc/passwd"}}, "time_zone"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00"}}, "time_zone"),
        ({"shows_last_seen": "no"}, "shows_last_seen"),
        ({"text": 7}, "text"),
        ({"until": 7}, "until"),
        ({"status": None}, "status"),
    ],
)
@pytest.mark.rules
async def test_a_choice_that_is_none_is_refused(world: World, wanted: Frame, field: str) -> None:
    answer: Answer = await world.rest("cyd", "PATCH", "/api/me/presence", wanted)
    assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", field)


async def test_who_flaps_ten_times_a_second_is_told_of_seldom(world: World) -> None:
    await friends(world, "ada", "ben")
    async with world.connect("ben") as ben, beating(ben), world.connect("ada") as ada, beating(ada):
        await hears(world, ben, "ada", "ONLINE")
        for number in range(40):
            await ada.ask("PRESENCE_SET", status="DND" if number % 2 else "ONLINE")
        await hears(world, ben, "ada", "DND")
        assert len(told(ben, await world.id("ada"))) < 12
        versions = [one["version"] for one in ben.frames if one["type"] == "PRESENCE"]
        assert versions == sorted(versions)


def is_seen(status: str) -> Any:
    """Whether REST shows the one who was asked for so."""
    return lambda body: body["presence"][0]["status"] == status


def _moment(shown: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(shown["last_seen"])
