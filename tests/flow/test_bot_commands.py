"""Commands of bots: invoked by people, heard by the bot alone, answered to all or to one."""

from typing import Any

import pytest

from tests.bots import Bot, bot
from tests.world import Answer, Device, Frame, World

MINE = "/api/me/commands"
DEPLOY: Frame = {"name": "deploy", "description": "Deploys a branch", "usage": "BRANCH"}


async def invoke(world: World, chat: str, by: str = "ben", command: str = "deploy", **fields: Any) -> Answer:
    """The answer to invoking a command."""
    return await world.rest(by, "POST", f"/api/chats/{chat}/commands", {"command": command, **fields})


async def answered(program: Bot, invocation: str, content: str = "done", **fields: Any) -> Answer:
    """The answer to answering an invocation."""
    return await program.ask("POST", f"/api/invocations/{invocation}/answers", {"content": content, **fields})


async def opened(program: Bot) -> Device:
    """The bot's socket."""
    device = Device(program.world, "bot")
    await device.open_raw(headers={"Authorization": f"Bearer {program.token}"})
    await device.expect("READY", userId=program.id)
    return device


async def test_only_the_bot_hears_what_it_is_asked_and_answers_one_or_all(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    program = await bot(world, "deployer", chat=chat)
    listed = await program.ask("PUT", MINE, {"commands": [DEPLOY]})
    assert (listed.status, listed.body) == (200, {"commands": [DEPLOY]})
    (offered,) = (await world.rest("ben", "GET", f"/api/chats/{chat}/commands")).body["commands"]
    assert ({**offered, "bot": None}, offered["bot"]["id"]) == ({**DEPLOY, "bot": None}, program.id)
    device, ben_id = await opened(program), await world.id("ben")
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("ben") as phone:
        ack = await ben.ask("INVOKE", roomId=chat, command="deploy", text="main --now")
        assert (ack.body["type"], ack.body["roomId"]) == ("ACK", chat)
        told = await device.expect("ME", kind="command")
        invocation = ack.body["invocationId"]
        assert told["state"] == {
            "invocationId": invocation,
            "roomId": chat,
            "userId": ben_id,
            "command": "deploy",
            "text": "main --now",
            "replyUntil": ack.body["replyUntil"],
        }
        private = await answered(program, invocation, "**only** you", private=True)
        assert (private.status, private.body["private"]) == (201, True)
        for mine in (ben, phone):
            state = (await mine.expect("ME", kind="answer"))["state"]
            assert (state["id"], state["invocationId"], state["botId"]) == (private.body["id"], invocation, program.id)
            assert (state["content"], state["roomId"], state["command"]) == ("**only** you", chat, "deploy")
            assert "<strong>only</strong>" in state["html"]
        public = await answered(program, invocation, "main is deployed")
        assert (public.status, public.body["private"]) == (201, False)
        said = await ada.expect("MESSAGE", messageId=public.body["id"])
        assert (said["senderId"], said["content"]) == (program.id, "main is deployed")
        assert not [frame for frame in ada.frames if frame["type"] == "ME"], "nobody else is told"
    contents = [one["content"] for one in await world.history("ben", chat)]
    assert contents == ["main is deployed"], "neither the invocation nor the private answer is in the history"
    await device.close()


async def test_a_bot_that_was_away_hears_it_when_it_comes_back(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    program = await bot(world, "sleeper", chat=chat)
    await program.ask("PUT", MINE, {"commands": [DEPLOY]})
    device = await opened(program)
    me = (await device.expect("READY"))["me"]
    await device.close()
    asked = (await invoke(world, chat, text="later")).body
    polled = await program.ask("POST", "/api/events", {"rooms": {program.id: me}, "wait": 25})
    (told,) = [frame for answer in polled.body["frames"] for frame in answer["events"]]
    assert (told["kind"], told["state"]["invocationId"], told["state"]["text"]) == ("command", asked["id"], "later")
    assert (await answered(program, asked["id"], private=True)).status == 201


@pytest.mark.rules
async def test_what_cannot_be_invoked_is_refused_and_nobody_hears(world: World) -> None:
    chat, elsewhere = await world.chat(["ada", "ben", "cyd"]), await world.chat(["ada", "eve"])
    program = await bot(world, "picky", chat=chat)
    await program.ask("PUT", MINE, {"commands": [DEPLOY]})
    device = await opened(program)
    assert (await invoke(world, chat, command="deplo")).code == "not_found"
    assert (await invoke(world, chat, command="deploy", bot_id=await world.id("ada"))).code == "not_found"
    assert (await invoke(world, elsewhere, by="eve")).code == "not_found", "the bot is not in that chat"
    assert (await invoke(world, chat, by="eve")).code == "not_found"
    for wrong in ({"text": "x" * 8_001}, {"text": "a\x00b"}, {"text": 1}, {"bot_id": "nobody"}, {"command": ""}):
        assert (await invoke(world, chat, **wrong)).code == "invalid_field", wrong
    async with world.connect("ben") as ben:
        assert (await ben.ask("INVOKE", roomId=chat, command="deplo")).code == "not_found"
        assert (await ben.ask("INVOKE", roomId=chat, command="deploy", botId="nobody")).code == "invalid_field"
    until = {"muted_until": "2090-01-01T00:00:00Z"}
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('cyd')}", until)
    assert (await invoke(world, chat, by="cyd")).code == "muted"
    assert (await invoke(world, chat, text="\N{GRINNING FACE}" * 8_000)).status == 201
    told = await device.expect("ME", kind="command")
    assert (len(told["state"]["text"]), told["state"]["userId"]) == (8_000, await world.id("ben"))
    # Out of the chat it offers nothing, and answers nobody.
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{program.id}")
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}/commands")).body == {"commands": []}
    assert (await invoke(world, chat)).code == "not_found"
    for private in (True, False):
        assert (await answered(program, told["state"]["invocationId"], private=private)).code == "not_found"
    assert len([frame for frame in device.frames if frame.get("kind") == "command"]) == 1
    await device.close()


async def test_of_two_bots_with_the_same_command_one_is_named(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    first, second = await bot(world, "first", chat=chat), await bot(world, "second", chat=chat)
    for program in (first, second):
        assert (await program.ask("PUT", MINE, {"commands": [DEPLOY]})).status == 200
    assert len((await world.rest("ben", "GET", f"/api/chats/{chat}/commands")).body["commands"]) == 2
    assert (await invoke(world, chat)).code == "conflict"
    assert (await invoke(world, chat, bot_id=second.id)).body["bot_id"] == second.id
    assert (await second.ask("DELETE", MINE)).status == 204
    assert (await invoke(world, chat)).body["bot_id"] == first.id


async def test_only_its_bot_answers_five_times_and_to_who_is_still_there(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    program, other = await bot(world, "teller", chat=chat), await bot(world, "liar", chat=chat)
    await program.ask("PUT", MINE, {"commands": [DEPLOY]})
    asked = (await invoke(world, chat)).body["id"]
    assert (await answered(other, asked, private=True)).code == "not_found"
    nobody = await world.rest("ben", "POST", f"/api/invocations/{asked}/answers", {"content": "mine"})
    assert nobody.code == "not_found"
    assert (await answered(program, asked, " ", private=True)).code == "invalid_field"
    assert (await answered(program, asked, "x" * 8_001, private=True)).code == "invalid_field"
    assert (await answered(program, asked, private="yes")).code == "invalid_field"
    for number in range(5):
        assert (await answered(program, asked, str(number), private=True)).status == 201
    assert (await answered(program, asked, private=True)).code == "conflict"
    assert (await answered(program, asked, "to all")).status == 201
    again = (await invoke(world, chat)).body["id"]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('ben')}")
    assert (await answered(program, again, private=True)).code == "not_found"


async def test_the_same_request_invokes_once(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    program = await bot(world, "counter", chat=chat)
    await program.ask("PUT", MINE, {"commands": [DEPLOY]})
    device, path, key = await opened(program), f"/api/chats/{chat}/commands", {"Idempotency-Key": "once"}
    asked = [await world.rest("ben", "POST", path, {"command": "deploy"}, headers=key) for _ in range(2)]
    assert asked[0].body == asked[1].body
    await invoke(world, chat, text="the last")
    await device.until(lambda one: one.get("kind") == "command" and one["state"]["text"] == "the last")
    assert len([frame for frame in device.frames if frame.get("kind") == "command"]) == 2
    await device.close()


@pytest.mark.rules
async def test_commands_are_few_well_named_and_of_bots(world: World) -> None:
    program = await bot(world, "namer")
    assert (await world.rest("ada", "PUT", MINE, {"commands": [DEPLOY]})).code == "forbidden"
    many = [{"name": f"c{number}", "description": "one of many"} for number in range(51)]
    wrongs: list[Any] = [
        many,
        [DEPLOY, DEPLOY],
        [{**DEPLOY, "name": "Deploy"}],
        [{**DEPLOY, "name": "a b"}],
        [{**DEPLOY, "name": "x" * 33}],
        [{**DEPLOY, "description": "\u202e"}],
        [{**DEPLOY, "usage": "x" * 201}],
        [{"name": "deploy"}],
        ["deploy"],
        "deploy",
        None,
    ]
    assert (await program.ask("PUT", MINE, {"commands": [DEPLOY]})).status == 200
    for wrong in wrongs:
        assert (await program.ask("PUT", MINE, {"commands": wrong})).code == "invalid_field", wrong
    assert (await program.ask("GET", MINE)).body == {"commands": [DEPLOY]}, "a refused list changes nothing"
    by_staff = f"/api/bots/{program.id}/commands"
    assert (await world.rest("ada", "PUT", by_staff, {"commands": []})).code == "forbidden"
    assert len((await world.rest("sam", "PUT", by_staff, {"commands": many[1:]})).body["commands"]) == 50
    reader = await bot(world, "reader", "messages:read")
    assert (await reader.ask("PUT", MINE, {"commands": []})).code == "forbidden"
    assert (await reader.ask("GET", MINE)).body == {"commands": []}
    assert (await world.rest("sam", "DELETE", by_staff)).status == 204
    assert (await program.ask("GET", MINE)).body == {"commands": []}
