"""Threads: what is said under a message, beside the conversation."""

import pytest

from tests.world import Frame, World


async def replied(world: World, name: str, chat: str, root: str, *texts: str) -> list[str]:
    """Say something in a thread; answers the ids."""
    path = f"/api/chats/{chat}/messages"
    answers = [await world.rest(name, "POST", path, {"content": text, "thread_id": root}) for text in texts]
    assert [answer.status for answer in answers] == [201] * len(texts)
    return [answer.body["id"] for answer in answers]


async def said(world: World, name: str, chat: str, text: str) -> str:
    """Say something in a chat; answers the id."""
    message: str = (await world.rest(name, "POST", f"/api/chats/{chat}/messages", {"content": text})).body["id"]
    return message


async def test_what_is_said_in_a_thread_is_a_message_of_the_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root = await said(world, "ada", chat, "what about tea?")
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        before = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["unread"]
        answer = await ben.say(chat, "green", threadId=root, nonce="n1")
        heard = await ada.expect("MESSAGE", messageId=answer.body["messageId"])
        assert (heard["threadId"], heard["threadStarterId"]) == (root, await world.id("ada"))
        again = await ben.say(chat, "green", threadId=root, nonce="n1", retry=True)
        assert again.body["messageId"] == answer.body["messageId"]
        assert (await ben.say(chat, "green", nonce="n1", retry=True)).code == "nonce_reused", "not in the thread"
        await ada.say(chat, "beside it")
        (black,) = await replied(world, "ada", chat, root, "black")
    page = await world.until("ben", f"/api/chats/{chat}/messages/{root}/thread", lambda page: page["complete"])
    assert (page["root"]["id"], page["root"]["content"]) == (root, "what about tea?")
    assert [(one["content"], one["thread_id"]) for one in page["messages"]] == [("green", root), ("black", root)]
    assert (page["has_before"], page["has_after"]) == (False, False)
    history = await world.history("ben", chat)
    assert [one["content"] for one in history] == ["what about tea?", "green", "beside it", "black"]
    assert history[-1]["id"] == black
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["unread"] == before, "they are unread elsewhere"


async def test_a_thread_comes_in_pages_with_what_just_happened(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root, other = await said(world, "ada", chat, "root"), await said(world, "ada", chat, "other")
    ids = await replied(world, "ben", chat, root, *[f"{number}" for number in range(7)])
    await replied(world, "ben", chat, other, "elsewhere")
    path = f"/api/chats/{chat}/messages"
    await world.rest("ben", "PATCH", f"{path}/{ids[6]}", {"content": "six"})
    await world.rest("ben", "DELETE", f"{path}/{ids[5]}")
    await world.rest("ada", "PUT", f"{path}/{ids[4]}/reactions/👍")
    await world.rest("ada", "PUT", f"{path}/{root}/reactions/👍")
    page = await world.rest("ada", "GET", f"{path}/{root}/thread?limit=3")
    assert [one["content"] for one in page.body["messages"]] == ["4", "", "six"]
    assert page.body["messages"][0]["reactions"][0]["count"] == page.body["root"]["reactions"][0]["count"] == 1
    assert (page.body["has_before"], 'rel="prev"' in page.headers["link"]) == (True, True)
    older = (await world.rest("ada", "GET", f"{path}/{root}/thread?limit=3&before={ids[4]}")).body
    assert [one["content"] for one in older["messages"]] == ["1", "2", "3"]
    newer = (await world.rest("ada", "GET", f"{path}/{root}/thread?limit=2&after={ids[2]}")).body
    assert [one["content"] for one in newer["messages"]] == ["3", "4"]
    assert (newer["has_before"], newer["has_after"]) == (True, True)
    for wrong in ("before=1&after=1", "limit=0", "before=x", "at_least=-1"):
        assert (await world.rest("ada", "GET", f"{path}/{root}/thread?{wrong}")).code == "invalid_field"


@pytest.mark.rules
async def test_a_thread_is_under_a_message_of_its_chat(world: World) -> None:
    chat, other = await world.chat(["ada", "ben"]), await world.chat(["ada"])
    root, foreign = await said(world, "ada", chat, "root"), await said(world, "ada", other, "foreign")
    (reply,) = await replied(world, "ben", chat, root, "reply")
    gone = await said(world, "ada", chat, "gone")
    await replied(world, "ben", chat, gone, "while it was there")
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{gone}")
    expected: dict[str, str | None] = {
        foreign: "not_found",
        "12": "not_found",
        reply: "invalid_field",  # a thread of a thread
        gone: "conflict",
        "x": "invalid_field",
    }
    async with world.connect("ada") as ada:
        for thread, code in expected.items():
            assert (await ada.say(chat, "hi", threadId=thread)).code == code
            body = {"content": "hi", "thread_id": thread}
            assert (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", body)).code == code
        assert (await ada.say(chat, "hi", threadId=7)).code == "invalid_field"
    for thread, code in {**expected, gone: None}.items():
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{thread}/thread")).code == code
    kept = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages/{gone}/thread")).body
    assert kept["root"]["is_deleted"]
    assert [one["content"] for one in kept["messages"]] == ["while it was there"]


@pytest.mark.rules
async def test_guests_read_threads_and_do_not_start_them(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root = await said(world, "ada", chat, "root")
    role = {"role": "guest"}
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('ben')}", role)
    body = {"content": "hi", "thread_id": root}
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/messages", body)).code == "forbidden"
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}/messages/{root}/thread")).status == 200


async def thread(world: World, name: str, chat: str, root: str) -> Frame:
    """The thread under a message as somebody sees it, which the chat's history shows alike."""
    shown: Frame = (await world.rest(name, "GET", f"/api/chats/{chat}/messages/{root}")).body["thread"]
    page = (await world.rest(name, "GET", f"/api/chats/{chat}/messages?around={root}&limit=2")).body["messages"]
    assert {one["id"]: one["thread"] for one in page}[root] == shown
    return shown


async def listed(world: World, name: str, chat: str) -> dict[str, int]:
    """The texts above the threads of one chat that somebody follows, the latest first, with what is unread."""
    found = (await world.rest(name, "GET", "/api/me/threads?limit=100")).body["threads"]
    return {one["content"]: one["thread"]["unread"] for one in found if one["chat_id"] == chat}


async def test_who_has_to_do_with_a_thread_follows_it(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd", "dan"])
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "dan")}
    root, path = await said(world, "ada", chat, "root"), f"/api/chats/{chat}/messages"
    assert await thread(world, "ada", chat, root) is None
    _, second = await replied(world, "ben", chat, root, "one", "two")
    body = {"content": "three, @cyd", "thread_id": root, "mentions": [ids["cyd"]]}
    third = (await world.rest("ben", "POST", path, body)).body["id"]
    at = (await world.rest("ben", "GET", f"{path}/{third}")).body["created_at"]
    expected = {"ada": (3, True), "ben": (0, True), "cyd": (1, True), "dan": (0, False)}
    for name, (unread, following) in expected.items():
        seen = {"replies": 3, "last_reply_at": at, "participants": [ids["ben"]]}
        assert await thread(world, name, chat, root) == {**seen, "unread": unread, "following": following}, name
        assert await listed(world, name, chat) == ({"root": unread} if following else {})
    await world.until("ada", f"/api/chats/{chat}", lambda body: (body["last_message"] or {}).get("id") == third)
    for name, (unread, _) in expected.items():  # And again once the rows have caught up.
        assert (await thread(world, name, chat, root))["unread"] == unread, name
    await world.rest("ben", "DELETE", f"{path}/{second}")
    await replied(world, "dan", chat, root, "four")
    seen = await thread(world, "ada", chat, root)
    assert (seen["replies"], seen["unread"], seen["participants"]) == (3, 3, [ids["ben"], ids["dan"]])
    assert await listed(world, "dan", chat) == {"root": 0}
    await world.rest("ada", "DELETE", f"{path}/{root}")
    assert await listed(world, "ada", chat) == {}, "nobody can go on with it"
    assert (await thread(world, "ada", chat, root))["replies"] == 3


async def test_following_is_ones_own_to_say(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root, other = await said(world, "ada", chat, "root"), await said(world, "ada", chat, "other")
    await replied(world, "ada", chat, root, "before")
    follow = f"/api/chats/{chat}/messages/{root}/thread/follow"
    async with world.connect("ben") as phone, world.connect("ben") as laptop:
        answer = await phone.ask("FOLLOW_THREAD", roomId=chat, threadId=root)
        told = await laptop.expect("ME", kind="thread")
        assert told["version"] == answer.body["version"]
        place = {"roomId": chat, "threadId": root}
        assert {**place, "following": True, "unread": 0}.items() <= told["state"].items(), "what was said is read"
        assert (await phone.ask("FOLLOW_THREAD", **place)).body["version"] == told["version"], "they do"
        await replied(world, "ada", chat, root, "since")
        assert await listed(world, "ben", chat) == {"root": 1}
        assert (await world.rest("ben", "DELETE", follow)).body["following"] is False
        await laptop.until(lambda frame: frame.get("kind") == "thread" and not frame["state"]["following"])
        body = {"content": "@ben", "thread_id": root, "mentions": [await world.id("ben")]}
        await world.rest("ada", "POST", f"/api/chats/{chat}/messages", body)
        assert await listed(world, "ben", chat) == {}, "they said no"
        await replied(world, "ben", chat, root, "well ...")
        assert await listed(world, "ben", chat) == {"root": 0}
        assert (await phone.ask("UNFOLLOW_THREAD", roomId=chat, threadId=other)).code is None, "before it begins"
    assert (await world.rest("ada", "DELETE", follow.replace(root, other))).body["following"] is False
    await replied(world, "ben", chat, other, "hello?")
    assert await listed(world, "ada", chat) == {"root": 1}
    assert (await world.rest("ada", "PUT", follow.replace(root, other))).body["following"] is True
    assert await listed(world, "ada", chat) == {"other": 0, "root": 1}


async def test_a_thread_is_read_apart_from_its_chat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root = await said(world, "ada", chat, "root")
    ids = await replied(world, "ben", chat, root, *[f"{number}" for number in range(5)])
    beside = await said(world, "ben", chat, "beside")
    read = f"/api/chats/{chat}/messages/{root}/thread/read"
    async with world.connect("ada", chat) as phone, world.connect("ada") as laptop:
        await phone.ask("READ", roomId=chat, messageId=beside)
        assert (await thread(world, "ada", chat, root))["unread"] == 5, "reading the chat reads no thread"
        answer = await phone.ask("READ", roomId=chat, messageId=ids[1], threadId=root)
        assert answer.body["unread"] == 3
        state = (await laptop.expect("ME", kind="thread"))["state"]
        assert (state["threadId"], state["following"], state["unread"]) == (root, True, 3)
        assert state["readPos"] < state["upTo"]
        again = await phone.ask("READ", roomId=chat, messageId=ids[0], threadId=root)
        assert (again.body["unread"], again.body["version"]) == (3, answer.body["version"]), "the highest stands"
        assert (await world.rest("ada", "PUT", read, {"message_id": ids[4]})).body["unread"] == 0
        assert (await world.rest("ada", "PUT", read, {"message_id": ids[3], "unread": True})).body["unread"] == 2
        assert (await phone.ask("READ", roomId=chat, messageId=root, threadId=root, unread=True)).body["unread"] == 5
        heard = (await phone.say(chat, "they have heard all there is")).body["pos"]
        assert (await phone.ask("READ", roomId=chat, messageId=root, threadId=root, pos=heard)).body["unread"] == 0
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["unread"] == 0
        for message, code in ((beside, "invalid_field"), ("12", "not_found"), ("x", "invalid_field")):
            assert (await phone.ask("READ", roomId=chat, messageId=message, threadId=root)).code == code
            assert (await world.rest("ada", "PUT", read, {"message_id": message})).code == code
        assert (await phone.ask("READ", roomId=chat, messageId=ids[0], threadId=ids[0])).code == "invalid_field"
        assert (await phone.ask("FOLLOW_THREAD", roomId=chat, threadId=ids[0])).code == "invalid_field"
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{root}/thread/follow")
    assert (await world.rest("ada", "PUT", read, {"message_id": ids[0], "unread": True})).body["unread"] == 0


async def test_the_list_of_threads_comes_in_pages(world: World) -> None:
    left, kept = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
    roots = [await said(world, "ada", chat, f"{number}") for number, chat in enumerate((left, kept, kept, kept))]
    for number, chat in ((2, kept), (0, left), (3, kept), (1, kept)):
        await replied(world, "ben", chat, roots[number], "reply")
    page = await world.rest("ben", "GET", "/api/me/threads?limit=3")
    assert [one["content"] for one in page.body["threads"]] == ["1", "3", "0"]
    assert 'rel="next"' in page.headers["link"]
    rest = (await world.rest("ben", "GET", f"/api/me/threads?before={page.body['next']}")).body["threads"]
    assert rest[0]["content"] == "2"
    await replied(world, "ada", kept, roots[2], "again")
    assert list(await listed(world, "ben", kept)) == ["2", "1", "3"]
    assert (await world.rest("ben", "POST", f"/api/chats/{left}/leave")).status == 204
    assert await listed(world, "ben", left) == {}
    body = {"user_id": await world.id("ben")}
    assert (await world.rest("ada", "POST", f"/api/chats/{left}/participants", body)).status == 201
    assert await listed(world, "ben", left) == {}, "who comes back begins anew"
    for wrong in ("limit=0", "limit=101", "before=x"):
        assert (await world.rest("ben", "GET", f"/api/me/threads?{wrong}")).code == "invalid_field"


async def test_threads_go_with_their_chat(world: World) -> None:
    chat = await world.chat(["ada"])
    root = await said(world, "ada", chat, "root")
    (reply,) = await replied(world, "ada", chat, root, "reply")
    await world.until("ada", f"/api/chats/{chat}", lambda body: (body["last_message"] or {}).get("id") == reply)
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).body
    assert (receipt["counts"]["threadreply"], receipt["counts"]["threadfollow"]) == (1, 1)
    assert await listed(world, "ada", chat) == {}
