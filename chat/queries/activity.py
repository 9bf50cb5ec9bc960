"""What the members of a large chat have not read of it, told once a second while they are connected.

Nobody keeps an inbox of a large chat. Here each number is remembered with the
pos that it is as of, and goes on by what the stream has brought since.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from chat.events import MessageSent
from chat.inboxes import MOST
from chat.models import Participant
from chat.protocol import message_event
from chat.queries import unread
from chat.queries.participants import chat_id
from chat.queries.unread import Counts, Position, is_counted, position_of
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, UserId

REMEMBERED = 100_000  # numbers, 300 bytes each; the one that was not asked for longest is forgotten
RECOUNTS = 20  # people of whom nothing is remembered that one call counts; the others wait for a later one


class _Number(NamedTuple):
    """Unread messages as of a pos of the chat, and of the person's own stream, which tells of reads."""

    unread: int | None  # None of who is not in the chat
    up_to: int
    own: int


_numbers: OrderedDict[tuple[str, str], _Number] = OrderedDict()


def remember(user: str, counts: Mapping[ChatId, Counts], *, own: int) -> None:
    """Keep what was counted, with the head of the person's own stream before that."""
    for chat, one in counts.items():
        _keep(str(chat), user, _Number(one.unread, one.up_to, own))


async def unread_of(subject: str, users: Collection[str]) -> dict[str, int | None]:
    """What people have not read of a chat, 100 at most; of some nothing yet, where many are to be counted anew."""
    heads = await stream().heads([subject, *users])
    known = {
        user: one
        for user in users
        if (one := _numbers.get((subject, user))) is not None
        and one.own == heads[user].pos
        and one.up_to >= heads[subject].floor
    }
    since = await stream().since(subject, min(one.up_to for one in known.values())) if known else None
    if since is None:
        known = {}
    answer = _gone_on(known, since or (), heads[subject])
    if missing := [user for user in users if user not in known][:RECOUNTS]:
        answer |= await _recount(chat_id(subject), missing, heads)
    for user, number in answer.items():
        _keep(subject, user, number)
    return {user: number.unread for user, number in answer.items()}


def _gone_on(known: Mapping[str, _Number], entries: Sequence[Entry], head: Head) -> dict[str, _Number]:
    """Remembered numbers with what was said since; a message that was taken back counts until it is read."""
    said = [
        (entry.pos, happened.event.sender_id)
        for entry in entries
        if entry.pos <= head.pos
        and (happened := message_event(entry.body.bytes, pos=entry.pos)) is not None
        and isinstance(happened.event, MessageSent)
        and is_counted(happened.event)
    ]
    # Most numbers are as of the same pos, so what came after it is counted once for all of them.
    by_sender = {
        up_to: Counter(sender for pos, sender in said if pos > up_to) for up_to in {one.up_to for one in known.values()}
    }
    total = {up_to: counts.total() for up_to, counts in by_sender.items()}
    answer = {}
    for user, one in known.items():
        since = total[one.up_to] - by_sender[one.up_to][user]
        now = None if one.unread is None else min(MOST, one.unread + since)
        answer[user] = _Number(now, max(one.up_to, head.pos), one.own)
    return answer


async def _recount(chat: ChatId, users: Sequence[str], heads: Mapping[str, Head]) -> dict[str, _Number]:
    done = await unread.copied()
    copies = await in_db_thread(_copies, chat, users)
    end = heads[str(chat)].pos
    counted = {user: _Number(None, end, heads[user].pos) for user in users if user not in copies}
    for user, copy in copies.items():
        counts = (await unread.of(UserId(UUID(user)), {chat: copy}, done=done))[chat]
        counted[user] = _Number(counts.unread, counts.up_to, heads[user].pos)
    return counted


def _copies(chat: ChatId, users: Sequence[str]) -> dict[str, Position]:
    places = Participant.objects.filter(chat_id=chat, user_id__in=users, is_active=True)
    return {str(place.user_id): position_of(place) for place in places}


def _keep(chat: str, user: str, number: _Number) -> None:
    _numbers[chat, user] = number
    _numbers.move_to_end((chat, user))
    while len(_numbers) > REMEMBERED:
        _numbers.popitem(last=False)
