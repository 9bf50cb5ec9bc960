"""The pinned messages of a chat: what the store has, with what has happened since."""

from typing import NamedTuple

from chat.fold import MessageState, Pin, Pins, pin
from chat.protocol import pin_change
from chat.queries.messages import find_all, recent_entries
from chat.queries.participants import require_seat
from chat.stores import pin_store
from chatsite.kernel.ids import ChatId, MessageId, UserId


class Pinned(NamedTuple):
    """A message that is pinned."""

    pin: Pin
    message: MessageState


async def pinned(chat: ChatId, *, viewer: UserId) -> list[Pinned]:
    """The pinned messages of a chat, the latest pin first; a deleted message is pinned no longer."""
    await require_seat(chat, viewer)
    latest = sorted(await _pins(chat), key=lambda one: one.version, reverse=True)
    states = await find_all(chat, [MessageId(one.message_id) for one in latest], viewer=viewer)
    found = {state.message_id: state for state in states}
    return [Pinned(one, found[one.message_id]) for one in latest if one.message_id in found]


async def pinned_ids(chat: ChatId) -> list[MessageId]:
    """The ids of what is pinned in a chat, deleted messages too; whoever asks has to be in it."""
    return [MessageId(one.message_id) for one in await _pins(chat)]


async def _pins(chat: ChatId) -> list[Pin]:
    entries = await recent_entries(chat)
    pins: Pins = {one.message_id: one for one in await pin_store().pins(chat)}
    for entry in entries:
        if (changed := pin_change(entry.body.bytes)) is not None:
            pins = pin(pins, changed)
    return [one for one in pins.values() if one.pinned]
