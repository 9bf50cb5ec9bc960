"""Appends messages of 50 chats to the log as fast as it takes them, while no group runs."""

import asyncio

import uvloop

from chat.events import MessageSent
from chat.models import Participant
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import NewRecord, iso
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import unix_ms_of, version_of
from tests.bench import rooms
from tests.bench.backlog import MESSAGES

IN_FLIGHT = 1_000
CONTENT = "x" * 200


def _said(seat: Participant, number: int) -> NewRecord:
    message = clock.mint()
    sent = MessageSent(
        message_id=str(message),
        room_id=str(seat.chat_id),
        sender_id=str(seat.user_id),
        content=CONTENT,
        sent_at=iso(unix_ms_of(message)),
        attachments=[],
        nonce=str(number),
    )
    return fact(sent, key=seat.chat_id, actor=seat.user_id, version=version_of(message))


async def _say(seats: list[Participant]) -> None:
    await log().open()
    for start in range(0, MESSAGES, IN_FLIGHT):
        numbers = range(start, min(start + IN_FLIGHT, MESSAGES))
        await asyncio.gather(*[log().append(_said(seats[number % len(seats)], number)) for number in numbers])
    await log().close()


def main() -> None:
    """Make the chats and fill the log."""
    rooms.main()
    seats = list(Participant.objects.all())
    with clock.leased():
        uvloop.run(_say(seats))


if __name__ == "__main__":
    main()
