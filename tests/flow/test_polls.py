"""Polls: what is asked, votes that are counted as sets, and nobody named where nobody may be."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flow.test_outgoing import made, told
from tests.receiver import receiving
from tests.world import Answer, Frame, Server, World, manage

LOCAL = {"CHAT_WEBHOOK_ALLOW": "127.0.0.0/8,::1"}
OPTIONS = ["Tea", "Milk", "Water"]


async def ask(world: World, chat: str, by: str = "ada", content: str = "What to drink?", **poll: Any) -> Frame:
    """A poll, as REST answers it."""
    body = {"content": content, "poll": {"options": OPTIONS, **poll}}
    answer = await world.rest(by, "POST", f"/api/chats/{chat}/messages", body)
    assert answer.status == 201, answer.body
    asked: Frame = answer.body
    return asked


async def vote(world: World, name: str, poll: Frame, *choices: int) -> Answer:
    """The answer to a vote."""
    path = f"/api/chats/{poll['chat_id']}/polls/{poll['id']}/vote"
    return await world.rest(name, "PUT", path, {"choices": list(choices)})


async def counts(world: World, name: str, poll: Frame) -> list[int]:
    """How many chose each option, as history shows it."""
    shown = (await world.rest(name, "GET", f"/api/chats/{poll['chat_id']}/messages/{poll['id']}")).body
    return [option["count"] for option in shown["poll"]["options"]]


async def test_a_vote_is_told_to_all_changed_and_taken_back(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    poll = await ask(world, chat)
    assert (poll["message_type"], poll["content"], poll["poll"]["voters"]) == ("poll", "What to drink?", 0)
    assert [one["text"] for one in poll["poll"]["options"]] == OPTIONS
    ben, cyd = await world.id("ben"), await world.id("cyd")
    place = {"roomId": chat, "messageId": poll["id"]}
    async with world.connect("ada", chat) as ada, world.connect("ben") as phone:
        given = await phone.ask("VOTE", **place, choices=[1])
        first = await ada.expect("POLL", messageId=poll["id"])
        assert (first["counts"], first["voters"], first["closed"]) == ([0, 1, 0], 1, False)
        assert (first["userId"], first["choices"], first["version"]) == (ben, [1], given.body["version"])
        again = await phone.ask("VOTE", **place, choices=[1])
        assert again.body["version"] == given.body["version"], "the same vote changes nothing"
        shown = (await vote(world, "cyd", poll, 1)).body["poll"]
        assert shown["options"][1] == {"text": "Milk", "count": 2, "me": True, "user_ids": [ben, cyd]}
        await phone.ask("VOTE", **place, choices=[0])
        changed = await ada.expect("POLL", userId=ben, counts=[1, 1, 0])
        assert (changed["voters"], changed["choices"]) == (2, [0])
        back = await world.rest("ben", "DELETE", f"/api/chats/{chat}/polls/{poll['id']}/vote")
        assert (back.body["poll"]["voters"], back.body["poll"]["options"][0]["me"]) == (1, False)
        gone = await ada.until(lambda one: one["type"] == "POLL" and one["version"] > changed["version"])
        assert (gone["userId"], gone["counts"], "choices" in gone) == (ben, [0, 1, 0], False)
        await ada.ask("HEARTBEAT")
        assert len([one for one in ada.frames if one["type"] == "POLL"]) == 4
    voters = f"/api/chats/{chat}/polls/{poll['id']}/voters"
    assert [one["id"] for one in (await world.rest("ada", "GET", f"{voters}?option=1")).body["users"]] == [cyd]
    assert (await world.rest("ada", "GET", voters)).body == {"users": [], "next": None}
    none = await world.rest("ada", "GET", f"{voters}?option=99")
    assert (none.status, none.body["errors"][0]["field"]) == (400, "option")
    # Who has left votes no more; what they had voted stays.
    await world.rest("cyd", "POST", f"/api/chats/{chat}/leave")
    assert (await vote(world, "cyd", poll, 0)).code == "not_found"
    assert await counts(world, "ada", poll) == [0, 1, 0]


@pytest.mark.rules
async def test_several_options_are_chosen_only_where_that_is_asked(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    one, several = await ask(world, chat), await ask(world, chat, multiple=True)
    assert (await vote(world, "ben", one, 0, 1)).code == "invalid_field"
    shown = (await vote(world, "ben", several, 2, 0, 2)).body["poll"]
    assert ([option["count"] for option in shown["options"]], shown["voters"]) == ([1, 0, 1], 1)
    assert [option["me"] for option in (await vote(world, "ben", several, 1)).body["poll"]["options"]] == [
        False,
        True,
        False,
    ]
    for wrong in ([3], [-1], ["0"], [True], "0", None, [10**30]):
        path = f"/api/chats/{chat}/polls/{one['id']}/vote"
        assert (await world.rest("ben", "PUT", path, {"choices": wrong})).code == "invalid_field", wrong
    async with world.connect("ben") as ben, world.connect("eve") as eve:
        place = {"roomId": chat, "messageId": one["id"]}
        assert (await ben.ask("VOTE", **place, choices=[3])).code == "invalid_field"
        assert (await ben.ask("VOTE", **place)).code == "invalid_field"
        assert (await eve.ask("VOTE", **place, choices=[0])).code == "not_found"
        assert (await eve.ask("CLOSE_POLL", **place)).code == "not_found"
    plain = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "no poll"})).body
    assert plain["poll"] is None
    assert (await vote(world, "ben", plain, 0)).code == "conflict"
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/polls/{plain['id']}/close", {})).code == "conflict"
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}/polls/{plain['id']}/voters")).code == "conflict"


@pytest.mark.rules
async def test_what_is_no_poll_is_refused_and_nothing_is_said(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/messages"
    wrongs: list[Any] = [
        {"options": ["one"]},
        {"options": ["a", "A"]},
        {"options": ["a", 1]},
        {"options": "ab"},
        {"options": ["a", "b\nc"]},
        {"options": ["a", "x" * 201]},
        {"options": ["a", "b"], "closes_at": "2020-01-01T00:00:00Z"},
        {"options": ["a", "b"], "closes_at": "2099-01-01T00:00:00Z"},
        {"options": ["a", "b"], "closes_at": "tomorrow"},
        {"options": ["a", "b"], "multiple": 1},
        {},
        [],
        "ab",
    ]
    for wrong in wrongs:
        assert (await world.rest("ada", "POST", path, {"content": "?", "poll": wrong})).code == "invalid_field", wrong
    fine = {"options": ["a", "b"]}
    assert (await world.rest("ada", "POST", path, {"content": " ", "poll": fine})).code == "invalid_field"
    async with world.connect("ada") as ada:
        for bad in ({"options": ["one"]}, {"options": ["a", "b"], "closesAt": "tomorrow"}, {"options": 1}, 1):
            assert (await ada.say(chat, "?", poll=bad)).code == "invalid_field", bad
    later = {"content": "?", "poll": fine, "send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/scheduled", later)).code == "not_supported"
    assert await world.history("ada", chat) == []


async def test_a_poll_is_closed_by_who_asked_or_a_moderator(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd", "dan"])
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('dan')}", {"role": "moderator"})
    mine, other = await ask(world, chat, by="ben"), await ask(world, chat, by="ben")
    await vote(world, "cyd", mine, 0)
    close = f"/api/chats/{chat}/polls/{mine['id']}/close"
    assert (await world.rest("cyd", "POST", close, {})).code == "forbidden"
    async with world.connect("ada", chat) as ada, world.connect("dan") as dan:
        closed = (await world.rest("ben", "POST", close, {})).body["poll"]
        assert (closed["is_closed"], closed["voters"]) == (True, 1)
        told_ = await ada.expect("POLL", messageId=mine["id"], closed=True)
        assert (told_["counts"], told_["version"], "userId" in told_) == ([1, 0, 0], closed["version"], False)
        assert (await world.rest("ben", "POST", close, {})).body["poll"]["version"] == closed["version"]
        assert (await dan.ask("CLOSE_POLL", roomId=chat, messageId=other["id"])).body["type"] == "ACK"
    for name, choices in (("cyd", [1]), ("cyd", []), ("ada", [0])):
        assert (await vote(world, name, mine, *choices)).code == "conflict"
    assert await counts(world, "ada", mine) == [1, 0, 0]


async def test_a_poll_closes_by_itself_after_a_kill_too(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        poll = await ask(world, chat, closes_at=soon)
        assert poll["poll"]["closes_at"].startswith(soon[:19])
        assert (await vote(world, "ben", poll, 0)).status == 200
        await world.restart()
        async with world.connect("ben", chat) as ben:
            path = f"/api/chats/{chat}/messages/{poll['id']}"
            await world.until("ben", path, lambda body: body["poll"]["is_closed"])
            assert (await vote(world, "ben", poll, 1)).code == "conflict"
            told_ = await ben.expect("POLL", messageId=poll["id"], closed=True)
            assert (told_["counts"], "userId" in told_) == ([1, 0, 0], False)
        assert await counts(world, "ada", poll) == [1, 0, 0]


async def test_nobody_learns_who_chose_what_in_an_anonymous_poll(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server(environment=LOCAL)) as world, receiving() as receiver:
        chat = await world.chat(["ada", "ben", "cyd"])
        ben = await world.id("ben")
        changed = "chat.poll.changed.v1"
        webhook = (await made(world, chat, receiver.url, changed)).body
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as phone:
            poll = await ask(world, chat, anonymous=True, multiple=True)
            mine = (await vote(world, "ben", poll, 0, 2)).body["poll"]
            assert [(one["count"], one["me"], one["user_ids"]) for one in mine["options"]] == [
                (1, True, []),
                (0, False, []),
                (1, True, []),
            ]
            heard = await ada.expect("POLL", messageId=poll["id"])
            assert heard["counts"] == [1, 0, 1]
            assert not {"userId", "choices"} & heard.keys()
            assert (await phone.ask("VOTE", roomId=chat, messageId=poll["id"], choices=[1])).body["type"] == "ACK"
            await ada.expect("POLL", messageId=poll["id"], counts=[0, 1, 0])
            await phone.ask("HEARTBEAT")
            told_alone = {one["kind"] for one in phone.frames if one["type"] == "ME"}
            assert told_alone <= {"chat_added"}, "the log would say who"
            assert ben not in json.dumps([one for one in ada.frames if one["type"] == "POLL"])
            shown = (await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{poll['id']}")).body
            assert ben not in json.dumps(shown)
            voters = await world.rest("ada", "GET", f"/api/chats/{chat}/polls/{poll['id']}/voters?option=1")
            assert voters.code == "forbidden"
            fact = await told(receiver, webhook["secret"])
            assert (fact["actorId"], fact["payload"]["counts"]) == (None, [1, 0, 1])
            assert ben not in json.dumps(fact)
        out = await asyncio.to_thread(manage, server.folder, "export_chat", chat)
        [line] = [one for one in map(json.loads, out.splitlines()) if one.get("id") == poll["id"]]
        assert ([one["count"] for one in line["poll"]["options"]], line["poll"]["anonymous"]) == ([0, 1, 0], True)
        assert ben not in json.dumps(line)


async def test_many_votes_at_once_are_counted_exactly(world: World) -> None:
    names = ("ben", "cyd", "dan", "fay", "gus", "hal")
    chat = await world.chat(["ada", *names])
    poll = await ask(world, chat)
    for name in names:
        await world.token(name)
    async with world.connect("ada", chat) as ada:
        answers = await asyncio.gather(*[vote(world, name, poll, number % 3) for number, name in enumerate(names)])
        assert {answer.status for answer in answers} == {200}
        await ada.expect("POLL", voters=6)
        heard = [one for one in ada.frames if one["type"] == "POLL"]
        assert [sum(one["counts"]) for one in heard] == [1, 2, 3, 4, 5, 6]
        assert heard[-1]["counts"] == [2, 2, 2]
    assert await counts(world, "ben", poll) == [2, 2, 2]


async def test_the_question_stays_and_a_delete_takes_it_all(world: World) -> None:
    chat, other = await world.chat(["ada", "ben"]), await world.chat(["ada", "cyd"])
    poll = await ask(world, chat, content="Which *colour*?")
    await vote(world, "ben", poll, 0)
    at = f"/api/chats/{chat}/messages/{poll['id']}"
    assert (await world.rest("ada", "PATCH", at, {"content": "Another?"})).code == "conflict"
    copied = (await world.rest("ben", "POST", f"{at}/forward", {"to": [chat]})).body["results"][0]["message"]
    assert (copied["message_type"], copied["poll"]) == ("text", None)
    assert copied["content"] == "Which *colour*?\n\n- Tea\n- Milk\n- Water"
    assert copied["html"].count("<li>") == 3
    assert (await vote(world, "cyd", poll, 0)).code == "not_found"
    assert (await world.rest("cyd", "PUT", f"/api/chats/{other}/polls/{poll['id']}/vote", {"choices": [0]})).code == (
        "not_found"
    )
    gone = (await world.rest("ada", "DELETE", at)).body
    assert (gone["poll"], gone["message_type"]) == (None, "poll")
    assert (await vote(world, "ben", poll, 1)).code == "conflict"
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/polls/{poll['id']}/close", {})).code == "conflict"
    [tombstone, _] = await world.history("ada", chat)
    assert not [option for option in OPTIONS if option in json.dumps(tombstone)]


@pytest.mark.rules
async def test_a_nonce_knows_one_poll_from_another(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada:
        poll = {"options": ["left", "right"]}
        first = await ada.say(chat, "Where?", nonce="where-1", poll=poll)
        again = await ada.say(chat, "Where?", nonce="where-1", poll=poll, retry=True, firstTriedMs=5)
        assert again.body["messageId"] == first.body["messageId"]
        assert (await ada.say(chat, "Where?", nonce="where-1", poll={"options": ["up", "down"]})).code == "nonce_reused"
        heard = await ada.expect("MESSAGE", messageId=first.body["messageId"])
        assert (heard["messageType"], heard["poll"]) == ("poll", poll)


async def test_it_is_found_by_its_question_and_by_its_options(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    body = {"content": "Whereto, gentlefolk?", "poll": {"options": ["Samarkand", "Timbuktu"]}}
    poll = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", body)).body
    for words in ("gentlefolk", "samarkand", "timbuktu", "whereto+samarkand"):
        await world.until("ben", f"/api/search/messages?q={words}", lambda found: found["messages"])
    # Once more where the index has it.
    at = f"/api/search/messages?q=timbuktu&chat={chat}"
    found = await world.until("ben", at, lambda body: body["lag_seconds"] == 0 and body["messages"])
    assert [one["id"] for one in found["messages"]] == [poll["id"]]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{poll['id']}")
    await world.until("ben", at, lambda found: found["messages"] == [])


async def test_polls_in_threads_by_webhooks_and_unread(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    hook = (await world.rest("ada", "POST", f"/api/chats/{chat}/webhooks", {"name": "Asker"})).body
    posted = await world.rest(None, "POST", hook["path"], {"content": "Deploy?", "poll": {"options": ["yes", "no"]}})
    assert posted.status == 201
    wrong = await world.rest(None, "POST", hook["path"], {"content": "Deploy?", "poll": {"options": ["yes"]}})
    assert wrong.code == "invalid_field"
    listed = await world.until("ben", f"/api/chats/{chat}", lambda body: body["last_message"])
    assert (listed["unread"], listed["last_message"]["content"]) == (1, "Deploy?")
    body = {"content": "And when?", "poll": {"options": ["now", "later"]}, "thread_id": posted.body["id"]}
    aside = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", body)).body
    assert (await vote(world, "ben", aside, 1)).body["poll"]["voters"] == 1
    thread = (await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{posted.body['id']}/thread")).body
    assert thread["messages"][0]["poll"]["options"][1]["count"] == 1


async def test_a_replay_leaves_polls_as_they_are(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        poll, gone = await ask(world, chat), await ask(world, chat)
        await vote(world, "ben", poll, 2)
        await vote(world, "ben", gone, 2)
        await world.rest("ada", "POST", f"/api/chats/{chat}/polls/{poll['id']}/close", {})
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{gone['id']}")
        path = f"/api/chats/{chat}/messages"
        await world.until("ada", path, lambda page: page["messages"][1]["is_deleted"])  # The store may be behind.
        await world.until("ada", path, lambda page: page["messages"][0]["poll"]["is_closed"])
        shown = await world.history("ada", chat)
        await asyncio.to_thread(server.stop)
        for group in ("history-writers", "previews", "search"):
            await asyncio.to_thread(manage, server.folder, "project", "--replay", group)
        await asyncio.to_thread(server.start)
        assert await world.history("ada", chat) == shown
        assert [option["count"] for option in shown[0]["poll"]["options"]] == [0, 0, 1]
