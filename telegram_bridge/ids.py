"""How Telegram numbers chats and messages, and how people write that. Pure."""

import re
from typing import NamedTuple

from chatsite.kernel.errors import Invalid

MAX_CHAT = 10**12  # no channel has a number so high
MAX_MESSAGE = (1 << 31) - 1
EXAMPLE = "1234567890/42"
HELP = (
    "the message of this id in Telegram: `42` of any chat that was brought in from there, `1234567890/42` of one,"
    " or a link `https://t.me/c/1234567890/42`; given twice, either. It takes no minus"
)
_FORMS = "takes an id like 42, CHAT/42 or a link https://t.me/c/CHAT/42."
_NUMBERED = re.compile(r"(?:(?P<chat>-?\d{1,14})/)?(?P<message>\d{1,10})", re.ASCII)
_PREFIXED = re.compile(r"-100(\d{1,12})", re.ASCII)
_LINK = re.compile(r"(?:https?://)?t\.me/(?P<path>[^?#]*)(?:[?#].*)?", re.IGNORECASE)
_IN_CHAT = re.compile(r"c/(?P<chat>\d{1,12})(?:/\d{1,10})?/(?P<message>\d{1,10})/?", re.ASCII)  # or of a topic in it


class Named(NamedTuple):
    """A message as somebody names it; without its chat it may be of any."""

    chat: int | None
    message: int


def chat_id_of(channel: int) -> int:
    """The id of a supergroup or channel by its bare number, as exports and links have it: -100 in front.

    Bots and their libraries know chats so, where the sign and the prefix tell channels, basic
    groups and people apart: the same bare number may be of each.
    """
    return -MAX_CHAT - channel


def read_named(text: str) -> Named:
    """Which message of Telegram somebody means; Invalid says how to name one."""
    if link := _LINK.fullmatch(text):
        if not (found := _IN_CHAT.fullmatch(link["path"])):
            raise Invalid("links with a name carry no id of a chat: paste one like https://t.me/c/CHAT/42, or CHAT/42.")
    elif not (found := _NUMBERED.fullmatch(text)):
        raise Invalid(_FORMS)
    message, chat = int(found["message"]), found["chat"]
    if not 0 < message <= MAX_MESSAGE:
        raise Invalid(_FORMS)
    return Named(_chat(chat) if chat is not None else None, message)


def _chat(text: str) -> int:
    prefixed = _PREFIXED.fullmatch(text)
    channel = int(prefixed[1] if prefixed else text)
    if not 0 < channel < MAX_CHAT:
        raise Invalid(_FORMS)
    return chat_id_of(channel)
