"""Inboxes in memory, one process only: after a restart they are counted anew."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from chat.inboxes import MOST, Unread
from chatsite.kernel.ids import ChatId

INBOXES = 20_000  # kept, 0.3 to 12 kB each; the one that was not looked at for longest is let go


class _Inbox:
    __slots__ = ("filled", "overflowed", "read_pos", "unread")

    def __init__(self, read_pos: int) -> None:
        self.read_pos = read_pos
        self.filled = False
        self.overflowed = False  # older unread messages were let go
        self.unread: dict[int, Unread] = {}  # by message id

    def put(self, one: Unread) -> None:
        if one.pos > self.read_pos:
            self.unread.setdefault(one.message_id, one)
            if len(self.unread) > MOST:
                self.overflowed = True
                del self.unread[min(self.unread.values(), key=lambda kept: kept.pos).message_id]


class MemoryInboxes:
    """Inboxes of one process; a message costs what inboxes of its chat are open."""

    def __init__(self) -> None:
        self._chats: dict[ChatId, dict[str, _Inbox]] = {}
        self._order: OrderedDict[tuple[ChatId, str], None] = OrderedDict()

    async def add(
        self, chat: ChatId, users: Collection[str], message_id: int, pos: int, *, mentioned: Collection[str]
    ) -> None:
        for user, inbox in self._chats.get(chat, {}).items():
            if user in users:
                inbox.put(Unread(message_id, pos, user in mentioned))

    async def drop(self, chat: ChatId, message_id: int) -> None:
        for user, inbox in tuple(self._chats.get(chat, {}).items()):
            if inbox.unread.pop(message_id, None) and inbox.overflowed:
                await self.forget(chat, user)

    async def advance(self, chat: ChatId, user: str, pos: int) -> None:
        if (inbox := self._find(chat, user)) is not None and pos > inbox.read_pos:
            inbox.read_pos = pos
            inbox.unread = {key: one for key, one in inbox.unread.items() if one.pos > pos}

    async def forget(self, chat: ChatId, user: str) -> None:
        self._order.pop((chat, user), None)
        if (inboxes := self._chats.get(chat)) is not None:
            inboxes.pop(user, None)
            if not inboxes:
                del self._chats[chat]

    async def close(self, chat: ChatId) -> None:
        for user in self._chats.pop(chat, {}):
            self._order.pop((chat, user), None)

    async def open(self, chat: ChatId, user: str, *, read_pos: int) -> None:
        inbox = self._find(chat, user)
        if inbox is None or inbox.read_pos > read_pos:
            self._chats.setdefault(chat, {})[user] = _Inbox(read_pos)
            self._order[chat, user] = None
            if len(self._order) > INBOXES:
                await self.forget(*next(iter(self._order)))

    async def fill(self, chat: ChatId, user: str, unread: Sequence[Unread]) -> None:
        if (inbox := self._find(chat, user)) is not None:
            for one in unread:
                inbox.put(one)
            inbox.filled = True

    async def of(self, user: str, positions: Mapping[ChatId, int]) -> Mapping[ChatId, Sequence[Unread]]:
        found = {}
        for chat, pos in positions.items():
            inbox = self._find(chat, user)
            if inbox is not None and inbox.filled and inbox.read_pos <= pos:
                self._order.move_to_end((chat, user))
                found[chat] = sorted(inbox.unread.values(), key=lambda one: one.pos)
        return found

    def _find(self, chat: ChatId, user: str) -> _Inbox | None:
        return self._chats.get(chat, {}).get(user)
