"""What the chat's frames hold that are sent to clients."""

from chat import protocol
from chat.moderation import Reason
from chat.policy import Level, Role
from chatsite.gateway.told import CURSOR, ROOM, answers_with, explains, sends, tells, tells_state, tells_struct
from chatsite.kernel.errors import CODES
from chatsite.kernel.openapi import FLAG, MESSAGE_ID, MOMENT, NUMBER, TEXT, UUID, Schema, many, nullable, shape

_MESSAGE: Schema = {"roomId": UUID, "messageId": MESSAGE_ID}
_AT = {"roomId": ROOM, "messageId": "358913867243520001"}  # of examples
_COUNTS: Schema = {"unread": NUMBER, "mentions": NUMBER}

for _struct in (
    protocol.MessageFrame,
    protocol.MessageEditedFrame,
    protocol.MessageDeletedFrame,
    protocol.AcknowledgedFrame,
    protocol.PreviewsFrame,
    protocol.PollFrame,
    protocol.ReactionFrame,
    protocol.PinFrame,
):
    tells_struct(_struct, stamped=True)
tells_struct(
    protocol.MemberFrame,
    stamped=True,
    closed={"change": ["added", "removed", "left", "banned", "role", "muted"], "role": list(Role)},
)
tells_struct(protocol.RoomFrame, stamped=True, closed={"change": ["updated", "archived", "restored", "deleted"]})
tells_struct(protocol.ReadMeFrame, stamped=True, closed={"kind": ["read"]})
tells_struct(
    protocol.PlaceMeFrame,
    stamped=True,
    summary="One is in one more room; it may be subscribed to, and is heard already where one hears all.",
    closed={"kind": ["chat_added"], "role": list(Role)},
)
tells_struct(
    protocol.PlaceMeFrame,
    stamped=True,
    summary="One is in a room no more.",
    closed={"kind": ["chat_removed"]},
    without=["role"],
)
_IN: Schema = {"roomId": UUID}
_MAYBE_TIME = nullable(MOMENT)
tells_state(
    "mute",
    "What one is notified of in a room, and until when it is muted for oneself.",
    {**_IN, "until": _MAYBE_TIME, "level": {"enum": list(Level)}},
)
tells_state("star", "One has starred a message, or has not any more.", {**_MESSAGE, "starred": FLAG})
tells_state("favourite", "A room is one of one's favourites, or is none any more.", {**_IN, "favourite": FLAG})
tells_state(
    "draft",
    "What one has begun to write in a room; `content` is null where there is no draft any more.",
    {**_IN, "content": nullable(TEXT), "replyToId": nullable(MESSAGE_ID)},
)
tells_state("folder", "A room is in this folder of one's own, or in none.", {**_IN, "folderId": nullable(UUID)})
tells_state("folders", "One's folders are these.", {"folders": many(shape({"id": UUID, "name": TEXT}))})
tells_state(
    "scheduled",
    "A message that is said later; `code` says why it was refused.",
    {
        "id": UUID,
        **_IN,
        "state": {"enum": ["waiting", "sent", "refused", "cancelled"]},
        "sendAt": MOMENT,
        "code": nullable({"enum": list(CODES)}),
    },
)
tells_state(
    "reminder",
    "A reminder waits, is due, or is dropped.",
    {"id": UUID, **_MESSAGE, "state": {"enum": ["waiting", "due", "dropped"]}, "remindAt": MOMENT, "note": TEXT},
)
tells_state(
    "thread",
    "How one stands to a thread: whether one follows it, how far one has read it, and what was left as of the"
    " room's pos `upTo`.",
    {
        **_IN,
        "threadId": MESSAGE_ID,
        "following": FLAG,
        "readPos": NUMBER,
        "unread": NUMBER,
        "upTo": NUMBER,
    },
)
tells_state(
    "command",
    "To a bot: somebody invokes a command of it. It answers by POST /api/invocations/{invocationId}/answers until"
    " `replyUntil`.",
    {"invocationId": UUID, **_IN, "userId": UUID, "command": TEXT, "text": TEXT, "replyUntil": MOMENT},
)
tells_state(
    "answer",
    "A bot answers oneself, and nobody else; it is in no history.",
    {
        "id": UUID,
        "invocationId": UUID,
        **_IN,
        "botId": UUID,
        "command": TEXT,
        "content": TEXT,
        "html": nullable(TEXT),
        "ts": MOMENT,
    },
)
tells("READ_POSITION", "How far somebody has read a room, at best effort.", {**_MESSAGE, "userId": UUID})
tells("TYPING", "Somebody writes, or has stopped; it may be lost.", {"roomId": UUID, "userId": UUID, "active": FLAG})

explains(
    "SEND_MESSAGE",
    "`mentions` are ids of people, `group:` and the id of a user group, `all` or `here`: a name in the text alone"
    " mentions nobody. A `nonce`, one per message and of one's own choice, lets a send be repeated: with `retry`"
    " true, and in `firstTriedMs` when it was tried first, in Unix ms, the same frame is answered by the first ACK."
    " At most 16 sends may wait for their ACK. Who hears the room hears its own MESSAGE too.",
)
explains("FLAG_MESSAGE", f"`reason` is one of {', '.join(Reason)}.")
explains("TYPING", "It is not answered, but for an ERROR where it is refused.")
explains(
    "INVOKE", "`replyUntil` of the ACK is until when the bot may answer; see ME of the kinds `command` and `answer`."
)
explains(
    "READ",
    "`messageId` is the last message that was read and `pos` what the client has heard of the room. With `threadId`"
    " it is of that thread.",
)
sends("SEND_MESSAGE", ref="6", roomId=ROOM, content="Good morning!", nonce="b7e1")
sends("FORWARD", ref="7", **_AT, to=["5a0b7d0c-52c1-4e0e-8d7b-6f1f2d3c4b5a"], nonce="c2d9")
sends("EDIT_MESSAGE", ref="8", **_AT, content="Good evening!")
sends("DELETE_MESSAGE", ref="9", **_AT, reason="Said twice")
for _type in ("REACT", "UNREACT"):
    sends(_type, ref="10", **_AT, emoji="👍")
for _type in ("PIN", "UNPIN", "STAR", "UNSTAR", "ACKNOWLEDGE", "CLOSE_POLL"):
    sends(_type, ref="11", **_AT)
sends("VOTE", ref="12", **_AT, choices=[0])
sends("INVOKE", ref="13", roomId=ROOM, command="deploy", text="main")
sends("FLAG_MESSAGE", ref="14", **_AT, reason="spam", text="The same in every chat.")
for _type in ("FOLLOW_THREAD", "UNFOLLOW_THREAD"):
    sends(_type, ref="15", roomId=ROOM, threadId="358913867243520001")
sends("READ", ref="16", **_AT, pos=1_099_511_627_781)
sends("TYPING", roomId=ROOM, active=True)

answers_with(["SEND_MESSAGE"], "ACK", {"nonce": TEXT, **_MESSAGE, "ts": TEXT, **CURSOR}, optional=["ref", "nonce"])
_OUTCOME = shape(
    {
        **_MESSAGE,
        "ts": TEXT,
        **CURSOR,
        "code": {"enum": list(CODES)},
        "message": TEXT,
        "retryable": FLAG,
        "retryAfterMs": NUMBER,
    },
    optional=["messageId", "ts", *CURSOR, "code", "message", "retryable", "retryAfterMs"],
)
answers_with(["FORWARD"], "ACK", {"nonce": TEXT, **_MESSAGE, "to": many(_OUTCOME)}, optional=["ref", "nonce"])
answers_with(
    ["EDIT_MESSAGE", "DELETE_MESSAGE", "REACT", "UNREACT", "PIN", "UNPIN"],
    "ACK",
    {**_MESSAGE, "version": NUMBER, **CURSOR},
    optional=["ref"],
)
answers_with(
    ["STAR", "UNSTAR", "ACKNOWLEDGE", "VOTE", "CLOSE_POLL"], "ACK", {**_MESSAGE, "version": NUMBER}, optional=["ref"]
)
answers_with(["FLAG_MESSAGE"], "ACK", {**_MESSAGE, "flagId": UUID}, optional=["ref"])
answers_with(["INVOKE"], "ACK", {"roomId": UUID, "invocationId": UUID, "replyUntil": TEXT}, optional=["ref"])
answers_with(
    ["READ"],
    "ACK",
    {**_MESSAGE, "version": NUMBER, **_COUNTS, "threadId": MESSAGE_ID},
    optional=["ref", "version", "mentions", "threadId"],
)
answers_with(
    ["FOLLOW_THREAD", "UNFOLLOW_THREAD"],
    "ACK",
    {"roomId": UUID, "threadId": MESSAGE_ID, "version": NUMBER},
    optional=["ref"],
)
