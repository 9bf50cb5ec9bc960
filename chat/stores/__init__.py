"""The port of message bodies: what its twins promise."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from chat.fold import MessageState, Stamped
from chatsite.kernel.backends import backend
from chatsite.kernel.ids import ChatId, MessageId

PAGE_BUCKETS = 16  # partitions one page may touch; a sparser chat is walked over several pages
PAGE_SECONDS = 0.3


class StorePage(NamedTuple):
    """Messages in rising id; `cursor` is where to go on when the walk hit its limit of work."""

    messages: list[MessageState]
    more: bool
    cursor: MessageId | None


class MessageStore(Protocol):
    """Messages of all chats, in ten-day buckets of their id.

    Every write is idempotent, and any order of the same writes ends in the state
    that `fold.apply` gives.
    """

    async def add(self, chat: ChatId, sent: Sequence[Stamped]) -> None:
        """Store messages; one that is there stays as it is, one edited before it came keeps the edit."""

    async def change(self, chat: ChatId, changed: Sequence[Stamped]) -> None:
        """Apply edits and deletes; one that comes before its message stays hidden until then."""

    async def get(self, chat: ChatId, message: MessageId) -> MessageState | None:
        """A message, tombstones too; None when it is not there."""

    async def page(
        self, chat: ChatId, *, before: MessageId | None = None, after: MessageId | None = None, limit: int
    ) -> StorePage:
        """Up to `limit` messages just before or just after an id; the newest where neither is given."""

    async def applied(self, chat: ChatId) -> int:
        """The pos up to which everything of a chat is stored."""


def store() -> MessageStore:
    """The message store, as MESSAGE_STORE names it."""
    return cast(MessageStore, backend("MESSAGE_STORE"))
