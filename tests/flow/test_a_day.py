"""A day in a team of five: ada founds it, ben talks, cyd is late, dan leaves, eve comes by invite."""

from datetime import UTC, datetime, timedelta

from tests.bots import bot
from tests.flow.test_bot_commands import DEPLOY, MINE, answered, opened
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


async def test_the_harvest_of_the_same_team(world: World) -> None:
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "eve")}
    team = await world.chat(["ada", "ben", "cyd", "eve"], name="Harvest")
    path = f"/api/chats/{team}"

    async with world.connect("ada", team) as ada, world.connect("ben", team) as ben, world.connect("eve", team) as eve:
        # 8:00. Ada says what counts, for everybody, with marks; all take note of it but cyd, who sleeps.
        order = await ada.say(team, "**Ladders** stay *upright*.", important=True, mentions=["all"])
        rule = order.body["messageId"]
        assert "<strong>Ladders</strong>" in (await ben.expect("MESSAGE", messageId=rule))["html"]
        for person in (ben, eve):
            assert (await person.ask("ACKNOWLEDGE", roomId=team, messageId=rule)).code is None
        noted = (await world.rest("ada", "GET", f"{path}/messages/{rule}/acknowledgements")).body
        assert [one["id"] for one in noted["waiting"]["users"]] == [ids["cyd"]]
        await ada.ask("PIN", roomId=team, messageId=rule)
        assert (await eve.expect("PIN", messageId=rule))["pinned"]

        # 9:00. What it means is talked over under it, beside the conversation, and found funny.
        aside = await eve.say(team, "Even mine?", threadId=rule)
        await ben.ask("REACT", roomId=team, messageId=aside.body["messageId"], emoji="😂")
        assert (await eve.expect("REACTION", messageId=aside.body["messageId"]))["userId"] == ids["ben"]
        (thread,) = [one for one in (await world.rest("ada", "GET", "/api/me/threads")).body["threads"]
                     if one["chat_id"] == team]  # fmt: skip
        assert (thread["id"], thread["thread"]["replies"], thread["thread"]["unread"]) == (rule, 1, 1)

        # 10:00. Where to begin is voted upon; eve changes her mind, and then it is closed.
        poll = await ben.say(team, "Where first?", poll={"options": ["Pears", "Plums"]})
        place = {"roomId": team, "messageId": poll.body["messageId"]}
        for person, choice in ((ada, 1), (eve, 0), (eve, 1)):
            await person.ask("VOTE", **place, choices=[choice])
        await ben.ask("CLOSE_POLL", **place)
        closed = await eve.until(lambda one: one["type"] == "POLL" and one["closed"])
        assert closed["counts"] == [0, 2]
        assert (await ada.ask("VOTE", **place, choices=[0])).code == "conflict"

        # 11:00. The weather station and the scales are programs.
        hook = (await world.rest("ada", "POST", f"{path}/webhooks", {"name": "Weather station"})).body
        await world.rest(None, "POST", hook["path"], {"text": "Hail at four"})
        assert (await eve.expect("MESSAGE", content="Hail at four"))["senderId"] == hook["bot"]["id"]
        token = {"name": "Scales", "scopes": ["messages:write"]}
        made = await world.rest("ben", "POST", "/api/me/tokens", token)
        # Its key lets it wait until a new Redis has lost nothing for a while, as what is planned does below.
        scales = {"Authorization": f"Bearer {made.body['token']}", "Idempotency-Key": "41 kg"}
        said = await world.rest(None, "POST", f"{path}/messages", {"content": "41 kg of plums"}, headers=scales)
        assert (said.status, said.body["sender"]["id"]) == (201, ids["ben"])

        # 12:00. Eve begins to write and is called away; she keeps what she needs, and wants to be reminded.
        await world.rest("eve", "PUT", f"{path}/draft", {"content": "After hail we"})
        await eve.ask("STAR", roomId=team, messageId=said.body["id"])
        soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        reminder = await world.rest("eve", "POST", f"{path}/messages/{said.body['id']}/reminders", {"remind_at": soon})
        planned = await world.rest("ben", "POST", f"{path}/scheduled", {"content": "Baskets in!", "send_at": soon})
        assert (reminder.status, planned.status) == (201, 201), planned.body
        assert (await ada.expect("MESSAGE", content="Baskets in!"))["senderId"] == ids["ben"]
        await eve.until(lambda one: one.get("kind") == "reminder" and one["state"]["state"] == "due")
        assert (await world.rest("eve", "GET", f"{path}/stars")).body["message_ids"] == [said.body["id"]]

        # 15:00. Three of them have a word of their own, and hand on what the scales said.
        trio = (await world.rest("ada", "POST", "/api/chats/direct", {"user_ids": [ids["ben"], ids["eve"]]})).body["id"]
        handed = await ada.ask("FORWARD", roomId=team, messageId=said.body["id"], to=[trio])
        assert handed.code is None
        (copy,) = await world.history("eve", trio, at_least=handed.body["to"][0]["pos"])
        assert (copy["content"], copy["forwarded_from"]["sender"]["id"]) == ("41 kg of plums", ids["ben"])

        # 16:00. Somebody of the neighbours got in by a link and sells ladders: he is reported, and goes.
        link = (await world.rest("ada", "POST", f"{path}/invites", {})).body["code"]
        await world.rest("dan", "POST", f"/api/invites/{link}")
        offer = (await world.rest("dan", "POST", f"{path}/messages", {"content": "Ladders! Cheap!"})).body["id"]
        assert (await world.rest("eve", "POST", f"{path}/messages/{offer}/flag", {"reason": "spam"})).status == 201
        await world.rest("ada", "DELETE", f"{path}/participants/{await world.id('dan')}")
        assert (await ben.expect("MEMBER", change="removed"))["userId"] == await world.id("dan")

    # 20:00. Cyd is up. She sees what there is to do, what she missed, and finds the plums.
    waits = (await world.rest("cyd", "GET", "/api/me/acknowledgements")).body["messages"]
    assert rule in [one["id"] for one in waits]
    answer = await world.rest("cyd", "PUT", f"{path}/messages/{rule}/acknowledgement")
    assert answer.body["acknowledgements"]["count"] == 3
    shown = (await world.rest("cyd", "GET", path)).body
    assert (shown["unread"], shown["mentions"]) == (6, 1)
    found = await world.until("cyd", f"/api/search/messages?q=plums+in:{team}", lambda body: len(body["messages"]) == 2)
    assert {one["content"] for one in found["messages"]} == {"41 kg of plums", "Where first?"}


async def test_the_office_of_the_same_team(world: World) -> None:
    ids = {name: await world.id(name) for name in ("ada", "ben", "cyd", "eve")}
    office = await world.chat(["ada", "ben", "cyd", "eve"], name="Office")
    path = f"/api/chats/{office}"
    program = await bot(world, "press", chat=office)
    await program.ask("PUT", MINE, {"commands": [DEPLOY | {"name": "juice"}]})

    async with world.connect("ada", office) as ada, world.connect("ben", office) as ben, world.connect("eve") as eve:
        # 8:00. Eve sorts what she is in: this one first, in a folder of its own, and only what names her is news.
        folder = (await world.rest("eve", "POST", "/api/me/folders", {"name": "Cider"})).body["id"]
        await world.rest("eve", "PUT", f"{path}/folder", {"folder_id": folder})
        await world.rest("eve", "PUT", f"{path}/favourite")
        await world.rest("eve", "PUT", f"{path}/notifications", {"level": "mentions"})
        for kind in ("folder", "favourite", "mute"):
            await eve.expect("ME", kind=kind)
        mine = (await world.rest("eve", "GET", path)).body
        assert (mine["folder_id"], mine["is_favourite"], mine["notification_level"]) == (folder, True, "mentions")

        # 9:00. What is always asked is written once; Ben fills it in, and Eve is the one whom it names.
        ask = {"name": "Bottles", "content": "Dear {name}, how many bottles?", "chat_id": office}
        template = (await world.rest("ada", "POST", "/api/templates", ask)).body["id"]
        filled = await world.rest("ben", "POST", f"/api/templates/{template}/filled", {"values": {"name": "Eve"}})
        await ben.say(office, filled.body["content"], mentions=[ids["eve"]])
        counted = (await world.rest("eve", "GET", path)).body
        assert (counted["unread"], counted["mentions"]) == (1, 1)

        # 10:00. The press is a bot. It hears what it is asked to do, and tells all how it went.
        press = await opened(program)
        order = await ben.ask("INVOKE", roomId=office, command="juice", text="pears")
        asked = (await press.expect("ME", kind="command"))["state"]
        assert (asked["userId"], asked["text"]) == (ids["ben"], "pears")
        done = await answered(program, order.body["invocationId"], "40 litres")
        await press.close()
        assert (await ada.expect("MESSAGE", messageId=done.body["id"]))["senderId"] == program.id

        # 11:00. Ada wants to work. What is said now goes in an hour, so that nobody reads the till's code tomorrow.
        await ada.ask("PRESENCE_SET", status="DND", text="counting")
        seen = f"/api/presence?user={ids['ada']}"
        await world.until("cyd", seen, lambda body: body["presence"][0]["text"] == "counting")
        await world.rest("ada", "PATCH", path, {"expire_seconds": 3_600})
        code = await ada.say(office, "||4711||")
        heard = await ben.expect("MESSAGE", messageId=code.body["messageId"])
        assert "spoiler" in heard["html"]
        assert datetime.fromisoformat(heard["expiresAt"]) > datetime.now(UTC) + timedelta(minutes=50)
        await ada.ask("PRESENCE_SET", status="ONLINE")
