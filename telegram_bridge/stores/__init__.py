"""The port of the map: which message here each of Telegram became."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend
from chatsite.kernel.ids import ChatId, MessageId


class TelegramId(NamedTuple):
    """A message of Telegram: its chat, with -100 in front, and its number there."""

    chat: int
    message: int


class Mapped(NamedTuple):
    """A message of Telegram, and the message here that it became.

    One of ours may be several of Telegram's, its parts; `direction` is in for what was said there. No import
    needs either: the shape is agreed with a bridge that sends both ways, which is to use it.
    """

    there: TelegramId
    chat: ChatId
    message: MessageId
    part: int = 0
    direction: Literal["in"] = "in"


class TelegramMap(Protocol):
    """Which message here each of Telegram became, and the way back."""

    async def claim(self, rows: Sequence[Mapped]) -> list[Mapped]:
        """Keep what some messages become, and answer what stands of each: the first claim stays.

        One process at a time claims for a chat of Telegram.
        """

    async def find(self, there: Sequence[TelegramId]) -> list[Mapped]:
        """What is known of some messages of Telegram."""

    async def back(self, chat: ChatId, messages: Sequence[MessageId]) -> list[Mapped]:
        """What is known of some messages of a chat here."""

    async def drop(self, rows: Iterable[Mapped]) -> None:
        """Forget both ways of some messages."""


def telegram_map() -> TelegramMap:
    """The map, as TELEGRAM_MAP names it."""
    return cast(TelegramMap, backend("TELEGRAM_MAP"))
