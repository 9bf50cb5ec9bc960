"""What goes with a chat that is deleted for good: its part of the map."""

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId
from telegram_bridge.commands.leases import take
from telegram_bridge.models import TelegramClaim, TelegramImport
from telegram_bridge.stores import TelegramId, telegram_map

HOLDER = "erasure"


async def erase(chat: ChatId) -> dict[str, int]:
    """Drop the map's rows of a chat, batch by batch as they were claimed; answers how many went, by table.

    The store is not asked: of what was claimed it may have nothing, where the log was erased before it was stored.
    Conflict while the chat is brought in: the chore comes again once that has ended.
    """
    if not await in_db_thread(TelegramImport.objects.filter(chat_id=chat).exists):
        return {}
    source, gone = await in_db_thread(take, chat, HOLDER), 0
    claims = TelegramClaim.objects.filter(source=source).order_by("id")
    while (claim := await in_db_thread(claims.first)) is not None:
        there = [TelegramId(source.telegram_chat_id, number) for number in claim.numbers]
        rows = [one for one in await telegram_map().find(there) if one.chat == chat]
        await telegram_map().drop(rows)
        await in_db_thread(claim.delete)
        gone += len(rows)
    await in_db_thread(source.delete)
    return {"telegram_message_mapping": gone, "telegram_imports": 1}
