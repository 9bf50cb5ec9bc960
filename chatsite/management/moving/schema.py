"""From PostgreSQL's schema of log and store into Kafka and ScyllaDB or Cassandra.

Django's tables stay where they are. Messages go through the store's port as the events
that made them, so the store holds what it would hold had it been there; the log's records
stay behind, since every group has finished them. The topic's generation is raised above the
log's, and each partition gets a first record: every new position is above all of them.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, cast
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, Max

from chat.events import Forwarded, MessageDeleted, MessageEdited, MessageImported, MessageSent, Origin, Poll
from chat.fold import MessageState, Pin, Stamped
from chat.models.history import HistoryEdit, HistoryMessage, HistoryPin, HistoryReaction, ReadPosition
from chat.stores import Edit, Reaction, Read, pin_store, reaction_store, read_store, store
from chatsite.kernel import clock
from chatsite.kernel.database import MESSAGES, in_db_thread
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Payload, event, new_record
from chatsite.kernel.groups import group_names
from chatsite.kernel.ids import ChatId, MessageId, UserId, version_of
from chatsite.kernel.models import GroupOffset, HeldKey, LogPartition, LogRecord, LogTopic, WorkerLease
from chatsite.management.moving import Differs, Refused, Say, rows
from chatsite.models import MoveStep
from telegram_bridge.models import TelegramMessage
from telegram_bridge.stores import Mapped, TelegramId, telegram_map

BEGUN = "from-standard"
ALIAS = "source-messages"
NONCE_LIFE = timedelta(hours=24)
SETTLE = "CHAT_SHAPE=standard manage.py migrate_profile --settle"
_decode_list = msgspec.json.Decoder(list[str]).decode
_decode_origin = msgspec.json.Decoder(Origin).decode
_decode_forwarded = msgspec.json.Decoder(Forwarded).decode
_decode_poll = msgspec.json.Decoder(Poll).decode


@event
class LogBegun(Payload, frozen=True, kw_only=True, rename="camel"):
    """A log went on in another place; nobody is told."""

    event_type: ClassVar[str] = "log.begun.v1"


@contextmanager
def opened() -> Iterator[None]:
    """The schema of log and store under an alias of its own."""
    default = connections.databases[DEFAULT_DB_ALIAS]
    options = {name: value for name, value in default["OPTIONS"].items() if name != "pool"}
    options["options"] = f"-c search_path={MESSAGES}"
    connections.databases[ALIAS] = {**default, "OPTIONS": options, "CONN_MAX_AGE": None}
    try:
        yield
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


async def move(*, topic: str, say: Say) -> None:
    """Hand over everything that is not there yet, then compare."""
    await in_db_thread(_begin, topic)
    await _begin_log()
    say(f"history_messages: {await _hand_over('messages', HistoryMessage, _messages):,} rows")
    say(f"message_reactions: {await _hand_over('reactions', HistoryReaction, _reactions):,} rows")
    say(f"pinned_messages: {await _hand_over('pins', HistoryPin, _pins):,} rows")
    say(f"message_read_positions: {await _hand_over('positions', ReadPosition, _positions):,} rows")
    say(f"telegram_message_mapping: {await _hand_over('telegram', TelegramMessage, _mapped):,} rows")
    await _compare()


# --- before


def _begin(topic: str) -> None:
    """Refuse what is not finished; raise the topic's generation above the log's."""
    _require_finished()
    with transaction.atomic():
        registered = LogTopic.objects.select_for_update().filter(name=topic).first()
        if registered is None:
            raise Refused(f"The topic {topic} is not registered. Run: manage.py migrate_all && manage.py migrate_log")
        newest = LogPartition.objects.using(ALIAS).aggregate(newest=Max("generation"))["newest"] or 1
        if registered.generation <= newest:
            registered.generation = newest + 1
            registered.save(update_fields=["generation"])


def _require_finished() -> None:
    if WorkerLease.objects.filter(expires_at__gt=datetime.now(UTC)).exists():
        raise Refused("Processes still run: stop them first; after a kill -9 wait for ten minutes.")
    if HeldKey.objects.exists():
        raise Refused("The groups hold keys. See: CHAT_SHAPE=standard manage.py project")
    for alias in (ALIAS, DEFAULT_DB_ALIAS):
        heads = dict(LogPartition.objects.using(alias).values_list("partition", "head"))
        running = GroupOffset.objects.using(alias).filter(group__in=group_names())
        offsets = running.values_list("group", "partition", "offset")
        if behind := {group for group, partition, offset in offsets if offset < heads.get(partition, 0)}:
            raise Refused(f"{', '.join(sorted(behind))} have not finished. Run: {SETTLE}")


async def _begin_log() -> None:
    """Give each partition of an empty topic its first record."""
    await log().open()
    ends = await log().ends()
    step, is_new = await in_db_thread(MoveStep.objects.get_or_create, name=BEGUN)
    if is_new and any(ends.values()):
        await in_db_thread(step.delete)
        raise Refused("The topic holds records already: name a new one in CHAT_KAFKA_TOPIC.")
    if step.is_done:
        return
    missing = {partition for partition, end in ends.items() if not end}
    appended = []
    while missing:
        key = uuid.uuid4()
        if (partition := log().partition_of(str(key))) in missing:
            missing.discard(partition)
            now = clock.now_ms()
            appended.append(
                log().append(
                    new_record(
                        LogBegun(), event_id=uuid.uuid4(), key=key, version=now * 1_000, occurred_ms=now, actor=None,
                        region=settings.REGION,
                    )
                )
            )  # fmt: skip
    await asyncio.gather(*appended)
    step.is_done = True
    await in_db_thread(step.save)


# --- handing over


async def _hand_over(name: str, model: rows.Model, work: Any) -> int:
    """Give every row to the port, chunk by chunk; a chunk that is given twice changes nothing."""
    step, _ = await in_db_thread(MoveStep.objects.get_or_create, name=f"{BEGUN}-{name}")
    while not step.is_done:
        chunk = await in_db_thread(rows.chunk_after, model, ALIAS, step.last)
        if chunk:
            await work(chunk)
            step.last, step.rows = rows.key_of(chunk[-1]), step.rows + len(chunk)
        step.is_done = not chunk
        await in_db_thread(step.save)
    return step.rows


async def _messages(chunk: Sequence[HistoryMessage]) -> None:
    texts, sent = await in_db_thread(_texts, chunk), await in_db_thread(_recently_sent, chunk)
    added: dict[ChatId, list[Stamped]] = defaultdict(list)
    changed: dict[ChatId, list[Stamped]] = defaultdict(list)
    for row in chunk:
        chat = ChatId(UUID(row.channel_id))
        earlier = texts.get((row.channel_id, row.message_id), [])
        if row.message_type is not None:
            added[chat].append(_said(row, earlier, sent.get(row.message_id)))
        changed[chat] += _changes(row, earlier)
    for chat, said in added.items():
        await store().add(chat, said)
    for chat, happened in changed.items():
        await store().change(chat, happened)


async def _reactions(chunk: Sequence[HistoryReaction]) -> None:
    given: dict[ChatId, list[Reaction]] = defaultdict(list)
    for row in chunk:
        message, user = MessageId(row.message_id), UserId(UUID(row.user_id))
        given[ChatId(UUID(row.channel_id))].append(Reaction(message, row.emoji, user, row.active, row.version))
    for chat, reactions in given.items():
        await reaction_store().set(chat, reactions)


async def _pins(chunk: Sequence[HistoryPin]) -> None:
    pins: dict[ChatId, list[Pin]] = defaultdict(list)
    for row in chunk:
        pins[ChatId(UUID(row.channel_id))].append(Pin(row.message_id, row.pinned, row.pinned_by, row.version))
    for chat, changed in pins.items():
        await pin_store().set(chat, changed)


async def _positions(chunk: Sequence[ReadPosition]) -> None:
    reads = []
    for row in chunk:
        where = (ChatId(UUID(row.channel_id)), UserId(UUID(row.user_id)))
        place = (row.last_read_message_id, row.last_read_pos)
        if row.unread_version:
            # What took it back decides which later reads count; then what moved it on from there.
            below = place if row.version == row.unread_version else (place[0], place[1] - 1)
            reads.append(Read(*where, *below, row.read_at, row.unread_version, back=True))
        if row.version != row.unread_version:
            reads.append(Read(*where, *place, row.read_at, row.version))
    await read_store().advance(reads)


async def _mapped(chunk: Sequence[TelegramMessage]) -> None:
    await telegram_map().claim(_mappings(chunk))


def _mappings(chunk: Sequence[TelegramMessage]) -> list[Mapped]:
    return [
        Mapped(
            TelegramId(row.telegram_chat_id, row.telegram_message_id),
            ChatId(UUID(row.channel_id)),
            MessageId(row.message_id),
            row.part,
            cast(Literal["in"], row.direction),
        )
        for row in chunk
    ]


def _texts(chunk: Sequence[HistoryMessage]) -> dict[tuple[str, int], list[HistoryEdit]]:
    """The earlier texts of messages, oldest first."""
    found: dict[tuple[str, int], list[HistoryEdit]] = defaultdict(list)
    ids = [row.message_id for row in chunk if row.edited_at is not None]
    for one in HistoryEdit.objects.using(ALIAS).filter(message_id__in=ids).order_by("version"):
        found[one.channel_id, one.message_id].append(one)
    return found


def _recently_sent(chunk: Sequence[HistoryMessage]) -> dict[int, MessageSent]:
    """Messages as they were sent, where a client may still retry: what a retry is compared with."""
    since = (datetime.now(UTC) - NONCE_LIFE).timestamp() * 1_000
    recent = [row for row in chunk if row.nonce is not None and version_of(row.message_id) / 1_000 >= since]
    found = {}
    for chat in {row.channel_id for row in recent}:
        records = LogRecord.objects.using(ALIAS).filter(key=chat, event_type=MessageSent.event_type)
        for value in records.filter(appended_ms__gte=since).values_list("value", flat=True):
            payload = msgspec.json.decode(bytes(value), type=_Sent).payload
            found[int(payload.message_id)] = payload
    return found


class _Sent(msgspec.Struct):
    payload: MessageSent


def _said(row: HistoryMessage, earlier: Sequence[HistoryEdit], sent: MessageSent | None) -> Stamped:
    """The event that brought a message."""
    is_changed = row.edited_at is not None or row.deleted_at is not None
    version = earlier[0].version if earlier else version_of(row.message_id) if is_changed else row.version
    if sent is not None:
        return Stamped(sent, version, row.pos or 0)
    fields: dict[str, Any] = {
        "message_id": str(row.message_id),
        "room_id": row.channel_id,
        "sender_id": row.sender_id,
        "content": earlier[0].content if earlier else row.content,
        "sent_at": row.created_at,
        "attachments": _list(row.attachments),
        "html": None if earlier else row.html,
        "message_type": row.message_type,
        "reply_to_id": str(row.reply_to_id) if row.reply_to_id is not None else None,
        "thread_id": str(row.thread_id) if row.thread_id is not None else None,
        "mentions": _list(row.mentions),
    }
    origin = _decode_origin(row.origin) if row.origin else None
    if row.pos is None and origin is not None:
        return Stamped(MessageImported(**fields, origin=origin), version, 0)
    taken = _decode_forwarded(row.forwarded_from) if row.forwarded_from else None
    said = MessageSent(
        **fields,
        origin=origin,
        forwarded_from=taken,
        important=bool(row.important),
        poll=_decode_poll(row.poll) if row.poll else None,
        expires_at=row.expires_at or None,
        nonce=row.nonce,
    )
    return Stamped(said, version, row.pos or 0)


def _changes(row: HistoryMessage, earlier: Sequence[HistoryEdit]) -> Iterator[Stamped]:
    """What changed a message since, in order."""
    where: dict[str, Any] = {"message_id": str(row.message_id), "room_id": row.channel_id}
    for text in earlier[1:]:
        edited = MessageEdited(**where, content=text.content, edited_at=text.edited_at)
        yield Stamped(edited, text.version, 0)
    if row.edited_at is not None:
        mentions = _list(row.mentions)
        now = MessageEdited(**where, content=row.content, edited_at=row.edited_at, html=row.html, mentions=mentions)
        yield Stamped(now, row.version, 0)
    if row.deleted_at is not None:
        gone = MessageDeleted(**where, by=str(row.deleted_by), deleted_at=row.deleted_at, reason=row.delete_reason)
        yield Stamped(gone, row.version, 0)


def _list(text: str | None) -> list[str]:
    return _decode_list(text) if text else []


# --- after


async def _compare() -> None:
    """See that the store holds every message, earlier text and read position, chat by chat."""
    last: Any = None
    while chunk := await in_db_thread(rows.chunk_after, HistoryMessage, ALIAS, last):
        last = rows.key_of(chunk[-1])
        messages = [row for row in chunk if isinstance(row, HistoryMessage)]
        texts = await in_db_thread(_texts, messages)
        await asyncio.gather(*[_compare_one(row, texts.get((row.channel_id, row.message_id), [])) for row in messages])
    for chat, size in (await in_db_thread(_sizes)).items():
        if (there := await store().size(ChatId(UUID(chat)))) != size:
            raise Differs(f"The chat {chat} has {there} of {size} messages in the store.")
    for (chat, message), counts in (await in_db_thread(_reaction_counts)).items():
        await _compare_reactions(ChatId(UUID(chat)), MessageId(message), counts)
    for chat, pins in (await in_db_thread(_pins_by_chat)).items():
        if await pin_store().pins(ChatId(UUID(chat))) != pins:
            raise Differs(f"The pins of {chat} are not what they were.")
    for chat in await in_db_thread(_read_chats):
        await _compare_positions(chat)
    await _compare_map()


async def _compare_map() -> None:
    """See that each message of Telegram leads to the same one, and back."""
    last: Any = None
    while chunk := await in_db_thread(rows.chunk_after, TelegramMessage, ALIAS, last):
        last = rows.key_of(chunk[-1])
        before = _mappings([row for row in chunk if isinstance(row, TelegramMessage)])
        there = await telegram_map().find([one.there for one in before])
        ways_back = await asyncio.gather(*[telegram_map().back(one.chat, [one.message]) for one in before])
        if set(there) != set(before) or {one for way in ways_back for one in way} != set(before):
            raise Differs(f"The messages of Telegram from {before[0].there.message} on are not what they were.")


async def _compare_one(row: HistoryMessage, earlier: Sequence[HistoryEdit]) -> None:
    chat, message = ChatId(UUID(row.channel_id)), MessageId(row.message_id)
    there = await store().get(chat, message)
    if there is None or _shown(there) != _shown(row):
        raise Differs(f"The message {row.message_id} of {row.channel_id} is not what it was.")
    texts = [Edit(one.version, one.content, one.edited_at) for one in earlier]
    if texts and await store().edits(chat, message) != texts:
        raise Differs(f"The earlier texts of {row.message_id} of {row.channel_id} are not what they were.")


def _shown(one: MessageState | HistoryMessage) -> list[Any]:
    """What readers get to see of a message, in one form for both."""
    lists = [_list(value) if isinstance(value, str) else list(value or ()) for value in (one.attachments, one.mentions)]
    origin = _decode_origin(one.origin) if isinstance(one.origin, str) else one.origin
    taken = _decode_forwarded(one.forwarded_from) if isinstance(one.forwarded_from, str) else one.forwarded_from
    poll = _decode_poll(one.poll) if isinstance(one.poll, str) else one.poll
    return [
        one.message_id, one.version, one.content, one.sender_id, one.html or None, one.message_type, one.reply_to_id,
        one.thread_id, lists[0], sorted(lists[1]), origin, taken, bool(one.important), poll, one.expires_at or None,
        one.pos, one.created_at, one.edited_at, one.deleted_by, one.deleted_at, one.delete_reason or None,
    ]  # fmt: skip


def _sizes() -> dict[str, int]:
    """How many messages each chat has."""
    visible = HistoryMessage.objects.using(ALIAS).filter(message_type__isnull=False)
    return dict(visible.values_list("channel_id").annotate(size=Count("message_id")).order_by())


def _reaction_counts() -> dict[tuple[str, int], dict[str, int]]:
    """How often each message was given which emoji."""
    found: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    active = HistoryReaction.objects.using(ALIAS).filter(active=True)
    grouped = active.values_list("channel_id", "message_id", "emoji").annotate(given=Count("user_id")).order_by()
    for chat, message, emoji, given in grouped:
        found[chat, message][emoji] = given
    return found


async def _compare_reactions(chat: ChatId, message: MessageId, before: dict[str, int]) -> None:
    there = (await reaction_store().counts(chat, [message])).get(message, {})
    if {emoji: tally.given for emoji, tally in there.items()} != before:
        raise Differs(f"The reactions of {message} of {chat} are not what they were.")


def _pins_by_chat() -> dict[str, list[Pin]]:
    """The pins of each chat, the latest first."""
    found: dict[str, list[Pin]] = defaultdict(list)
    for row in HistoryPin.objects.using(ALIAS).filter(pinned=True).order_by("-version"):
        found[row.channel_id].append(Pin(row.message_id, True, row.pinned_by, row.version))
    return found


def _read_chats() -> list[str]:
    return list(ReadPosition.objects.using(ALIAS).values_list("channel_id", flat=True).order_by().distinct())


async def _compare_positions(chat: str) -> None:
    before = await in_db_thread(_positions_of, chat)
    there = await read_store().positions(ChatId(UUID(chat)))
    after = {str(one.user): (one.message_id, one.pos, one.read_at, one.version) for one in there}
    if before != after:
        raise Differs(f"The read positions of {chat} are not what they were.")


def _positions_of(chat: str) -> dict[str, tuple[int, int, str, int]]:
    columns = ("user_id", "last_read_message_id", "last_read_pos", "read_at", "version")
    found = ReadPosition.objects.using(ALIAS).filter(channel_id=chat).values_list(*columns)
    return {user: (message, pos, read_at, version) for user, message, pos, read_at, version in found}
