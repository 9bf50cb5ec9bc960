"""How much of a chat somebody has not read, and which messages those are.

One number for lists, single chats and sockets: what the inbox holds, counted
anew from the store where there is none, with the stream's recent events over it.
Every number is as of a pos of the chat, the head of its stream.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from chat.events import MessageDeleted, MessageSent
from chat.inboxes import MOST, Unread, inboxes
from chat.messages import Message
from chat.models import Participant
from chat.protocol import added_of, message_event, read_of
from chat.queries.participants import require_seat
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import Positions, log
from chatsite.kernel.ids import ChatId, UserId

PREVIEWS = "previews"  # the group that keeps inboxes and copies of positions
COUNTED_TYPES = ("text", "poll")


class Position(NamedTuple):
    """How far somebody has read: everything at or below `pos`."""

    message_id: int | None
    pos: int
    unread_version: int = 0

    def after(self, message_id: int, pos: int, version: int, *, back: bool) -> "Position":
        """The position after one more read: the highest pos wins, or the latest `back`."""
        if back and version > self.unread_version:
            return Position(message_id, pos, version)
        if not back and version > self.unread_version and pos > self.pos:
            return Position(message_id, pos, self.unread_version)
        return self

    def since(self, pos: int, version: int) -> "Position":
        """The position after coming in at a pos: what was said before is read, unless it was marked unread since."""
        return self._replace(pos=pos) if pos > self.pos and version > self.unread_version else self


class Counts(NamedTuple):
    """What somebody has not read of a chat, as of the pos `up_to`; at most 100 are counted."""

    position: Position
    messages: Sequence[Unread]
    up_to: int

    @property
    def unread(self) -> int:
        """How many messages are unread."""
        return len(self.messages)

    @property
    def mentions(self) -> int:
        """How many of them name the person."""
        return sum(1 for one in self.messages if one.mentioned)


async def copied() -> Positions:
    """How far positions are copied to Django's database. Asked before they are read there: see `of`."""
    return await log().progress(PREVIEWS)


async def of(user: UserId, copies: Mapping[ChatId, Position], *, done: Positions) -> dict[ChatId, Counts]:
    """What a person has not read in chats, whose positions as Django's database has them are given.

    `done` is what `copied()` said before they were read: a read that is copied
    between the two is then taken from the stream, and not missed by both.
    """
    heads = await stream().heads([str(chat) for chat in copies])
    reads = await _recent_reads(user, done_with(done, str(user)))
    recent = await _recent({chat: done_with(done, str(chat)) for chat in copies}, heads)
    positions = {
        chat: _position(copy, recent.get(chat, ()), reads.get(str(chat), ()), user) for chat, copy in copies.items()
    }
    kept = await inboxes().of(str(user), {chat: position.pos for chat, position in positions.items()})
    missing = {chat: position for chat, position in positions.items() if chat not in kept}
    counted = await _count(user, missing, heads) if missing else {}
    return {
        chat: Counts(
            position,
            _folded(counted.get(chat) or kept.get(chat, ()), recent.get(chat, ()), position, heads[str(chat)], user),
            heads[str(chat)].pos,
        )
        for chat, position in positions.items()
    }


async def of_one(chat: ChatId, user: UserId) -> Counts:
    """What a participant has not read of one chat; NotFound for everybody else."""
    await require_seat(chat, user)
    done = await copied()
    copy = await in_db_thread(_copy, chat, user)
    return (await of(user, {chat: copy}, done=done))[chat]


async def of_position(chat: ChatId, user: UserId, position: Position) -> Counts:
    """What would be left of a chat if somebody had read it up to a position; counted from the store."""
    head = (await stream().heads([str(chat)]))[str(chat)]
    found = await _from_store(user, {chat: position}, {str(chat): head})
    return Counts(position, found[chat], head.pos)


def position_of(place: Participant) -> Position:
    """The position that a participant's row holds a copy of."""
    return Position(place.last_read_message_id, place.last_read_pos, place.unread_version)


def _copy(chat: ChatId, user: UUID) -> Position:
    place = Participant.objects.filter(chat_id=chat, user_id=user).first()
    return position_of(place) if place else Position(None, 0)


async def _count(
    user: UserId, missing: Mapping[ChatId, Position], heads: Mapping[str, Head]
) -> dict[ChatId, list[Unread]]:
    """Count from the store what no inbox holds, with what the store has not yet; and open the inboxes."""
    for chat, position in missing.items():
        # Opened before it is counted: what comes meanwhile is taken in.
        await inboxes().open(chat, str(user), read_pos=position.pos)
    counted = await _from_store(user, missing, heads)
    for chat, unread in counted.items():
        await inboxes().fill(chat, str(user), unread)
    return counted


async def _from_store(
    user: UserId, positions: Mapping[ChatId, Position], heads: Mapping[str, Head]
) -> dict[ChatId, list[Unread]]:
    """What lies above positions in the store, with what it has not applied yet."""
    applied = {chat: await Message.objects.applied(chat) for chat in positions}
    above = {chat: position.pos for chat, position in positions.items()}
    stored = await Message.objects.unread(user, above, types=COUNTED_TYPES, limit=MOST)
    recent = await _recent(applied, heads)
    return {
        chat: _folded(stored.get(chat, ()), recent.get(chat, ()), position, heads[str(chat)], user)
        for chat, position in positions.items()
    }


def _folded(
    unread: Iterable[Unread], entries: Iterable[Entry], position: Position, head: Head, user: UserId
) -> list[Unread]:
    """Unread messages with recent events over them, as of the head."""
    found = {one.message_id: one for one in unread if position.pos < one.pos <= head.pos}
    for entry in entries:
        if entry.pos > head.pos:
            break  # It came after the head was read: the number would not be as of that.
        happened = message_event(entry.body.bytes, pos=entry.pos)
        match happened.event if happened else None:
            case MessageSent() as sent if is_counted(sent) and sent.sender_id != str(user):
                if position.pos < entry.pos:
                    mentioned = names(sent.mentions, str(user))
                    found.setdefault(int(sent.message_id), Unread(int(sent.message_id), entry.pos, mentioned))
            case MessageDeleted() as deleted:
                found.pop(int(deleted.message_id), None)
    return sorted(found.values(), key=lambda one: one.pos)[-MOST:]


def is_counted(sent: MessageSent) -> bool:
    """Whether a message is unread for those who have not read it: no notice, and no reply in a thread."""
    return sent.message_type in COUNTED_TYPES and not sent.thread_id


def names(mentions: Sequence[str], user: str) -> bool:
    """Whether a message's mentions name somebody."""
    return user in mentions or "all" in mentions


def _position(copy: Position, entries: Iterable[Entry], reads: Iterable[Entry], user: UserId) -> Position:
    """A position with what happened since it was copied: coming in, and reads."""
    position = copy
    for entry in entries:
        if (added := added_of(entry.body.bytes)) is not None and added.user_id == str(user):
            position = position.since(entry.pos, added.version)
    for entry in reads:
        if (read := read_of(entry.body.bytes)) is not None:
            position = position.after(int(read.message_id), read.read_pos, read.version, back=read.back)
    return position


async def _recent_reads(user: UserId, done: int) -> dict[str, list[Entry]]:
    """The person's reads that are not copied yet, by chat."""
    head = (await stream().heads([str(user)]))[str(user)]
    found: dict[str, list[Entry]] = {}
    for entry in await since(str(user), done, head):
        if (read := read_of(entry.body.bytes)) is not None:
            found.setdefault(read.room_id, []).append(entry)
    return found


def done_with(progress: Positions, key: str) -> int:
    """How far a projection has worked off a chat's or person's records."""
    return progress.get(log().partition_of(key), 0)


async def _recent(done: Mapping[ChatId, int], heads: Mapping[str, Head]) -> dict[ChatId, Sequence[Entry]]:
    """What happened in chats above where each is done; nothing of the others.

    Asked together: what is not in memory is one read.
    """
    behind = [chat for chat, up_to in done.items() if up_to < heads[str(chat)].pos]
    found = await asyncio.gather(*[since(str(chat), done[chat], heads[str(chat)]) for chat in behind])
    return dict(zip(behind, found, strict=True))


async def since(subject: str, done: int, head: Head) -> Sequence[Entry]:
    """The stream's events that a projection has not worked off."""
    if done >= head.pos:
        return ()
    return await stream().since(subject, max(done, head.floor)) or ()
