"""The port of the search of messages: what its twins promise."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from chat.search import Query
from chat.stores import written_up_to
from chatsite.kernel.backends import backend
from chatsite.kernel.ids import MAX_ID, ChatId, UserId

GROUP = "search"  # the group that writes the index


class Entry(NamedTuple):
    """A message as it is at a version; `text` is None once it was deleted.

    `sender` is None where only its text changed: it is whose it was.
    """

    chat: ChatId
    message_id: int
    version: int
    sender: UserId | None
    text: str | None


class Hit(NamedTuple):
    """A message that was found; `place` is its id, or just above it where another chat's message has that one."""

    chat: ChatId
    message_id: int
    place: int


class MessageSearch(Protocol):
    """What was said, by its words; rebuildable, never the record.

    Writes are idempotent: of a message the highest version stands, and a deleted one stays
    away. No answer costs a walk over all messages.
    """

    async def put(self, entries: Sequence[Entry]) -> list[Entry]:
        """Index messages as they are now; answers the changes of messages that it has never had."""

    async def find(self, query: Query, chats: Sequence[ChatId], *, below: int = MAX_ID, limit: int) -> list[Hit]:
        """The newest `limit` messages of some chats that are looked for, below a place, newest first."""

    async def size(self, chat: ChatId) -> int:
        """How many rows of a chat are there, those of deleted messages too."""

    async def erase(self, chat: ChatId) -> int:
        """Forget everything of a chat; answers how many rows went."""

    async def clear(self) -> None:
        """Forget everything, to be written anew."""


async def indexed_up_to(chat: ChatId) -> int:
    """The pos up to which everything of a chat is indexed."""
    return await written_up_to(chat, group=GROUP)


def index() -> MessageSearch:
    """The search of messages, as MESSAGE_SEARCH names it."""
    return cast(MessageSearch, backend("MESSAGE_SEARCH"))
