"""`explain_access` names the rule, and says what the server then does."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.world import World, manage

Decisions = dict[str, dict[str, Any]]


async def explained(world: World, who: str, chat: str) -> Decisions:
    """What the command says of somebody, by action."""
    printed = await asyncio.to_thread(manage, world.server.folder, "explain_access", who, chat, "--json")
    return {one["action"]: one for one in json.loads(printed)["decisions"]}


async def as_the_server_does(world: World, who: str, chat: str) -> tuple[str, str]:
    """The rules for reading and posting, after a look whether the server answers as they say."""
    decisions = await explained(world, who, chat)
    path = f"/api/chats/{chat}/messages"
    answers = {
        "read": await world.rest(who, "GET", path),
        "post": await world.rest(who, "POST", path, {"content": "hm"}),
        "rename the chat": await world.rest(who, "PATCH", f"/api/chats/{chat}", {"name": "A chat"}),
        "invite": await world.rest(who, "POST", f"/api/chats/{chat}/invites", {}),
    }
    for action, answer in answers.items():
        said = decisions[action]
        assert (said["allowed"], said["code"]) == (answer.status < 400, answer.code if answer.status >= 400 else None)
    return decisions["read"]["rule"], decisions["post"]["rule"]


async def test_the_rule_that_decides_is_named_and_is_the_one_that_holds(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd", "dan"])
    path = f"/api/chats/{chat}"
    ben, cyd, dan = [await world.id(name) for name in ("ben", "cyd", "dan")]
    assert await as_the_server_does(world, "ada", chat) == ("role", "role")
    assert await as_the_server_does(world, "eve", chat) == ("participant", "participant")
    assert await as_the_server_does(world, "zoe", chat) == ("company", "company")

    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await world.rest("ada", "PATCH", f"{path}/participants/{ben}", {"muted_until": until})
    assert await as_the_server_does(world, "ben", chat) == ("role", "muted")
    await world.rest("ada", "DELETE", f"{path}/participants/{cyd}")
    assert await as_the_server_does(world, "cyd", chat) == ("left", "left")
    await world.rest("ada", "DELETE", f"{path}/participants/{dan}", {"ban": True})
    assert await as_the_server_does(world, "dan", chat) == ("ban", "ban")

    await world.rest("ada", "PATCH", f"{path}/participants/{ben}", {"muted_until": None})
    await world.rest("ada", "PATCH", path, {"permissions": {"post": "moderator"}})
    assert await as_the_server_does(world, "ben", chat) == ("role", "read only")
    assert (await explained(world, "ben", chat))["reply"]["rule"] == "read only"
    await world.rest("ada", "PATCH", path, {"permissions": {"post": None}})
    await world.rest("ada", "PATCH", f"{path}/participants/{ben}", {"role": "guest"})
    guest = await explained(world, "ben", chat)
    assert (guest["post"]["allowed"], guest["reply"]["rule"]) == (True, "role")
    assert guest["reply"]["why"] == "they are guest there; the table of roles lets only member and above reply."

    await world.rest("ada", "DELETE", path)
    assert await as_the_server_does(world, "ada", chat) == ("role", "archived")
    assert (await explained(world, "ada", chat))["archive, restore or delete the chat"]["allowed"]
    await world.rest("ada", "DELETE", f"{path}?hard=true")
    assert (await explained(world, "ada", chat))["read"]["rule"] == "erased"


async def test_who_and_what_is_unknown_is_told_apart(world: World) -> None:
    chat = await world.chat(["ada"])
    absent = "3ff3cd55-67df-5bfa-b960-d5d1814956de"
    assert (await explained(world, "nobody", chat))["read"]["rule"] == "person"
    assert (await explained(world, await world.id("ada"), chat))["read"]["allowed"]
    assert (await explained(world, "ada", absent))["read"]["rule"] == "chat"
    with pytest.raises(RuntimeError, match="'tea' is no id of a chat"):
        manage(world.server.folder, "explain_access", "ada", "tea")
    said = manage(world.server.folder, "explain_access", "sam", chat)
    assert said.startswith("read: no, not_found (rule 'company': the chat is of a company that is not theirs.)\n")
    assert "As staff they may act through the admin too" in said
