"""MessageSearch where CHAT_SEARCH is off: nothing is indexed, and who searches is told so."""

from collections.abc import Sequence

from chat.indexes import Entry, Hit
from chat.search import Query
from chatsite.kernel.errors import NotSupported
from chatsite.kernel.ids import MAX_ID, ChatId

OFF = "Search is switched off here (CHAT_SEARCH)."


class NoSearch:
    """MessageSearch that has nothing."""

    async def put(self, entries: Sequence[Entry]) -> list[Entry]:
        return []

    async def find(self, query: Query, chats: Sequence[ChatId], *, below: int = MAX_ID, limit: int) -> list[Hit]:
        raise NotSupported(OFF)

    async def size(self, chat: ChatId) -> int:
        return 0

    async def erase(self, chat: ChatId) -> int:
        return 0

    async def clear(self) -> None:
        raise NotSupported(OFF)
