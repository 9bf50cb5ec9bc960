"""The group `previews`: newest messages, copies of read positions, inboxes, threads, what is important, polls.

What goes to Django's database is written at most once a second for all chats
that changed, in one transaction.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from chat.commands import expiring
from chat.events import MessageDeleted, MessageEdited, MessageImported, MessageSent, ParticipantAdded, ReadAdvanced
from chat.inboxes import inboxes
from chat.models import Chat, LinkPreviews, Participant, Reminder, Star
from chat.policy import Mode
from chat.projections import acknowledgements, polls, threads
from chat.queries.erased import is_erased
from chat.queries.participants import chat_id, need, roster
from chat.queries.unread import is_counted, position_of
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import AWAY, group
from chatsite.kernel.ids import ChatId

logger = logging.getLogger(__name__)
FLUSH_SECONDS = 1.0
FLUSH_RECORDS = 1_000  # a write that holds so many does not wait: the group works on 4,000 at most at once
PREVIEW_CODE_POINTS = 200

previews = group("previews")


@dataclass
class _Part:
    """What the records of one key change."""

    newest: Record | None = None
    changed: dict[str, Record] = field(default_factory=dict)  # by message id
    in_threads: list[Record] = field(default_factory=list)  # and who came in, between them
    important: list[Record] = field(default_factory=list)
    polls: list[Record] = field(default_factory=list)
    expiring: list[Record] = field(default_factory=list)
    reads: list[Record] = field(default_factory=list)
    added: list[Record] = field(default_factory=list)
    error: Exception | None = None  # why it was not written, where the others were

    def take(self, record: Record) -> None:
        """Take a record to where it is written."""
        match record.fact.payload:
            case MessageSent() | MessageImported() as sent:
                # By id: what is imported comes late and is older than what is said meanwhile.
                held = self.newest or record
                self.newest = max(held, record, key=lambda one: int(one.fact.payload.message_id))
                if sent.thread_id is not None:
                    self.in_threads.append(record)
                if isinstance(sent, MessageSent):
                    self._ask(sent, record)
            case MessageEdited() | MessageDeleted():
                before = self.changed.get(record.fact.payload.message_id)
                # A delete is final, whichever of the two stands later in the log.
                if before is None or not isinstance(before.fact.payload, MessageDeleted):
                    self.changed[record.fact.payload.message_id] = record
            case ReadAdvanced():
                self.reads.append(record)
            case ParticipantAdded():
                self.added.append(record)
                self.in_threads.append(record)

    def _ask(self, sent: MessageSent, record: Record) -> None:
        """Take what a message asks of people, and what is to go by itself."""
        if sent.important:
            self.important.append(record)
        if sent.poll is not None:
            self.polls.append(record)
        if sent.expires_at is not None:
            self.expiring.append(record)


@dataclass
class _Flush:
    """What the next write holds, and who waits for it."""

    parts: list[_Part] = field(default_factory=list)
    size: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    done: "asyncio.Task[None] | None" = None

    async def wait(self) -> None:
        """Wait until everything is written, or was tried."""
        self.done = self.done or asyncio.get_running_loop().create_task(self._write())
        await asyncio.shield(self.done)

    async def _write(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.full.wait()
        _next.clear()
        await in_db_thread(_write_parts, self.parts)


_next: list[_Flush] = []  # the one flush that still takes records, if there is one


@previews.project(MessageSent, MessageDeleted, ReadAdvanced, ParticipantAdded)
async def keep_inboxes(records: Sequence[Record]) -> None:
    """Put messages into the inboxes of those who have not read them, and take read ones out."""
    for record in records:
        match record.fact.payload:
            case MessageSent() as sent if is_counted(sent):
                await _put(chat_id(sent.room_id), sent, record.pos)
            case MessageDeleted() as deleted:
                await inboxes().drop(chat_id(deleted.room_id), int(deleted.message_id))
            case ReadAdvanced() as read if read.back:
                await inboxes().forget(chat_id(read.room_id), read.user_id)
            case ReadAdvanced() as read:
                await inboxes().advance(chat_id(read.room_id), read.user_id, read.pos)
            case ParticipantAdded() as added:
                need(chat_id(added.room_id), added.members_version)
                await inboxes().forget(chat_id(added.room_id), added.user_id)


@previews.project(MessageSent, MessageImported, MessageEdited, MessageDeleted, ReadAdvanced, ParticipantAdded)
async def write_later(records: Sequence[Record]) -> None:
    """Put what lists show into the next write and wait for it."""
    if not _next:
        _next.append(_Flush())
    flush, part = _next[0], _Part()
    for record in records:
        part.take(record)
    flush.parts.append(part)
    flush.size += len(records)
    if flush.size >= FLUSH_RECORDS:
        flush.full.set()
    await flush.wait()
    if part.error is not None:
        raise part.error


async def _put(chat: ChatId, sent: MessageSent, pos: int) -> None:
    if await is_erased(sent.room_id):
        return
    known = await roster(chat)
    if known.mode is Mode.ACTIVITY:
        await inboxes().close(chat)  # Who looks opens one; it is not kept up, so it lasts until the next message.
        return
    others = known.members.keys() - {sent.sender_id}
    mentioned = others if "all" in sent.mentions else sent.mentions
    await inboxes().add(chat, others, int(sent.message_id), pos, mentioned=mentioned)


def _write_parts(parts: Sequence[_Part]) -> None:
    """Write all in one transaction; where that fails each in one of its own, so that one bad record fails its key."""
    try:
        _write_all(parts)
    except AWAY:
        raise
    except Exception:
        logger.exception("A write of %d keys failed; each is tried alone.", len(parts))
        for part in parts:
            try:
                _write_all([part])
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who waits for this part
                part.error = error


@transaction.atomic
def _write_all(parts: Sequence[_Part]) -> None:
    # As commands do: chats before the places in them, or who comes and goes waits for this and this for them.
    locked = {record.key for part in parts for record in (*part.in_threads, *part.important)}
    locked |= {part.newest.key for part in parts if part.newest is not None}
    list(Chat.objects.select_for_update(no_key=True).filter(id__in=locked).order_by("id").values_list("id"))
    for part in parts:
        if part.newest is not None:
            _write_newest(part.newest)
    changed = [record for part in parts for record in part.changed.values()]
    for record in changed:
        _write_changed(record)
        _forget_deleted(record)
    for record in _all(part.added for part in parts):
        _write_added(record)
    for record in _all(part.reads for part in parts):
        _write_read(record)
    # After the places: who reads a thread locks them in this order too.
    threads.write(_all(part.in_threads for part in parts), changed)
    acknowledgements.write(_all(part.important for part in parts), changed)
    polls.write(_all(part.polls for part in parts), changed)
    expiring.plan(_all(part.expiring for part in parts))


def _all(records: Iterable[Sequence[Record]]) -> list[Record]:
    return list(chain.from_iterable(records))


def _write_newest(record: Record) -> None:
    sent: MessageSent | MessageImported = record.fact.payload
    preview = {
        "id": sent.message_id,
        "sender_id": sent.sender_id,
        "content": sent.content[:PREVIEW_CODE_POINTS],
        "created_at": sent.sent_at,
        "version": record.fact.version,
    }
    # An older message than the one shown arrives in a replay, which must not turn the list back; nor may
    # the message that is shown come back as it was before an edit.
    shown = Chat.objects.filter(id=record.key).values_list("last_message", flat=True).first()
    if shown is not None and int(shown["id"]) >= int(sent.message_id):
        return
    Chat.objects.filter(id=record.key).update(
        last_message_at=datetime.fromisoformat(sent.sent_at),
        last_message=preview,
        version=Greatest(F("version"), record.fact.version),
    )


def _write_changed(record: Record) -> None:
    """Show what became of the newest message."""
    event: MessageEdited | MessageDeleted = record.fact.payload
    chat = Chat.objects.filter(id=record.key).first()
    shown: dict[str, Any] = (chat.last_message if chat else None) or {}
    if chat is None or shown.get("id") != event.message_id:
        return
    if shown.get("is_deleted") or shown.get("version", 0) >= record.fact.version:
        return
    shown["version"] = record.fact.version
    shown["is_deleted"] = isinstance(event, MessageDeleted)
    shown["content"] = event.content[:PREVIEW_CODE_POINTS] if isinstance(event, MessageEdited) else ""
    Chat.objects.filter(id=chat.id).update(last_message=shown, version=Greatest(F("version"), record.fact.version))


def _forget_deleted(record: Record) -> None:
    """Let nobody's stars and reminders be taken up by what was deleted, and show nothing of its links."""
    if isinstance(record.fact.payload, MessageDeleted):
        where = {"chat": UUID(record.key), "message_id": int(record.fact.payload.message_id)}
        Star.objects.filter(**where).delete()
        Reminder.objects.filter(**where).delete()
        LinkPreviews.objects.filter(**where).delete()


def _write_added(record: Record) -> None:
    """Let somebody who came in have read what was said before."""
    added: ParticipantAdded = record.fact.payload
    place = Participant.objects.filter(chat=UUID(added.room_id), user=UUID(added.user_id))
    # Whoever has marked something unread since has been here: a replay must not read it for them.
    place.filter(last_read_pos__lt=record.pos, unread_version__lt=record.fact.version).update(
        last_read_pos=record.pos, version=Greatest(F("version"), record.fact.version)
    )


def _write_read(record: Record) -> None:
    """Copy a read position; a replay finds it as it is."""
    read: ReadAdvanced = record.fact.payload
    place = Participant.objects.filter(chat=UUID(read.room_id), user=UUID(read.user_id)).first()
    if place is None:
        return
    before = position_of(place)
    after = before.after(int(read.message_id), read.pos, record.fact.version, back=read.back)
    if after != before:
        Participant.objects.filter(id=place.id).update(
            last_read_message_id=after.message_id,
            last_read_pos=after.pos,
            unread_version=after.unread_version,
            version=Greatest(F("version"), record.fact.version),
        )
