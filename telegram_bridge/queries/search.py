"""The filter `telegram:` of a search: messages by their ids in Telegram."""

from collections.abc import Sequence
from uuid import UUID

from chat.models import Participant
from chat.search import Places
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import ChatId, UserId
from telegram_bridge.ids import Named
from telegram_bridge.models import TelegramImport
from telegram_bridge.stores import TelegramId, telegram_map

MOST = 100  # messages of Telegram that one search looks up: names, times the chats that a bare number may be of


async def places_of(named: Sequence[Named], *, chats: Sequence[ChatId], viewer: UserId, field: str) -> Places:
    """Where the messages of some names are among the viewer's chats; Invalid where that takes too many looks.

    A bare number is looked up in the chats that were brought in from Telegram: one query more, however many
    there are.
    """
    there = {TelegramId(one.chat, one.message) for one in named if one.chat is not None}
    if bare := {one.message for one in named if one.chat is None}:
        sources = await in_db_thread(_sources, chats, viewer)
        there |= {TelegramId(source, number) for source in sources for number in bare}
    if len(there) > MOST:
        raise Invalid(
            f"telegram: looks for at most {MOST} messages, in so many chats: name some with in:, or one as CHAT/ID.",
            field=field,
        )
    return frozenset((str(one.chat), int(one.message)) for one in await telegram_map().find(sorted(there)))


def _sources(chats: Sequence[UUID], viewer: UserId) -> list[int]:
    """The chats of Telegram that some of the viewer's chats were brought in from; no more than are too many."""
    mine = Participant.objects.filter(user=viewer, is_active=True).values("chat")
    sources = TelegramImport.objects.filter(chat_id__in=mine)
    if len(chats) <= MOST:
        sources = sources.filter(chat_id__in=chats)
    return list(sources.values_list("telegram_chat_id", flat=True)[: MOST + 1])
