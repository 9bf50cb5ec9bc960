"""Messages that go by themselves, where their chat says so."""

from collections.abc import Callable

import pytest

from tests.world import CLAIM_SECONDS, Frame, Server, World


async def test_what_is_said_goes_when_its_time_has_come(make_server: Callable[..., Server]) -> None:
    async with World(make_server(bug="short_lives")) as world:
        chat = await world.chat(["ada", "ben", "cyd"])
        path = f"/api/chats/{chat}"
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
            kept = await ada.say(chat, "this stays")
            changed = await world.rest("ada", "PATCH", path, {"expire_seconds": 60})
            assert changed.body["expire_seconds"] == 60
            assert (await ben.expect("ROOM", change="updated"))["chat"]["expire_seconds"] == 60
            said = await ben.say(chat, "this goes, a wombat")
            heard = await ada.expect("MESSAGE", messageId=said.body["messageId"])
            assert heard["expiresAt"] > heard["ts"]
            gone = await ada.expect("MESSAGE_DELETED", messageId=said.body["messageId"])
            assert (gone["reason"], gone["by"]) == ("expired", await world.id("ben"))
        shown = {one["id"]: one for one in await world.history("cyd", chat)}
        one = shown[said.body["messageId"]]
        assert (one["is_deleted"], one["content"], one["delete_reason"]) == (True, "", "expired")
        assert not shown[kept.body["messageId"]]["is_deleted"]
        await world.until("cyd", "/api/search/messages?q=wombat", lambda found: found["messages"] == [])
        assert (await world.rest("cyd", "GET", path)).body["unread"] == 1


@pytest.mark.embedded  # Chores after a kill elsewhere: test_scheduled.
async def test_it_goes_after_a_kill_too(make_server: Callable[..., Server]) -> None:
    async with World(make_server(bug="short_lives")) as world:
        chat = await world.chat(["ada", "ben"])
        path = f"/api/chats/{chat}"
        await world.rest("ada", "PATCH", path, {"expire_seconds": 60})
        for number in range(10):
            await world.rest("ada", "POST", f"{path}/messages", {"content": f"n{number}"})
        await world.restart()
        await world.until("ben", f"{path}/messages", _all_gone, seconds=CLAIM_SECONDS)
        assert len(await world.history("ben", chat)) == 10


def _all_gone(page: Frame) -> bool:
    return all(one["is_deleted"] for one in page["messages"])


@pytest.mark.rules
async def test_how_long_it_stays_is_for_who_may_rename(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}"
    assert (await world.rest("ben", "PATCH", path, {"expire_seconds": 60})).code == "forbidden"
    for wrong in (-1, 59, 366 * 86_400 + 1, "60", True, None, 1.5):
        assert (await world.rest("ada", "PATCH", path, {"expire_seconds": wrong})).code == "invalid_field", wrong
    assert (await world.rest("ada", "PATCH", path, {"expire_seconds": 86_400})).status == 200
    said = await world.rest("ada", "POST", f"{path}/messages", {"content": "until tomorrow"})
    assert said.body["expires_at"] > said.body["created_at"]
    other = await world.chat(["ada"])
    copied = await world.rest("ada", "POST", f"{path}/messages/{said.body['id']}/forward", {"to": [other]})
    assert copied.code == "conflict", "a copy would stay"
    assert (await world.rest("ada", "PATCH", path, {"expire_seconds": 0})).status == 200
    stays = await world.rest("ada", "POST", f"{path}/messages", {"content": "for good"})
    assert stays.body["expires_at"] is None
