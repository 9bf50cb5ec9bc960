"""Which chats were erased for good: projections leave what the log still says of them."""

import time

from asgiref.sync import async_to_sync

from chat.messages import Message
from chat.models import Ban, Chat, Erased, Invite, Participant
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId

CHAT = "chat"  # the kind of an erased chat
REREAD_SECONDS = 60.0
_known: set[str] = set()
_read_at = float("-inf")  # the moment (monotonic) of the last look


async def is_erased(chat: str) -> bool:
    """Whether a chat is gone for good.

    Read from the database, and again every minute for what other processes came by;
    each group marks what it sees deleted in the log, before it comes to anything later
    of that chat.
    """
    global _read_at
    if time.monotonic() - _read_at > REREAD_SECONDS:
        _known.update(await in_db_thread(_read))
        _read_at = time.monotonic()
    return chat in _known


def mark(chat: ChatId) -> None:
    """Say that a chat was deleted in the log."""
    _known.add(str(chat))


def going(chat: Chat) -> dict[str, int]:
    """How much would go with a chat that is deleted for good."""
    return {
        "messages": async_to_sync(Message.objects.size)(ChatId(chat.id)),
        "people who are or were in it": Participant.objects.filter(chat=chat).count(),
        "invites": Invite.objects.filter(chat=chat).count(),
        "bans": Ban.objects.filter(chat=chat).count(),
    }


def _read() -> list[str]:
    return [str(subject) for subject in Erased.objects.filter(kind=CHAT).values_list("subject", flat=True)]
