"""The port of message bodies: what its twins promise."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from chat.fold import MessageState, Pin, Stamped, Tallies
from chat.inboxes import Unread
from chatsite.kernel.backends import backend
from chatsite.kernel.eventlog import log
from chatsite.kernel.groups import held_from
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.servers import Description

GROUP = "history-writers"  # the group that writes the stores
PAGE_BUCKETS = 16  # partitions one page may touch; a sparser chat is walked over several pages
PAGE_SECONDS = 0.3  # after which a page ends at the partition it has read, and the next one goes on
NAMED = 10  # of those who gave a message an emoji, how many a page names


class StorePage(NamedTuple):
    """Messages in rising id; `cursor` is where to go on when the walk hit its limit of work."""

    messages: list[MessageState]
    more: bool
    cursor: MessageId | None


class Edit(NamedTuple):
    """An earlier text of a message, and when it became its text (ISO 8601)."""

    version: int
    content: str
    edited_at: str


class Read(NamedTuple):
    """A read position: everything at or below `pos` was read; `back` takes it back to there."""

    chat: ChatId
    user: UserId
    message_id: int
    pos: int
    read_at: str
    version: int
    back: bool = False


class Reaction(NamedTuple):
    """Somebody's emoji on a message, given or taken back."""

    message_id: MessageId
    emoji: str
    user: UserId
    active: bool
    version: int


class Nonce(NamedTuple):
    """What a sender's nonce became: the first message, and the digest of its body."""

    message_id: MessageId
    digest: bytes


class NotMigrated(Exception):
    """The store lacks tables of this version; the text says what makes them."""


class MessageStore(Protocol):
    """Messages of all chats, in ten-day buckets of their id.

    Every write is idempotent, and any order of the same writes ends in the state
    that `fold.apply` gives.
    """

    async def open(self) -> None:
        """Make ready, as soon as the server is there: a store that is away is none to refuse for; NotMigrated."""

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

    async def thread(
        self,
        chat: ChatId,
        root: MessageId,
        *,
        before: MessageId | None = None,
        after: MessageId | None = None,
        limit: int,
    ) -> StorePage:
        """Up to `limit` messages of a thread just before or just after an id; the newest where neither is given."""

    async def edits(self, chat: ChatId, message: MessageId) -> list[Edit]:
        """The earlier texts of a message, oldest first; none of a deleted one."""

    async def find_nonce(self, chat: ChatId, sender: UserId, nonce: str) -> Nonce | None:
        """The message that was sent with a nonce within 24 hours, once it is stored."""

    async def unread(
        self, viewer: UserId, above: Mapping[ChatId, int], *, types: Sequence[str], limit: int
    ) -> dict[ChatId, list[Unread]]:
        """The newest `limit` messages of others above a pos in each chat, in rising pos; no threads, no tombstones.

        Imported messages have no pos and are never unread.
        """

    async def size(self, chat: ChatId) -> int:
        """How many messages of a chat are stored, tombstones too."""

    async def erase(self, chat: ChatId) -> dict[str, int]:
        """Delete everything of a chat for good; answers how many rows went, by table."""

    async def applied(self, chat: ChatId) -> int:
        """The pos up to which everything of a chat is stored."""

    async def describe(self) -> Description:
        """The server behind it, for operators; what is away is an error."""

    async def close(self) -> None:
        """Let go of the resources."""


class ReadStore(Protocol):
    """How far people have read, by chat."""

    async def advance(self, reads: Sequence[Read]) -> None:
        """Move positions: the highest pos wins, or the latest that goes `back`; replays change nothing."""

    async def positions(self, chat: ChatId) -> list[Read]:
        """The positions of everybody who has read something of a chat."""

    async def erase(self, chat: ChatId) -> int:
        """Delete the positions of a chat for good; answers how many."""


class ReactionStore(Protocol):
    """Who gave which message which emoji: sets, from which the counts are taken.

    Every write is idempotent, and any order of the same writes ends alike: of one person, message and emoji
    the highest version wins.
    """

    async def set(self, chat: ChatId, reactions: Sequence[Reaction]) -> None:
        """Give emojis, or take them back."""

    async def counts(
        self, chat: ChatId, messages: Sequence[MessageId], *, viewer: UserId | None = None
    ) -> dict[MessageId, Tallies]:
        """The reactions of those messages that have any: the count, `NAMED` of the people, and the viewer."""

    async def who(self, chat: ChatId, message: MessageId, emoji: str, *, limit: int) -> list[UserId]:
        """Up to so many of those who gave a message an emoji."""

    async def erase(self, chat: ChatId) -> int:
        """Delete the reactions of a chat for good, while the store still has its messages; answers how many rows."""


class PinStore(Protocol):
    """Which messages of a chat are pinned; of each message the highest version wins, in any order of the writes."""

    async def set(self, chat: ChatId, pins: Sequence[Pin]) -> None:
        """Pin messages, or take their pins away."""

    async def pins(self, chat: ChatId) -> list[Pin]:
        """Those that are pinned, the latest first."""

    async def erase(self, chat: ChatId) -> int:
        """Delete the pins of a chat for good; answers how many rows."""


async def written_up_to(chat: ChatId, *, group: str = GROUP) -> int:
    """The pos up to which a group, the one that writes history, has applied everything of a chat."""
    pos = (await log().progress(group)).get(log().partition_of(str(chat)), 0)
    held = await held_from(group, str(chat))
    return pos if held is None else min(pos, held - 1)


def read_store() -> ReadStore:
    """The store of read positions, as READ_STORE names it."""
    return cast(ReadStore, backend("READ_STORE"))


def reaction_store() -> ReactionStore:
    """The store of reactions, as REACTION_STORE names it."""
    return cast(ReactionStore, backend("REACTION_STORE"))


def pin_store() -> PinStore:
    """The store of pins, as PIN_STORE names it."""
    return cast(PinStore, backend("PIN_STORE"))


def store() -> MessageStore:
    """The message store, as MESSAGE_STORE names it."""
    return cast(MessageStore, backend("MESSAGE_STORE"))
