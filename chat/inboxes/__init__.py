"""The port of unread messages: what its twins promise."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend
from chatsite.kernel.ids import ChatId

MOST = 100  # newest unread messages kept of a person and chat; the number is shown as 99+


class Unread(NamedTuple):
    """A message that somebody has not read, and whether it names them."""

    message_id: int
    pos: int
    mentioned: bool


class Inboxes(Protocol):
    """The newest unread messages of people in chats, as sets: adding twice is adding once.

    An inbox exists once it was opened; one that does not is counted anew from the
    store, so nothing is lost where a twin forgets.
    """

    async def add(
        self, chat: ChatId, users: Collection[str], message_id: int, pos: int, *, mentioned: Collection[str]
    ) -> None:
        """Put a message into those people's inboxes that are open and not read up to its pos."""

    async def drop(self, chat: ChatId, message_id: int) -> None:
        """Take a deleted message out of its chat's inboxes; one that had let older ones go is closed."""

    async def advance(self, chat: ChatId, user: str, pos: int) -> None:
        """Forget what is at or below a read position."""

    async def forget(self, chat: ChatId, user: str) -> None:
        """Close an inbox: the position went back, so it is counted anew."""

    async def close(self, chat: ChatId) -> None:
        """Close all inboxes of a chat: it is too large for them."""

    async def open(self, chat: ChatId, user: str, *, read_pos: int) -> None:
        """Take in what comes from now on, above a read position; one that is open at or below it stays."""

    async def fill(self, chat: ChatId, user: str, unread: Sequence[Unread]) -> None:
        """Put what was counted into an inbox that was opened for it."""

    async def of(self, user: str, positions: Mapping[ChatId, int]) -> Mapping[ChatId, Sequence[Unread]]:
        """What the inboxes hold that are filled, and not read beyond the position given; in rising pos."""


def inboxes() -> Inboxes:
    """The inboxes, as INBOXES names them."""
    return cast(Inboxes, backend("INBOXES"))
