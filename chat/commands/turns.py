"""Changes of one thing in turn, so that each is checked against those before it.

Only within a process: what other servers accept in the same moment is not waited for.
"""

import asyncio
from typing import Any
from weakref import WeakValueDictionary

from chatsite.gateway.streams import stream
from chatsite.kernel.ids import ChatId

SHOWN_SECONDS = 0.5  # how long what follows a change waits until reads show it

_turns: WeakValueDictionary[Any, asyncio.Lock] = WeakValueDictionary()


def turn(*thing: object) -> asyncio.Lock:
    """The turns of one thing, kept as long as somebody waits for one or has it."""
    return _turns.setdefault((asyncio.get_running_loop(), *thing), asyncio.Lock())


async def shown(chat: ChatId, pos: int) -> bool:
    """Wait until reads of a chat show its event at a pos, or half a second; answers whether they do."""
    return await stream().wait_for(str(chat), pos, seconds=SHOWN_SECONDS)
