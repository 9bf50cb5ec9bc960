"""How far the participants of a chat have read it."""

from chat.queries.participants import require_seat, roster
from chat.stores import Read, read_store
from chatsite.accounts.queries import hiding_reads
from chatsite.kernel.believed import Believed
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, UserId

BELIEVED_SECONDS = 5.0  # so long somebody who hides how far they read may still be seen
REMEMBERED = 10_000  # people who are believed


async def positions(chat: ChatId, *, viewer: UserId) -> list[Read]:
    """The read positions of those who are in the chat and show theirs, and one's own; NotFound for strangers."""
    await require_seat(chat, viewer)
    members = (await roster(chat)).members
    there = [read for read in await read_store().positions(chat) if str(read.user) in members]
    hidden = await in_db_thread(hiding_reads, [str(read.user) for read in there]) - {str(viewer)}
    return [read for read in there if str(read.user) not in hidden]


async def shows(user: str) -> bool:
    """Whether others may see how far somebody reads, as of some seconds ago: this is asked for every few reads."""
    return await _shows.get(user)


async def _read(user: str) -> bool:
    return user not in await in_db_thread(hiding_reads, [user])


_shows: Believed[str, bool] = Believed(_read, seconds=BELIEVED_SECONDS, most=REMEMBERED)
