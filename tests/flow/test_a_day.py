"""A day in a team of five: ada founds it, ben talks, cyd is late, dan leaves, eve comes by invite."""

from datetime import UTC, datetime, timedelta

from tests.world import World


async def test_a_day_in_a_team_of_five(world: World) -> None:
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "dan", "eve")}

    # 9:00. Ada opens the project; three are in, eve gets a link that lets one person in.
    team = await world.chat(["ada", "ben", "cyd", "dan"], name="Orchard")
    path = f"/api/chats/{team}"
    await world.rest("ada", "PATCH", path, {"description": "The north field"})
    link = (await world.rest("ada", "POST", f"{path}/invites", {"max_uses": 1})).body["code"]
    assert (await world.rest("eve", "POST", f"/api/invites/{link}")).status == 201
    assert (await world.rest("eve", "GET", path)).body["participant_count"] == 5

    async with world.connect("ada", team) as ada, world.connect("ben", team) as ben, world.connect("eve") as eve:
        # 9:30. Everybody who is there hears everything once, in one order. Eve hears all of her chats.
        await eve.send({"type": "SUBSCRIBE", "ref": "all", "rooms": "all"})
        assert team in (await eve.expect("SUBSCRIBED_ALL", ref="all"))["rooms"]
        plan = await ada.say(team, "The plan: we start on Monday.")
        await ben.send({"type": "TYPING", "roomId": team, "active": True})
        assert (await ada.expect("TYPING", roomId=team))["userId"] == ids["ben"]
        question = await ben.say(team, "Who waters? @cyd?", replyToId=plan.body["messageId"], mentions=[ids["cyd"]])
        heard = await eve.expect("MESSAGE", messageId=question.body["messageId"])
        assert heard["replyToId"] == plan.body["messageId"]

        # 10:00. Ben meant Tuesday; the plan is corrected and what it said before can be looked up.
        await ada.ask("EDIT_MESSAGE", roomId=team, messageId=plan.body["messageId"], content="The plan: on Tuesday.")
        await ben.expect("MESSAGE_EDITED", messageId=plan.body["messageId"], content="The plan: on Tuesday.")
        edits = (await world.rest("ben", "GET", f"{path}/messages/{plan.body['messageId']}/edits")).body["edits"]
        assert [edit["content"] for edit in edits] == ["The plan: we start on Monday."]

        # 10:30. Cyd comes late, and knows how much there is to read and that somebody wants her.
        listed = (await world.rest("cyd", "GET", "/api/chats")).body["chats"]
        mine = next(chat for chat in listed if chat["id"] == team)
        assert (mine["unread"], mine["mentions"]) == (2, 1)
        async with world.connect("cyd", team) as cyd:
            answer = await cyd.say(team, "I water.")
            last = await cyd.expect("MESSAGE", messageId=answer.body["messageId"])
            read = await cyd.ask("READ", roomId=team, messageId=last["messageId"], pos=last["pos"])
            assert (read.body["unread"], read.body["mentions"]) == (0, 0)
            seen = await ada.expect("READ_POSITION", roomId=team, userId=ids["cyd"])
            assert seen["messageId"] == last["messageId"]

        # 11:00. Dan sells things. Ben becomes a moderator and mutes him; dan leaves.
        spam = await world.rest("dan", "POST", f"{path}/messages", {"content": "Buy my apples!"})
        await world.rest("ada", "PATCH", f"{path}/participants/{ids['ben']}", {"role": "moderator"})
        gone = await world.rest("ben", "DELETE", f"{path}/messages/{spam.body['id']}", {"reason": "no selling"})
        assert (gone.body["is_deleted"], gone.body["deleted_by"]) == (True, ids["ben"])
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await world.rest("ben", "PATCH", f"{path}/participants/{ids['dan']}", {"muted_until": until})
        assert (await world.rest("dan", "POST", f"{path}/messages", {"content": "Pears!"})).code == "muted"
        assert (await world.rest("dan", "POST", f"{path}/leave")).status == 204
        assert (await ada.expect("MEMBER", change="left", userId=ids["dan"]))["count"] == 4
        assert (await world.rest("dan", "GET", f"{path}/messages")).code == "not_found"

        # 13:00. Eve's train goes through a tunnel; what was said meanwhile is there when she is back.
        await eve.cut()
        for number in range(3):
            await ben.say(team, f"for eve {number}")
        await eve.resume()
        await eve.heard_until(team, lambda frames: any(frame.get("content") == "for eve 2" for frame in frames))
        assert eve.said(team)[-3:] == [f"for eve {number}" for number in range(3)]

        # 15:00. Ada and eve talk alone; both ask at once, there is one chat.
        alone = (await world.rest("ada", "POST", "/api/chats/direct", {"user_id": ids["eve"]})).body
        assert (await world.rest("eve", "POST", "/api/chats/direct", {"user_id": ids["ada"]})).body["id"] == alone["id"]
        await eve.expect("ME", kind="chat_added", roomId=alone["id"])

        # 17:00. The project is done: it is archived, can be read, and takes nothing new.
        await world.rest("ada", "DELETE", path)
        await ben.expect("ROOM", change="archived", roomId=team)
        assert (await ben.say(team, "one more thing")).code == "archived"
    told = [message["content"] for message in await world.history("cyd", team)]
    assert told == ["The plan: on Tuesday.", "Who waters? @cyd?", "I water.", ""] + [f"for eve {n}" for n in range(3)]
