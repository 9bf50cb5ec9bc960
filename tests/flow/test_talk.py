"""People talk: the walk of a message, over sockets and REST."""

import asyncio

import pytest

from tests.world import World


async def test_everybody_hears_the_same_bytes_in_one_order(world: World) -> None:
    chat = await world.chat(["ada", "ben", "cyd"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("cyd", chat) as cyd:
        acks = await asyncio.gather(
            *[ada.say(chat, f"a{n}") for n in range(20)], *[ben.say(chat, f"b{n}") for n in range(20)]
        )
        assert {ack.body["type"] for ack in acks} == {"ACK"}
        for device in (ada, ben, cyd):
            await device.heard_until(chat, lambda heard: len(heard) == 40)
        assert ada.heard[chat] == ben.heard[chat] == cyd.heard[chat]
        assert [text for text in cyd.said(chat) if text[0] == "a"] == [f"a{n}" for n in range(20)]
        ids = [int(frame["messageId"]) for frame in cyd.heard[chat]]
        assert ids == sorted(ids)


@pytest.mark.rules
async def test_a_stranger_cannot_post(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("eve") as eve:
        assert (await eve.say(chat, "hi")).code == "not_found"


async def test_a_post_is_followed_by_a_get_that_shows_it(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    for number in range(10):
        sent = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": f"line {number}"})
        assert sent.status == 201
        page = await world.rest("ben", "GET", f"/api/chats/{chat}/messages?limit=1")
        assert page.body["messages"][-1]["id"] == sent.body["id"]
        assert page.body["complete"] is True
        assert page.body["pos"] >= sent.body["pos"]


@pytest.mark.rules
async def test_a_seeds_frame_without_nonce_or_ref_is_valid(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        await ada.send({"type": "SEND_MESSAGE", "roomId": chat, "content": "hello"})
        ack = await ada.expect("ACK", roomId=chat)
        message = await ada.expect("MESSAGE", messageId=ack["messageId"])
        assert {"roomId": chat, "senderId": await world.id("ada"), "content": "hello"}.items() <= message.items()


async def test_a_repeated_nonce_answers_with_the_first_result_everywhere(world: World) -> None:
    chat = await world.chat(["ada"])
    path = f"/api/chats/{chat}/messages"
    async with world.connect("ada", chat) as ada:
        first = await ada.say(chat, "once", nonce="n-1")
        again = await ada.say(chat, "once", nonce="n-1", retry=True, firstTriedMs=5)
        rest = await world.rest("ada", "POST", path, {"content": "once", "nonce": "n-1"})
        assert first.body["messageId"] == again.body["messageId"] == rest.body["id"]
        assert (first.body["pos"], rest.status) == (again.body["pos"], 200)
        assert (await ada.say(chat, "other", nonce="n-1")).code == "nonce_reused"
        assert (await world.rest("ada", "POST", path, {"content": "other", "nonce": "n-1"})).code == "nonce_reused"
        assert [message["content"] for message in await world.history("ada", chat)] == ["once"]


async def test_an_idempotency_key_is_the_nonce_where_none_is_given(world: World) -> None:
    chat = await world.chat(["ada"])
    path, key = f"/api/chats/{chat}/messages", {"Idempotency-Key": "k1"}
    first = await world.rest("ada", "POST", path, {"content": "once"}, headers=key)
    again = await world.rest("ada", "POST", path, {"content": "once"}, headers=key)
    assert (first.status, again.status, first.body["id"]) == (201, 200, again.body["id"])


async def test_replies_point_at_messages_of_the_same_chat(world: World) -> None:
    chat, other = await world.chat(["ada"]), await world.chat(["ada"])
    async with world.connect("ada", chat) as ada:
        first = await ada.say(chat, "question")
        answer = await ada.say(chat, "answer", replyToId=first.body["messageId"])
        shown = await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{answer.body['messageId']}")
        assert shown.body["reply_to"] == first.body["messageId"]
        assert (await ada.say(other, "elsewhere", replyToId=first.body["messageId"])).code == "not_found"
        assert (await ada.say(chat, "nowhere", replyToId="12")).code == "not_found"


@pytest.mark.rules
async def test_fields_of_later_versions_are_refused(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        assert (await ada.say(chat, "hi", attachments=["x"])).code == "not_supported"


async def test_what_is_said_after_hearing_has_a_higher_id(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        for number in range(20):
            question = await ada.say(chat, f"question {number}")
            await ben.expect("MESSAGE", messageId=question.body["messageId"])
            answer = await ben.say(chat, f"answer {number}")
            assert int(answer.body["messageId"]) > int(question.body["messageId"])


async def test_forty_pipelined_sends_are_all_acked_in_order(world: World) -> None:
    chat = await world.chat(["ada"])
    async with world.connect("ada") as ada:
        for number in range(40):
            await ada.send({"type": "SEND_MESSAGE", "ref": f"p{number}", "roomId": chat, "content": f"{number}"})
        await ada.expect("ACK", ref="p39")
        refs = [frame["ref"] for frame in ada.frames if frame["type"] == "ACK"]
        assert refs == [f"p{number}" for number in range(40)]
    assert [message["content"] for message in await world.history("ada", chat)] == [str(n) for n in range(40)]


async def test_who_was_added_hears_and_who_left_does_not(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben, world.connect("cyd") as cyd:
        added = await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": await world.id("cyd")})
        assert added.status == 201
        await cyd.subscribe(chat)
        await ben.expect("MEMBER", change="added", userId=await world.id("cyd"), count=3)
        assert (
            await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('ben')}")
        ).status == 204
        last = await ben.expect("MEMBER", change="removed", userId=await world.id("ben"))
        await ada.say(chat, "without ben")
        await cyd.heard_until(chat, lambda heard: any(frame.get("content") == "without ben" for frame in heard))
        assert ben.heard[chat][-1] == last
        assert (await ben.say(chat, "still here?")).code == "not_found"
        assert (await world.rest("ben", "GET", f"/api/chats/{chat}/messages")).code == "not_found"


async def test_the_last_owner_stays(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/leave")).code == "last_owner"
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/leave")).status == 204
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).code == "not_found"


async def test_the_list_shows_the_newest_message(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    sent = await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "look at the list"})
    async with asyncio.timeout(20):
        while True:
            listed = (await world.rest("ben", "GET", "/api/chats")).body["chats"]
            if (mine := next(one for one in listed if one["id"] == chat))["last_message"]:
                break
    assert mine["last_message"]["id"] == sent.body["id"]
    assert mine["last_message"]["sender"]["username"] == "ada"
    assert listed[0]["id"] == chat


async def test_a_subscription_resumes_without_hole_or_repeat(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        for number in range(5):
            await ada.say(chat, f"before {number}")
        await ben.heard_until(chat, lambda heard: len(heard) == 5)
        await ben.cut()
        for number in range(250):
            await ada.say(chat, f"missed {number}")
        await ben.resume()
        await ben.heard_until(chat, lambda heard: len(heard) == 255)
        assert ben.said(chat) == [f"before {n}" for n in range(5)] + [f"missed {n}" for n in range(250)]
        assert (ben.holes, ben.resyncs) == (0, [])
        assert any(frame.get("more") for frame in ben.frames)


async def test_lying_cursors_get_resync(world: World) -> None:
    chat, other = await world.chat(["ada"]), await world.chat(["ada"])
    async with world.connect("ada") as ada:
        sent = await ada.say(chat, "one")
        await ada.say(other, "two")
        epoch, pos = sent.body["epoch"], sent.body["pos"]
        for cursor in (
            {"epoch": epoch, "pos": pos + 10**6},
            {"epoch": epoch, "pos": -1},
            {"epoch": "another", "pos": pos},
            {"epoch": epoch, "pos": 2**62},
        ):
            answer = await ada.ask("SUBSCRIBE", rooms={chat: cursor})
            assert answer.body["type"] == "RESYNC", cursor
            assert answer.body["pos"] <= pos
        assert (await ada.say(chat, "still live")).body["type"] == "ACK"
        await ada.until(lambda frame: frame.get("content") == "still live")


async def test_an_unsubscribed_room_is_silent(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        assert (await ben.ask("UNSUBSCRIBE", rooms=[chat])).body["type"] == "OK"
        await ada.say(chat, "quiet")
        await ada.until(lambda frame: frame.get("content") == "quiet")
        await ben.ask("HEARTBEAT")
        assert ben.said(chat) == []
