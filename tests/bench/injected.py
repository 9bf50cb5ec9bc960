"""`manage.py serve`, and a frame that injects an event at the layer: hub and sockets, without log or groups."""

import itertools
import sys

from django.core.management import execute_from_command_line

from chatsite.gateway.bodies import Body
from chatsite.gateway.notices import publish
from chatsite.gateway.protocol import ClientFrame, encode, frame
from chatsite.gateway.registry import on
from chatsite.gateway.session import Session
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.events import Record, iso
from chatsite.kernel.ids import unix_ms_of, version_of

_numbers = itertools.count(1)


class Inject(ClientFrame, frozen=True, kw_only=True, tag="INJECT"):
    """Say something in a room that no log keeps."""

    room_id: str
    nonce: str
    content: str


@on(Inject)
async def inject(session: Session, asked: Inject) -> None:
    """Tell every process of a message, as the delivery worker does; heads are compared with the stream's."""
    head = (await stream().heads([asked.room_id]))[asked.room_id]
    message, number = clock.mint(), next(_numbers)
    body = encode(
        {
            "type": "MESSAGE",
            "roomId": asked.room_id,
            "messageId": str(message),
            "senderId": session.user_id,
            "content": asked.content,
            "ts": iso(unix_ms_of(message)),
            "attachments": [],
            "messageType": "text",
            "mentions": [],
            "nonce": asked.nonce,
            "version": version_of(message),
        }
    )
    record = Record(
        partition=0, offset=0, pos=head.pos + number, key=asked.room_id, event_type="", event_id=str(number), value=b"",
        appended_ms=0,
    )  # fmt: skip
    entry = await stream().append(record, Body(body, minted=message))
    if entry is None:
        raise RuntimeError("The room went on meanwhile.")
    await publish(asked.room_id, entry, head.epoch)
    session.reply(frame("ACK", ref=asked.ref))


if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "serve", "--port", "0"])
