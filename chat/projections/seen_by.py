"""READ_POSITION: how far others have read a room, best effort.

Of one person in one room at most one notice leaves in two seconds, the newest.
"""

import asyncio
from collections import OrderedDict

from chat.events import ReadAdvanced
from chat.policy import Mode
from chat.queries.participants import chat_id, roster
from chat.queries.reads import shows
from chatsite.gateway.notices import whisper
from chatsite.gateway.protocol import frame
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.groups import AWAY

EVERY_SECONDS = 2.0
REMEMBERED = 10_000  # person and room pairs told lately; an older one is told again at once

_told: OrderedDict[tuple[str, str], ReadAdvanced | None] = OrderedDict()  # None: nothing newer waits


async def tell_room(read: ReadAdvanced) -> None:
    """Tell a room of a read position, now or when the last notice is two seconds old."""
    key = (read.room_id, read.user_id)
    if key in _told:
        _told[key] = read
        return
    _told[key] = None
    if len(_told) > REMEMBERED:
        _told.popitem(last=False)
    asyncio.get_running_loop().call_later(EVERY_SECONDS, _again, key)
    await _whisper(read)


def _again(key: tuple[str, str]) -> None:
    if (newest := _told.pop(key, None)) is not None:
        task = asyncio.ensure_future(tell_room(newest))
        _telling.add(task)
        task.add_done_callback(_telling.discard)


_telling: set["asyncio.Task[None]"] = set()  # at most one for each pair in `_told`


async def _whisper(read: ReadAdvanced) -> None:
    known = await roster(chat_id(read.room_id))
    # In larger rooms nobody is told: it would cost each member a frame for each read.
    if known.mode is Mode.FULL and read.user_id in known.members and await _may_tell(read.user_id):
        body = frame("READ_POSITION", roomId=read.room_id, userId=read.user_id, messageId=read.message_id)
        await whisper(read.room_id, body, besides=read.user_id)


async def _may_tell(user: str) -> bool:
    """Whether others are told how far somebody reads; while that cannot be known they are not, and wait for nothing."""
    try:
        return await shows(user)
    except (Unavailable, *AWAY):
        return False
