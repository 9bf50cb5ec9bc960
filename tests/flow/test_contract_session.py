"""One session of the contract, frame by frame: each field of whatever a server answers or tells.

`SERVER` and `ACKS` are the contract's tables. A frame with a field more, less or of another kind fails, wherever in
the session it comes; so does a type that a client can send, or a server can, and that nobody sends here.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from chatsite.asyncapi import document
from chatsite.gateway.registry import frames
from chatsite.kernel.errors import CODES
from tests.bots import bot
from tests.crowds import CROWD, crowd
from tests.receiver import site
from tests.world import PREVIEWING, Answer, Device, Frame, Server, World, make_template

Shape = dict[str, Any]  # field -> what it holds; a field whose name ends in "?" may be missing
LASTS_SECONDS = 100  # an access token: shorter than the 120 s before its end that AUTH_EXPIRING comes
LARGE = 51  # members, from which on a chat is told of and not heard


def text(value: object) -> bool:
    """A string that is not empty."""
    return isinstance(value, str) and value != ""


def flag(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def number(value: object) -> bool:
    """A number that JavaScript keeps whole."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def message_id(value: object) -> bool:
    """64 bits as a decimal string."""
    return isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value) is not None


def entity(value: object) -> bool:
    """The id of a person or a chat, in its one spelling."""
    return isinstance(value, str) and str(UUID(value)) == value


def time(value: object) -> bool:
    """UTC in ISO 8601 with milliseconds."""
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None


def moment(value: object) -> bool:
    """A time, or none."""
    return value is None or time(value)


def maybe_text(value: object) -> bool:
    """A text, or none."""
    return value is None or isinstance(value, str)


def reply(value: object) -> bool:
    """A message that is answered, or none."""
    return value is None or message_id(value)


def mention(value: object) -> bool:
    """A person, or everybody."""
    return value in ("all", "here") or entity(value)


MODE = {"full", "activity"}
LEVEL = {"all", "mentions", "nothing"}
ROLE = {"owner", "admin", "moderator", "member", "guest"}
CURSOR: Shape = {"epoch": text, "pos": number}
PLACE: Shape = {"roomId": entity, **CURSOR, "prev": number, "version": number}  # `..` of the contract
LIMITS = {"frameBytes", "content", "unackedSends", "subscriptions", "roomsASubscribe", "connections", "outboundBytes"}
COUNTS: Shape = {"unread": number, "mentions": number}

# What is told of a person alone, by `kind`.
ME: dict[str, Shape] = {
    "read": {"roomId": entity, "messageId": message_id, "readPos": number, "upTo": number, "back?": flag, **COUNTS},
    "chat_added": {"roomId": entity, "role": ROLE},
    "chat_removed": {"roomId": entity},
    "mute": {"state": {"roomId": entity, "until": maybe_text, "level": LEVEL}},
    "star": {"state": {"roomId": entity, "messageId": message_id, "starred": flag}},
    "draft": {"state": {"roomId": entity, "content": maybe_text, "replyToId": reply}},
    "folder": {"state": {"roomId": entity, "folderId": maybe_text}},
    "reminder": {
        "state": {
            "id": entity,
            "roomId": entity,
            "messageId": message_id,
            "state": {"waiting", "due", "dropped"},
            "remindAt": moment,
            "note": maybe_text,
        }
    },
    "scheduled": {"state": {"id": entity, "roomId": entity, "state": text, "sendAt": moment, "code": maybe_text}},
    "folders": {"state": {"folders": list}},
    "thread": {
        "state": {
            "roomId": entity,
            "threadId": message_id,
            "following": flag,
            "readPos": number,
            "unread": number,
            "upTo": number,
        }
    },
    "command": {
        "state": {
            "invocationId": entity,
            "roomId": entity,
            "userId": entity,
            "command": text,
            "text": text,
            "replyUntil": time,
        }
    },
    "answer": {
        "state": {
            "id": entity,
            "invocationId": entity,
            "roomId": entity,
            "botId": entity,
            "command": text,
            "content": text,
            "html": maybe_text,
            "ts": time,
        }
    },
    "favourite": {"state": {"roomId": entity, "favourite": flag}},
    "preferences": {"state": dict},
    "sessions": {"state": {"ids": [entity]}},
}
SERVER: dict[str, Shape] = {
    "READY": {
        "ref?": text,
        "connectionId": text,
        "userId": entity,
        "heartbeatMs": number,
        "limits": dict.fromkeys(LIMITS, number),
        "serverTime": time,
        "me": CURSOR,
        "expiresInMs": number,
        "version": text,
        "features": [text],
    },
    "SUBSCRIBED": {
        "ref?": text,
        "roomId": entity,
        **CURSOR,
        "mode": MODE,
        "recovered": flag,
        "events": list,
        "more?": {True},
    },
    "SUBSCRIBED_ALL": {"ref?": text, "rooms": dict},
    "MESSAGE": {
        **PLACE,
        "messageId": message_id,
        "senderId": entity,
        "content": text,
        "ts": time,
        "nonce?": text,
        "html?": text,
        "messageType": {"text", "notice", "poll"},
        "replyToId?": message_id,
        "threadId?": message_id,
        "threadStarterId?": entity,
        "attachments": [entity],
        "mentions": [mention],
        "origin?": {"kind": text, "author": text, "ts": time},
        "forwardedFrom?": {"senderId": entity, "sentAt": time},
        "important?": {True},
        "expiresAt?": moment,
        "poll?": {"options": [text], "multiple?": {True}, "anonymous?": {True}, "closesAt?": time},
    },
    "MESSAGE_EDITED": {
        **PLACE,
        "messageId": message_id,
        "content": text,
        "html?": text,
        "mentions": [mention],
        "editedAt": time,
    },
    "MESSAGE_DELETED": {**PLACE, "messageId": message_id, "by": entity, "ts": time, "reason?": text},
    "REACTION": {
        **PLACE,
        "messageId": message_id,
        "userId": entity,
        "emoji": text,
        "active": flag,
        "count": number,
    },
    "ACKNOWLEDGED": {**PLACE, "messageId": message_id, "userId": entity, "ts": time, "count": number},
    "PREVIEWS": {
        **PLACE,
        "messageId": message_id,
        "textVersion": number,
        "previews": [{"url": text, "title": text, "description?": text, "site?": text}],
    },
    "POLL": {
        **PLACE,
        "messageId": message_id,
        "counts": [number],
        "voters": number,
        "closed": flag,
        "userId?": entity,
        "choices?": [number],
    },
    "PIN": {**PLACE, "messageId": message_id, "userId": entity, "pinned": flag},
    "MEMBER": {
        **PLACE,
        "userId": entity,
        "change": {"added", "removed", "left", "role", "muted", "banned"},
        "role": ROLE,
        "by": entity,
        "count": number,
        "mutedUntil?": time,
    },
    "ROOM": {**PLACE, "change": {"updated", "archived", "restored", "deleted"}, "by": entity, "chat": dict},
    "READ_POSITION": {"roomId": entity, "userId": entity, "messageId": message_id},
    "ROOM_ACTIVITY": {"roomId": entity, "messageId": message_id, "unread": number},
    "ME": {**CURSOR, "prev": number, "version": number, "kind": {*ME}},
    "TYPING": {"roomId": entity, "userId": entity, "active": flag},
    "PRESENCE": {
        "userId": entity,
        "status": {"ONLINE", "AWAY", "DND", "OFFLINE"},
        "lastSeen": moment,
        "version": number,
        "text?": text,
    },
    "ACK": {"ref": text},
    "OK": {"ref": text, "expiresInMs?": number},
    "HEARTBEAT_ACK": {"ref": text, "serverTime": time},
    "ERROR": {
        "ref?": text,
        "nonce?": text,
        "roomId?": entity,
        "code": {*CODES},
        "message": text,
        "retryable": flag,
        "retryAfterMs?": number,
    },
    "RESYNC": {"roomId": entity, **CURSOR, "ref?": text},
    "AUTH_EXPIRING": {"expiresInMs": number},
    "RECONNECT": {"afterMs": number, "jitterMs": number},
}
# What an ACK says besides its ref, by what it answers.
CHANGED: Shape = {"roomId": entity, "messageId": message_id, "version": number, **CURSOR}
STARRED: Shape = {"roomId": entity, "messageId": message_id, "version": number}
FORWARDED: Shape = {  # of each chat what an ACK says of a send, or an ERROR of a refusal
    "roomId": entity,
    "messageId?": message_id,
    "ts?": time,
    "epoch?": text,
    "pos?": number,
    "code?": {*CODES},
    "message?": text,
    "retryable?": flag,
    "retryAfterMs?": number,
}
FOLLOWED: Shape = {"roomId": entity, "threadId": message_id, "version": number}
ACKS: dict[str, Shape] = {
    "SEND_MESSAGE": {"nonce?": text, "roomId": entity, "messageId": message_id, "ts": time, **CURSOR},
    "FORWARD": {"nonce?": text, "roomId": entity, "messageId": message_id, "to": [FORWARDED]},
    "EDIT_MESSAGE": CHANGED,
    "DELETE_MESSAGE": CHANGED,
    **dict.fromkeys(("REACT", "UNREACT", "PIN", "UNPIN"), CHANGED),
    **dict.fromkeys(("STAR", "UNSTAR", "ACKNOWLEDGE", "VOTE", "CLOSE_POLL"), STARRED),
    "INVOKE": {"roomId": entity, "invocationId": entity, "replyUntil": time},
    "FLAG_MESSAGE": {"roomId": entity, "messageId": message_id, "flagId": entity},
    **dict.fromkeys(("FOLLOW_THREAD", "UNFOLLOW_THREAD"), FOLLOWED),
    "READ": {
        "roomId": entity,
        "messageId": message_id,
        "threadId?": message_id,
        "version": number,
        "unread": number,
        "mentions?": number,
    },
    "PRESENCE_SET": {"version": number},
}


def require(value: Any, wanted: Any, where: str) -> None:
    """Fail where something is not as a table says, with the way to it."""
    match wanted:
        case dict():
            assert isinstance(value, dict), f"{where} is {value!r}"
            known = {name.removesuffix("?") for name in wanted}
            assert value.keys() <= known, f"{where} has {value.keys() - known} too"
            missing = {name for name in wanted if not name.endswith("?")} - value.keys()
            assert not missing, f"{where} lacks {missing}"
            for name, field in value.items():
                require(field, wanted.get(name, wanted.get(f"{name}?")), f"{where}.{name}")
        case list():
            assert isinstance(value, list), f"{where} is {value!r}"
            for one in value:
                require(one, wanted[0], f"{where}[]")
        case set():
            assert value in wanted, f"{where} is {value!r}"
        case type():
            assert isinstance(value, wanted), f"{where} is {value!r}"
        case _:
            assert wanted(value), f"{where} is {value!r}, which is no {wanted.__name__}"


def require_frame(frame: Frame, *, answers: str | None = None) -> None:
    """Fail where a frame is not as the contract says."""
    type_, fields = frame["type"], {name: value for name, value in frame.items() if name != "type"}
    assert type_ in SERVER, f"{type_} is in no table"
    shape = SERVER[type_]
    match type_:
        case "ACK":
            shape = shape | ACKS[str(answers)]
        case "ME":
            shape = shape | ME[frame["kind"]]
        case "ROOM" if frame["change"] == "mode":
            shape = {"roomId": entity, "change": {"mode"}, "chat": {"mode": MODE}}  # no pos: it is in no stream
        case "SUBSCRIBED":
            for event in frame["events"]:
                assert "pos" in event
                require_frame(event)
        case "SUBSCRIBED_ALL":
            for room, state in frame["rooms"].items():
                require(room, entity, "a room")
                require(state, CURSOR | COUNTS | {"mode": MODE}, f"{type_}.{room}")
    require(fields, shape, type_)
    require_described(frame, answers=answers)


def require_described(frame: Frame, *, answers: str | None) -> None:
    """Fail where a frame is not as the server's own AsyncAPI document says."""
    name = f"answer.{answers}" if frame["type"] in ("ACK", "OK", "HEARTBEAT_ACK") else f"server.{frame['type']}"
    payload = document()["components"]["messages"][name]["payload"]
    jsonschema.validate(frame, {**payload, "components": document()["components"]})


class Party(Device):
    """A client that remembers what it sent, so that each answer can be held to it."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.sent: dict[str, str] = {}  # ref -> the type that it was of

    async def send(self, frame: Frame | str | bytes) -> None:
        """Send it, and remember."""
        if isinstance(frame, dict):
            self.sent[frame.get("ref", "")] = frame["type"]
        await super().send(frame)

    def require_contract(self) -> None:
        """Fail where anything that came is not as the contract says."""
        for frame in self.frames:
            require_frame(frame, answers=self.sent.get(frame.get("ref", "")))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with enough people for a large chat."""
    return make_template(tmp_path_factory.mktemp("contract"), CROWD)


def says(answer: Answer, type_: str, **fields: Any) -> Frame:
    """The frame that answered, which has these fields among others."""
    assert {"type": type_, **fields}.items() <= answer.body.items(), answer.body
    frame: Frame = answer.body
    return frame


async def test_a_session_is_what_the_contract_says(make_server: Callable[..., Server]) -> None:
    environment = {"CHAT_ACCESS_TOKEN_SECONDS": str(LASTS_SECONDS)} | PREVIEWING
    async with World(make_server(environment=environment)) as world:
        ada, ben, cyd, program = (Party(world, name) for name in ("ada", "ben", "cyd", "bot"))
        ids = {name: await world.id(name) for name in ("ada", "ben", "cyd")}
        chat = await world.chat(["ada", "ben"])
        async with world.connect("ada", chat) as first:
            assert (await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"link_previews": True})).status == 200
            # It stands in the stream then, and does not come between what is said.
            await first.expect("ROOM", change="updated")
        await _sign_in(world, ada, ben, cyd)
        await _subscribe(world, chat, ada, ben)
        await _talk(chat, ada, ben)
        await _link(world, chat, ada, ben)
        await _read(chat, ada, ben)
        await _set_what_is_ones_own(world, chat, ben)
        await _command(world, chat, ada, ben, program)
        await _show_oneself(ada, ben)
        await _come_and_go(world, chat, ids["cyd"], ada, cyd)
        await _change_the_room(world, chat, ada)
        await _resume(world, chat, ada, ben)
        await _be_many(world, ada, ben)
        await _err(chat, ada, cyd)
        await asyncio.to_thread(world.server.stop)
        everybody = (ada, ben, cyd, program)
        for one in everybody:
            await one.expect("RECONNECT")
            assert await one.closed() == 4012
            one.require_contract()
        assert {type_ for one in everybody for type_ in one.sent.values()} - {"NOPE"} == frames.types.keys()
        told = [frame for one in everybody for frame in one.frames]
        assert {frame["type"] for frame in told} == SERVER.keys()
        assert {frame["kind"] for frame in told if frame["type"] == "ME"} == ME.keys()


async def _sign_in(world: World, ada: Party, ben: Party, cyd: Party) -> None:
    """By subprotocol, by first frame, by bearer; and AUTH renews."""
    await ada.open_raw(subprotocols=["chat.v1", f"ticket.{await world.ticket('ada')}"])
    ready = await ada.expect("READY")
    assert (ready["userId"], ready["heartbeatMs"]) == (await world.id("ada"), 30_000)
    assert ready["limits"]["roomsASubscribe"] == 500
    assert ada.frames[0] == ready
    await ben.open_raw()
    says(await ben.ask("AUTH", ticket=await world.ticket("ben")), "READY", userId=await world.id("ben"))
    await cyd.open_raw(headers={"Authorization": f"Bearer {await world.token('cyd')}"})
    await cyd.expect("READY", userId=await world.id("cyd"))

    expiring = await ada.expect("AUTH_EXPIRING")
    assert 0 < expiring["expiresInMs"] <= LASTS_SECONDS * 1_000
    renewed = says(await ada.ask("AUTH", ticket=await world.ticket("ada", renew=True)), "OK")
    assert 0 < renewed["expiresInMs"] <= LASTS_SECONDS * 1_000
    says(await cyd.ask("AUTH", token=await world.token("cyd")), "OK")
    for active in (False, True):
        says(await ada.ask("HEARTBEAT", active=active), "HEARTBEAT_ACK")


async def _subscribe(world: World, chat: str, ada: Party, ben: Party) -> None:
    """Nothing before a SUBSCRIBE; by name, and `"all"`."""
    first = says(await ada.ask("SEND_MESSAGE", roomId=chat, content="before"), "ACK")
    assert "nonce" not in first
    # It may be on its way still, and would be heard by who subscribes before it comes.
    await world.until("ada", f"/api/chats/{chat}/messages?at_least={first['pos']}", lambda page: page["complete"])
    begun = says(await ada.ask("SUBSCRIBE", roomId=chat), "SUBSCRIBED", roomId=chat, mode="full")
    assert (begun["events"], begun["recovered"], begun["epoch"]) == ([], False, first["epoch"])
    assert not [frame for frame in ada.frames if frame["type"] == "MESSAGE"]
    await ben.subscribe(chat)
    says(await ada.ask("UNSUBSCRIBE", rooms=[chat]), "OK")
    every = says(await ada.ask("SUBSCRIBE", rooms="all"), "SUBSCRIBED_ALL")
    assert every["rooms"][chat]["mode"] == "full"
    assert (every["rooms"][chat]["unread"], every["rooms"][chat]["mentions"]) == (0, 0)


async def _talk(chat: str, ada: Party, ben: Party) -> None:
    """Each gets the same, the sender too, and knows its own by the nonce."""
    ada_id, ben_id = await ada.world.id("ada"), await ada.world.id("ben")
    await ben.send({"type": "TYPING", "roomId": chat, "active": True})
    await ada.expect("TYPING", roomId=chat, userId=ben_id, active=True)
    said = says(
        await ada.ask("SEND_MESSAGE", roomId=chat, content="**hello** @ben", nonce="n1", mentions=[ben_id, "all"]),
        "ACK",
        nonce="n1",
        roomId=chat,
    )
    message = await ben.expect("MESSAGE", messageId=said["messageId"])
    assert (message["senderId"], message["nonce"], message["ts"]) == (ada_id, "n1", said["ts"])
    assert (message["epoch"], message["pos"], message["mentions"]) == (said["epoch"], said["pos"], [ben_id, "all"])
    assert await ada.expect("MESSAGE", messageId=said["messageId"]) == message
    again = {"content": "**hello** @ben", "nonce": "n1", "mentions": [ben_id, "all"]}
    repeated = await ada.ask("SEND_MESSAGE", roomId=chat, retry=True, firstTriedMs=40, **again)
    assert {**repeated.body, "ref": said["ref"]} == said

    reply = says(await ben.ask("SEND_MESSAGE", roomId=chat, content="hi", replyToId=said["messageId"]), "ACK")
    shown = await ada.expect("MESSAGE", messageId=reply["messageId"])
    assert (shown["replyToId"], "nonce" in shown) == (said["messageId"], False)
    assert shown["prev"] == message["pos"] < shown["pos"]
    assert int(shown["messageId"]) > int(message["messageId"])

    to = [chat, "0f0e0d0c-0b0a-4908-8706-050403020100"]
    copied = await ben.ask("FORWARD", roomId=chat, messageId=said["messageId"], to=to, nonce="f1")
    here, nowhere = says(copied, "ACK", nonce="f1", roomId=chat, messageId=said["messageId"])["to"]
    assert (here["roomId"], nowhere["code"], nowhere["retryable"]) == (chat, "not_found", False)
    copy = await ada.expect("MESSAGE", messageId=here["messageId"], html=message["html"])
    assert (copy["forwardedFrom"], copy["mentions"]) == ({"senderId": ada_id, "sentAt": said["ts"]}, [])
    aside = says(await ben.ask("SEND_MESSAGE", roomId=chat, content="aside", threadId=said["messageId"]), "ACK")
    told = await ada.expect("MESSAGE", messageId=aside["messageId"])
    assert (told["threadId"], told["threadStarterId"]) == (said["messageId"], ada_id)

    asked = says(await ben.ask("SEND_MESSAGE", roomId=chat, content="All of you", important=True), "ACK")
    assert (await ada.expect("MESSAGE", messageId=asked["messageId"]))["important"]
    given = says(await ada.ask("ACKNOWLEDGE", roomId=chat, messageId=asked["messageId"]), "ACK")
    shown = await ben.expect("ACKNOWLEDGED", messageId=asked["messageId"], userId=ada_id, count=1)
    assert shown["version"] == given["version"]
    poll = {"options": ["Tea", "Milk"], "multiple": True, "closesAt": "2026-01-01T00:00:00Z"}
    late = await ben.ask("SEND_MESSAGE", roomId=chat, content="What?", poll=poll)
    assert late.code == "invalid_field"
    del poll["closesAt"]
    asked = says(await ben.ask("SEND_MESSAGE", roomId=chat, content="What?", poll=poll), "ACK")
    told = await ada.expect("MESSAGE", messageId=asked["messageId"])
    assert (told["messageType"], told["poll"]) == ("poll", poll)
    place = {"roomId": chat, "messageId": asked["messageId"]}
    given = says(await ada.ask("VOTE", **place, choices=[1, 0]), "ACK")
    shown = await ben.expect("POLL", messageId=asked["messageId"], userId=ada_id, choices=[0, 1])
    assert (shown["version"], shown["counts"], shown["closed"]) == (given["version"], [1, 1], False)
    given = says(await ben.ask("CLOSE_POLL", **place), "ACK")
    await ada.expect("POLL", messageId=asked["messageId"], voters=1, closed=True, version=given["version"])
    for type_, active in (("REACT", True), ("UNREACT", False)):
        given = says(await ada.ask(type_, roomId=chat, messageId=reply["messageId"], emoji="\U0001f44d"), "ACK")
        shown = await ben.expect("REACTION", messageId=reply["messageId"], userId=ada_id, active=active)
        assert (shown["emoji"], shown["count"], shown["pos"]) == ("\U0001f44d", int(active), given["pos"])
    for type_, pinned in (("PIN", True), ("UNPIN", False)):
        given = says(await ada.ask(type_, roomId=chat, messageId=reply["messageId"]), "ACK")
        shown = await ben.expect("PIN", messageId=reply["messageId"], userId=ada_id, pinned=pinned)
        assert shown["pos"] == given["pos"]

    edited = says(await ben.ask("EDIT_MESSAGE", roomId=chat, messageId=reply["messageId"], content="hi!"), "ACK")
    told = await ada.expect("MESSAGE_EDITED", messageId=reply["messageId"], content="hi!")
    assert (told["pos"], told["version"]) == (edited["pos"], edited["version"])
    assert told["version"] > shown["version"]
    gone = says(
        await ben.ask("DELETE_MESSAGE", roomId=chat, messageId=reply["messageId"], reason="a slip"), "ACK", roomId=chat
    )
    last = await ada.expect("MESSAGE_DELETED", messageId=reply["messageId"], by=ben_id, reason="a slip")
    assert (last["pos"], last["version"], last["prev"]) == (gone["pos"], gone["version"], told["pos"])


async def _link(world: World, chat: str, ada: Party, ben: Party) -> None:
    """What a link leads to is told where the chat wants it, until somebody takes it away."""
    async with site() as pages:
        url = pages.put("/tea", "<title>Tea</title><meta name=description content=Hot>")
        linked = says(await ben.ask("SEND_MESSAGE", roomId=chat, content=url), "ACK")
        said = await ada.expect("MESSAGE", messageId=linked["messageId"])
        told = await ada.expect("PREVIEWS", messageId=linked["messageId"])
    assert told["previews"] == [{"url": url, "title": "Tea", "description": "Hot"}]
    assert told["textVersion"] == said["version"] < told["version"]
    await world.rest("ben", "DELETE", f"/api/chats/{chat}/messages/{linked['messageId']}/previews")
    await ada.expect("PREVIEWS", messageId=linked["messageId"], previews=[])


async def _read(chat: str, ada: Party, ben: Party) -> None:
    """Forward by pos, back by `unread`; one's other devices are told, and the others."""
    said = next(frame for frame in ben.frames if frame["type"] == "MESSAGE" and frame.get("nonce") == "n1")
    place = {"roomId": chat, "messageId": said["messageId"]}
    says(await ben.ask("READ", **place, pos=said["pos"]), "ACK", unread=0, mentions=0, **place)
    await ben.expect("ME", kind="read", **place, unread=0)
    await ada.expect("READ_POSITION", **place, userId=await ada.world.id("ben"))
    says(await ben.ask("READ", **place, unread=True), "ACK", unread=1, mentions=1, **place)
    await ben.expect("ME", kind="read", roomId=chat, back=True, unread=1, mentions=1)
    thread = {"roomId": chat, "threadId": said["messageId"]}
    says(await ada.ask("READ", **place, threadId=said["messageId"], unread=True), "ACK", unread=1, **thread)
    told = await ada.expect("ME", kind="thread")
    assert {**thread, "following": True, "unread": 1}.items() <= told["state"].items()
    for type_, following in (("UNFOLLOW_THREAD", False), ("FOLLOW_THREAD", True)):
        answer = says(await ada.ask(type_, **thread), "ACK", **thread)
        told = await ada.expect("ME", kind="thread", version=answer["version"])
        assert (told["state"]["following"], told["state"]["unread"]) == (following, 0)


async def _set_what_is_ones_own(world: World, chat: str, ben: Party) -> None:
    """What one changes elsewhere is told to one's sessions, whole."""
    until = "2090-01-01T00:00:00.000Z"
    muted = await world.rest("ben", "PUT", f"/api/chats/{chat}/notifications", {"muted_until": until})
    assert muted.status == 200
    assert (await ben.expect("ME", kind="mute"))["state"] == {"roomId": chat, "until": until, "level": "all"}
    assert (await world.rest("ben", "PUT", f"/api/chats/{chat}/draft", {"content": "half a"})).status == 200
    await ben.expect("ME", kind="draft", state={"roomId": chat, "content": "half a", "replyToId": None})
    assert (await world.rest("ben", "PUT", f"/api/chats/{chat}/favourite")).status == 200
    await ben.expect("ME", kind="favourite", state={"roomId": chat, "favourite": True})
    plan = {"content": "later", "send_at": (datetime.now(UTC) + timedelta(days=30)).isoformat()}
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/scheduled", plan)).status == 201
    assert (await ben.expect("ME", kind="scheduled"))["state"]["state"] == "waiting"
    said = (await world.history("ben", chat))[0]["id"]
    wish = {"remind_at": plan["send_at"], "note": "answer"}
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/messages/{said}/reminders", wish)).status == 201
    assert (await ben.expect("ME", kind="reminder"))["state"]["state"] == "waiting"
    folder = (await world.rest("ben", "POST", "/api/me/folders", {"name": "Tea"})).body
    await ben.expect("ME", kind="folders", state={"folders": [folder]})
    assert (await world.rest("ben", "PUT", f"/api/chats/{chat}/folder", {"folder_id": folder["id"]})).status == 200
    await ben.expect("ME", kind="folder", state={"roomId": chat, "folderId": folder["id"]})
    said = next(frame for frame in ben.frames if frame["type"] == "MESSAGE" and frame.get("nonce") == "n1")
    place = {"roomId": chat, "messageId": said["messageId"]}
    for type_, starred in (("STAR", True), ("UNSTAR", False)):
        answer = says(await ben.ask(type_, **place), "ACK", **place)
        told = await ben.expect("ME", kind="star", state={**place, "starred": starred})
        assert told["version"] == answer["version"]
    says(await ben.ask("FLAG_MESSAGE", **place, reason="spam"), "ACK", **place)
    assert (await world.rest("ben", "PATCH", "/api/me", {"preferences": {"theme": "dark"}})).status == 200
    assert (await ben.expect("ME", kind="preferences"))["state"]["theme"] == "dark"
    await world.ticket("ben", renew=True)
    own = await ben.expect("ME", kind="sessions")
    assert len(own["state"]["ids"]) >= 2


async def _command(world: World, chat: str, ada: Party, ben: Party, program: Party) -> None:
    """The bot alone is told what it is asked, and who asked alone what it answers in private."""
    made = await bot(world, "helpful", chat=chat)
    await ada.expect("MEMBER", userId=made.id, change="added")
    await program.open_raw(headers={"Authorization": f"Bearer {made.token}"})
    await program.expect("READY", userId=made.id)
    offered = {"commands": [{"name": "help", "description": "Says what there is"}]}
    assert (await made.ask("PUT", "/api/me/commands", offered)).status == 200
    given = says(await ben.ask("INVOKE", roomId=chat, command="help", text="me", botId=made.id), "ACK", roomId=chat)
    told = (await program.expect("ME", kind="command"))["state"]
    assert (told["invocationId"], told["replyUntil"]) == (given["invocationId"], given["replyUntil"])
    said = {"content": "**you**", "private": True}
    path = f"/api/invocations/{given['invocationId']}/answers"
    answer = (await made.ask("POST", path, said)).body
    assert (await ben.expect("ME", kind="answer"))["state"]["id"] == answer["id"]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{made.id}")
    await ada.expect("MEMBER", userId=made.id, change="removed")


async def _show_oneself(ada: Party, ben: Party) -> None:
    """Each of those watched as they are, then whenever that changes."""
    ben_id = await ada.world.id("ben")
    start = len(ada.frames)
    await ada.send({"type": "PRESENCE_WATCH", "ref": "w", "userIds": [ben_id]})
    await ada.until(lambda frame: frame.get("status") == "ONLINE" and frame["userId"] == ben_id, start=start)
    says(await ben.ask("PRESENCE_SET", status="DND", text="in a meeting", until="2090-01-01T00:00:00.000Z"), "ACK")
    await ada.expect("PRESENCE", userId=ben_id, status="DND", text="in a meeting")


async def _come_and_go(world: World, chat: str, cyd_id: str, ada: Party, cyd: Party) -> None:
    """Who is added hears it from there on; what changes about them; who is removed hears that last."""
    await cyd.ask("SUBSCRIBE", rooms="all")
    people, person = f"/api/chats/{chat}/participants", f"/api/chats/{chat}/participants/{cyd_id}"
    assert (await world.rest("ada", "POST", people, {"user_id": cyd_id})).status == 201
    ada_id = await world.id("ada")
    await ada.expect("MEMBER", userId=cyd_id, change="added", role="member", by=ada_id, count=3)
    await cyd.expect("ME", kind="chat_added", roomId=chat, role="member")
    begun = await cyd.expect("SUBSCRIBED", roomId=chat)
    assert "ref" not in begun  # It answers nothing that was asked.
    assert (await world.rest("ada", "PATCH", person, {"role": "moderator"})).status == 200
    await cyd.expect("MEMBER", userId=cyd_id, change="role", role="moderator")
    muted = {"muted_until": "2090-01-01T00:00:00.000Z"}
    assert (await world.rest("ada", "PATCH", person, muted)).status == 200
    await cyd.expect("MEMBER", userId=cyd_id, change="muted", mutedUntil=muted["muted_until"])
    assert (await world.rest("ada", "DELETE", person)).status == 204
    last = await cyd.expect("MEMBER", userId=cyd_id, change="removed", count=2)
    await cyd.expect("ME", kind="chat_removed", roomId=chat)
    after = says(await ada.ask("SEND_MESSAGE", roomId=chat, content="without cyd"), "ACK")
    await ada.expect("MESSAGE", messageId=after["messageId"])
    says(await cyd.ask("HEARTBEAT"), "HEARTBEAT_ACK")
    assert [frame for frame in cyd.frames if frame.get("roomId") == chat and frame["type"] != "ME"][-1] == last


async def _change_the_room(world: World, chat: str, ada: Party) -> None:
    """`chat` holds what changed, as REST names it."""
    assert (await world.rest("ada", "PATCH", f"/api/chats/{chat}", {"name": "Another"})).status == 200
    assert (await ada.expect("ROOM", roomId=chat, change="updated"))["chat"]["name"] == "Another"
    assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}")).status in (200, 204)
    await ada.expect("ROOM", roomId=chat, change="archived", chat={"is_archived": True})
    assert (await world.rest("ada", "POST", f"/api/chats/{chat}/restore")).status == 200
    await ada.expect("ROOM", roomId=chat, change="restored", chat={"is_archived": False})


async def _resume(world: World, chat: str, ada: Party, ben: Party) -> None:
    """From a cursor everything since, in parts; from one that cannot be, RESYNC."""
    last = says(await ada.ask("SEND_MESSAGE", roomId=chat, content="the last before"), "ACK")
    await ben.expect("MESSAGE", messageId=last["messageId"])
    await ben.cut()
    said = [await ada.say(chat, f"missed {number}") for number in range(101)]
    await ada.expect("MESSAGE", messageId=said[-1].body["messageId"])
    start = len(ben.frames)
    await ben.open()
    cursor = {"epoch": last["epoch"], "pos": last["pos"]}
    first = says(await ben.ask("SUBSCRIBE", ref="1", rooms={chat: cursor}), "SUBSCRIBED", more=True, recovered=False)
    assert [event["content"] for event in first["events"]] == [f"missed {number}" for number in range(100)]
    assert [event["prev"] for event in first["events"]] == [
        last["pos"], *[event["pos"] for event in first["events"][:-1]]
    ]  # fmt: skip
    assert first["pos"] == first["events"][-1]["pos"]
    rest = await ben.until(
        lambda frame: frame["type"] == "SUBSCRIBED" and frame.get("roomId") == chat and "more" not in frame,
        start=start,
    )  # The device asks again from the pos that it was given.
    assert (rest["recovered"], [event["content"] for event in rest["events"]]) == (True, ["missed 100"])
    assert rest["pos"] == said[-1].body["pos"]

    for impossible in ({**cursor, "epoch": "another"}, {**cursor, "pos": rest["pos"] + 1_000}):
        begun = says(await ben.ask("SUBSCRIBE", rooms={chat: impossible}), "RESYNC", roomId=chat)
        assert (begun["epoch"], begun["pos"]) == (rest["epoch"], rest["pos"])
    live = says(await ada.ask("SEND_MESSAGE", roomId=chat, content="live again"), "ACK")
    assert (await ben.expect("MESSAGE", messageId=live["messageId"]))["prev"] <= begun["pos"]


async def _be_many(world: World, ada: Party, ben: Party) -> None:
    """A chat that becomes large is told of to who hears all; who names it hears it, until they unsubscribe."""
    people = (await crowd(world))[: LARGE - 3]
    body = {"chat_type": "group", "name": "The hall", "participants": [await world.id("ben"), *people]}
    hall = (await world.rest("ada", "POST", "/api/chats", body)).body["id"]
    await ada.expect("ME", kind="chat_added", roomId=hall)
    await ada.expect("SUBSCRIBED", roomId=hall)
    joined = {"user_id": await world.id("cyd")}
    assert (await world.rest("ada", "POST", f"/api/chats/{hall}/participants", joined)).status == 201
    await ada.expect("ROOM", roomId=hall, change="mode", chat={"mode": "activity"})
    said = says(await ben.ask("SEND_MESSAGE", roomId=hall, content="to many"), "ACK")
    told = await ada.expect("ROOM_ACTIVITY", roomId=hall, messageId=said["messageId"])
    assert told["unread"] == 1
    every = says(await ada.ask("SUBSCRIBE", rooms="all"), "SUBSCRIBED_ALL")
    assert (every["rooms"][hall]["mode"], every["rooms"][hall]["unread"]) == ("activity", 1)
    says(await ada.ask("SUBSCRIBE", rooms={hall: None}), "SUBSCRIBED", mode="full")
    heard = says(await ben.ask("SEND_MESSAGE", roomId=hall, content="by name"), "ACK")
    await ada.expect("MESSAGE", messageId=heard["messageId"])
    says(await ada.ask("UNSUBSCRIBE", rooms=[hall]), "OK")
    skimmed = says(await ben.ask("SEND_MESSAGE", roomId=hall, content="by activity"), "ACK")
    await ada.expect("ROOM_ACTIVITY", messageId=skimmed["messageId"])
    assert not [frame for frame in ada.frames if frame.get("content") in ("to many", "by activity")]


async def _err(chat: str, ada: Party, cyd: Party) -> None:
    """An ERROR says what it answers, and whether to try again."""
    refused = await cyd.ask("SEND_MESSAGE", roomId=chat, content="let me in", nonce="n9")
    says(refused, "ERROR", code="not_found", nonce="n9", retryable=False)
    says(await cyd.ask("SUBSCRIBE", rooms={chat: None}), "ERROR", code="not_found", roomId=chat)
    says(await ada.ask("SEND_MESSAGE", roomId=chat, content=""), "ERROR", code="invalid_field")
    says(await ada.ask("NOPE"), "ERROR", code="unknown_type")
    await ada.send("{")
    await ada.expect("ERROR", code="bad_frame")
