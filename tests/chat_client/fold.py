"""What was said in a chat, as frames tell it: the server's own fold."""

from collections.abc import Mapping
from typing import Any

import msgspec

from chat.fold import MessageState, apply
from chat.protocol import message_event

Messages = Mapping[str, MessageState]


def fold(messages: Messages, frame: dict[str, Any]) -> Messages:
    """The messages after one more frame; kinds that change no message leave them as they are."""
    happened = message_event(msgspec.json.encode(frame), pos=frame["pos"])
    if happened is None:
        return messages
    key = happened.event.message_id
    return {**messages, key: apply(messages.get(key), happened)}


def ordered(messages: Messages) -> list[MessageState]:
    """Those that were sent, in shown order, oldest first."""
    return sorted((one for one in messages.values() if one.is_visible), key=lambda one: one.message_id)
