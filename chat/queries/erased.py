"""Which chats were erased for good: projections leave what the log still says of them."""

from chat.models import Erased
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId

CHAT = "chat"  # the kind of an erased chat
_known: set[str] = set()
_loaded = False


async def is_erased(chat: str) -> bool:
    """Whether a chat is gone for good.

    Read from the database once; after that each group marks what it sees deleted
    in the log, before it comes to anything later of that chat.
    """
    global _loaded
    if not _loaded:
        _known.update(await in_db_thread(_read))
        _loaded = True
    return chat in _known


def mark(chat: ChatId) -> None:
    """Say that a chat was deleted in the log."""
    _known.add(str(chat))


def _read() -> list[str]:
    return [str(subject) for subject in Erased.objects.filter(kind=CHAT).values_list("subject", flat=True)]
