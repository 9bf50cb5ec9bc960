"""How far the participants of a chat have read it."""

from chat.queries.participants import require_seat, roster
from chat.stores import Read, read_store
from chatsite.kernel.ids import ChatId, UserId


async def positions(chat: ChatId, *, viewer: UserId) -> list[Read]:
    """The read positions of those who are in the chat; NotFound for strangers."""
    await require_seat(chat, viewer)
    members = (await roster(chat)).members
    return [read for read in await read_store().positions(chat) if str(read.user) in members]
