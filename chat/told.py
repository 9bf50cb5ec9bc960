"""What the chat's frames hold that are sent to clients."""

from chat import protocol
from chatsite.gateway.told import CURSOR, answers_with, tells, tells_struct
from chatsite.kernel.errors import CODES
from chatsite.kernel.openapi import FLAG, MESSAGE_ID, NUMBER, TEXT, UUID, Schema, many, shape

_MESSAGE: Schema = {"roomId": UUID, "messageId": MESSAGE_ID}
_COUNTS: Schema = {"unread": NUMBER, "mentions": NUMBER}

for _struct in (
    protocol.MessageFrame,
    protocol.MessageEditedFrame,
    protocol.MessageDeletedFrame,
    protocol.ReactionFrame,
    protocol.PinFrame,
    protocol.MemberFrame,
    protocol.RoomFrame,
    protocol.ReadMeFrame,
    protocol.PlaceMeFrame,
):
    tells_struct(_struct, stamped=True)
tells("READ_POSITION", "How far somebody has read a room, at best effort.", {**_MESSAGE, "userId": UUID})
tells("TYPING", "Somebody writes, or has stopped; it may be lost.", {"roomId": UUID, "userId": UUID, "active": FLAG})

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
answers_with(["STAR", "UNSTAR"], "ACK", {**_MESSAGE, "version": NUMBER}, optional=["ref"])
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
