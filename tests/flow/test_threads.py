"""Threads: what is said under a message, beside the conversation."""

from tests.world import World


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
    page = (await world.rest("ben", "GET", f"/api/chats/{chat}/messages/{root}/thread")).body
    assert (page["root"]["id"], page["root"]["content"]) == (root, "what about tea?")
    assert [(one["content"], one["thread_id"]) for one in page["messages"]] == [("green", root), ("black", root)]
    assert (page["has_before"], page["has_after"], page["complete"]) == (False, False, True)
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


async def test_guests_read_threads_and_do_not_start_them(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    root = await said(world, "ada", chat, "root")
    role = {"role": "guest"}
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{await world.id('ben')}", role)
    body = {"content": "hi", "thread_id": root}
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/messages", body)).code == "forbidden"
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}/messages/{root}/thread")).status == 200
