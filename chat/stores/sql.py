"""The message store in an SQL database, written beside the event log's commits."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import msgspec
from django.db.backends.utils import CursorWrapper

from chat.events import Forwarded, MessageDeleted, MessageEdited, MessageSent, Origin, Poll, digest_of
from chat.fold import MessageState, Stamped, apply
from chat.inboxes import Unread
from chat.stores import PAGE_BUCKETS, PAGE_SECONDS, Edit, Nonce, StorePage, written_up_to
from chatsite.kernel.database import Writer, in_read_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.eventlog import log
from chatsite.kernel.ids import BUCKET_MS, MAX_ID, ChatId, MessageId, UserId, bucket_of, make_id
from chatsite.kernel.nonces import nonce_key
from chatsite.kernel.servers import Description, describe_database

P = ParamSpec("P")
R = TypeVar("R")
_COLUMNS = (
    "channel_id, message_id, version, content, sender_id, html, message_type, reply_to_id, thread_id, attachments,"
    " mentions, origin, forwarded_from, important, poll, expires_at, nonce, pos, created_at, edited_at, deleted_by,"
    " deleted_at, delete_reason"
)
# What a message brings and its changes never touch. An early edit or delete left
# these null, so the first value stands whichever came first.
_SENT_ONLY = (
    "sender_id",
    "message_type",
    "reply_to_id",
    "thread_id",
    "origin",
    "forwarded_from",
    "important",
    "expires_at",
    "nonce",
    "created_at",
)
_FILL = ", ".join(f"{name} = COALESCE(history_messages.{name}, excluded.{name})" for name in _SENT_ONLY)
_MARKS = ", ".join(["%s"] * 24)
_NEWEST = (
    "CASE WHEN excluded.version > history_messages.version THEN excluded.version ELSE history_messages.version END"
)
_ADD = f"""INSERT INTO history_messages (bucket, {_COLUMNS}) VALUES ({_MARKS})
ON CONFLICT (channel_id, bucket, message_id) DO UPDATE SET {_FILL},
 attachments = CASE WHEN history_messages.deleted_at IS NULL
   THEN COALESCE(history_messages.attachments, excluded.attachments) ELSE '[]' END,
 poll = CASE WHEN history_messages.deleted_at IS NULL THEN COALESCE(history_messages.poll, excluded.poll) END,
 pos = CASE WHEN excluded.pos > history_messages.pos THEN history_messages.pos ELSE excluded.pos END,
 version = {_NEWEST}"""  # noqa: S608 - column names of our own
_EDIT_IS_NEW = "history_messages.deleted_at IS NULL AND excluded.version > history_messages.version"
_EDITED = ("content", "html", "mentions", "edited_at")
_EDIT = f"""INSERT INTO history_messages (bucket, {_COLUMNS}) VALUES ({_MARKS})
ON CONFLICT (channel_id, bucket, message_id) DO UPDATE SET
 {", ".join(f"{n} = CASE WHEN {_EDIT_IS_NEW} THEN excluded.{n} ELSE history_messages.{n} END" for n in _EDITED)},
 version = {_NEWEST}"""  # noqa: S608
_DELETED = ("deleted_by", "deleted_at", "delete_reason")
_DELETE_WINS = (
    "(excluded.deleted_at, excluded.deleted_by, COALESCE(excluded.delete_reason, ''))"
    " > (COALESCE(history_messages.deleted_at, ''), COALESCE(history_messages.deleted_by, ''),"
    " COALESCE(history_messages.delete_reason, ''))"
)
_DELETE = f"""INSERT INTO history_messages (bucket, {_COLUMNS}) VALUES ({_MARKS})
ON CONFLICT (channel_id, bucket, message_id) DO UPDATE SET
 {", ".join(f"{n} = CASE WHEN {_DELETE_WINS} THEN excluded.{n} ELSE history_messages.{n} END" for n in _DELETED)},
 content = '', html = NULL, attachments = '[]', mentions = '[]', poll = NULL,
 edited_at = NULL, version = {_NEWEST}"""  # noqa: S608
# The text that an edit replaces; and an edit's own where a newer one overtook it. A deleted message keeps none.
_KEEP_TEXT = """INSERT INTO message_edits (channel_id, message_id, version, content, edited_at)
SELECT channel_id, message_id, version, content, COALESCE(edited_at, created_at) FROM history_messages
WHERE channel_id = %s AND bucket = %s AND message_id = %s AND message_type IS NOT NULL AND deleted_at IS NULL
AND version < %s ON CONFLICT DO NOTHING"""
_KEEP_OVERTAKEN = """INSERT INTO message_edits (channel_id, message_id, version, content, edited_at)
SELECT channel_id, message_id, %s, %s, %s FROM history_messages
WHERE channel_id = %s AND bucket = %s AND message_id = %s AND deleted_at IS NULL AND version > %s
ON CONFLICT DO NOTHING"""
_DROP_TEXTS = "DELETE FROM message_edits WHERE channel_id = %s AND message_id = %s"
_UNREAD = """SELECT * FROM (SELECT channel_id, message_id, pos, mentions FROM history_messages
WHERE channel_id = %s AND pos > %s AND sender_id <> %s AND deleted_at IS NULL AND thread_id IS NULL
AND message_type IN ({types}) ORDER BY pos DESC LIMIT {limit}) AS one"""
_THREAD = f"""SELECT {_COLUMNS} FROM history_messages
WHERE channel_id = %s AND thread_id = %s AND message_type IS NOT NULL AND message_id"""  # noqa: S608
_THREAD_DOWN = f"{_THREAD} < %s ORDER BY message_id DESC LIMIT %s"
_THREAD_UP = f"{_THREAD} > %s ORDER BY message_id LIMIT %s"
_KEYS = {
    "history_messages": "channel_id, bucket, message_id",
    "message_edits": "channel_id, message_id, version",
    "history_buckets": "channel_id, bucket",
}
ERASE_CHUNK = 2_000  # rows deleted in one commit, some 20 ms
_BUCKET = "INSERT INTO history_buckets (channel_id, bucket) VALUES (%s, %s) ON CONFLICT DO NOTHING"

_encode = msgspec.json.encode
_list = msgspec.json.Decoder(tuple[str, ...]).decode
_origin = msgspec.json.Decoder(Origin).decode
_forwarded = msgspec.json.Decoder(Forwarded).decode
_poll = msgspec.json.Decoder(Poll).decode


class SqlMessageStore:
    """MessageStore over the tables of `chat.models.history`."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._writer = Writer.of(alias)

    async def open(self) -> None:
        pass  # Its tables come with Django's migrations, which `serve` looks at.

    async def add(self, chat: ChatId, sent: Sequence[Stamped]) -> None:
        await self._write(self._add_many, sent)

    async def change(self, chat: ChatId, changed: Sequence[Stamped]) -> None:
        await self._write(self._change_many, changed)

    async def get(self, chat: ChatId, message: MessageId) -> MessageState | None:
        return await self._read(self._get, str(chat), message)

    async def page(
        self, chat: ChatId, *, before: MessageId | None = None, after: MessageId | None = None, limit: int
    ) -> StorePage:
        if after is not None:
            return await self._read(self._after, str(chat), after, limit)
        return await self._read(self._before, str(chat), before if before is not None else MAX_ID, limit)

    async def thread(
        self,
        chat: ChatId,
        root: MessageId,
        *,
        before: MessageId | None = None,
        after: MessageId | None = None,
        limit: int,
    ) -> StorePage:
        if after is not None:
            return await self._read(self._thread, _THREAD_UP, str(chat), root, after, limit)
        bound = before if before is not None else MessageId(MAX_ID)
        newest = await self._read(self._thread, _THREAD_DOWN, str(chat), root, bound, limit)
        return newest._replace(messages=newest.messages[::-1])

    async def edits(self, chat: ChatId, message: MessageId) -> list[Edit]:
        return await self._read(self._edits, str(chat), message)

    async def find_nonce(self, chat: ChatId, sender: UserId, nonce: str) -> Nonce | None:
        # The log's unique index has it for longer than 24 hours; a table of our own would say it twice.
        record = await log().find(nonce_key(chat, sender, nonce))
        if record is None or not isinstance(event := record.fact.payload, MessageSent):
            return None
        return Nonce(MessageId(int(event.message_id)), digest_of(event))

    async def unread(
        self, viewer: UserId, above: Mapping[ChatId, int], *, types: Sequence[str], limit: int
    ) -> dict[ChatId, list[Unread]]:
        return await self._read(self._unread, str(viewer), above, types, limit) if above else {}

    async def size(self, chat: ChatId) -> int:
        return await self._read(self._size, str(chat))

    async def erase(self, chat: ChatId) -> dict[str, int]:
        counts = {}
        for table in _KEYS:
            gone = 0
            while more := await self._write(self._erase_many, (table, str(chat))):
                gone += more
            counts[table] = gone
        return counts

    async def applied(self, chat: ChatId) -> int:
        return await written_up_to(chat)

    async def describe(self) -> Description:
        return await in_read_thread(describe_database, self.alias)

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.close)

    async def _write(self, handler: Any, items: Any) -> Any:
        with unavailable_when_away():
            return await self._writer.submit(handler, items)

    async def _read(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with unavailable_when_away():
            return await in_read_thread(work, *args, **kwargs)

    # --- in the writer's transaction

    def _add_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[Stamped]]) -> list[None]:
        cursor.executemany(_ADD, [_row(apply(None, item)) for batch in batches for item in batch])
        return self._note_buckets(cursor, batches)

    def _change_many(self, cursor: CursorWrapper, batches: Sequence[Sequence[Stamped]]) -> list[None]:
        for item in chain.from_iterable(batches):
            match item.event:
                case MessageEdited():
                    self._edit(cursor, item.event, _row(apply(None, item)))
                case MessageDeleted():
                    cursor.execute(_DELETE, _row(apply(None, item)))
                    cursor.execute(_DROP_TEXTS, [item.event.room_id, int(item.event.message_id)])
        return self._note_buckets(cursor, batches)

    def _edit(self, cursor: CursorWrapper, event: MessageEdited, row: tuple[Any, ...]) -> None:
        message, version = int(event.message_id), row[3]
        where: list[Any] = [event.room_id, bucket_of(message), message]
        cursor.execute(_KEEP_TEXT, [*where, version])
        cursor.execute(_KEEP_OVERTAKEN, [version, event.content, event.edited_at, *where, version])
        cursor.execute(_EDIT, row)

    def _erase_many(self, cursor: CursorWrapper, items: Sequence[tuple[str, str]]) -> list[int]:
        gone = []
        for table, chat in items:
            key = _KEYS[table]
            cursor.execute(
                f"DELETE FROM {table} WHERE ({key}) IN"  # noqa: S608 - names of our own
                f" (SELECT {key} FROM {table} WHERE channel_id = %s LIMIT %s)",
                [chat, ERASE_CHUNK],
            )
            gone.append(cursor.rowcount)
        return gone

    def _note_buckets(self, cursor: CursorWrapper, batches: Sequence[Sequence[Stamped]]) -> list[None]:
        events = [item.event for batch in batches for item in batch]
        noted = {(event.room_id, bucket_of(int(event.message_id))) for event in events}
        cursor.executemany(_BUCKET, sorted(noted))
        return [None] * len(batches)

    # --- blocking reads

    def _get(self, chat: str, message: int) -> MessageState | None:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM history_messages"  # noqa: S608
                " WHERE channel_id = %s AND bucket = %s AND message_id = %s",
                [chat, bucket_of(message), message],
            )
            row = cursor.fetchone()
        return _state(row) if row else None

    def _edits(self, chat: str, message: int) -> list[Edit]:
        state = self._get(chat, message)
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                "SELECT version, content, edited_at FROM message_edits"
                " WHERE channel_id = %s AND message_id = %s AND version < %s ORDER BY version",
                [chat, message, state.version if state else 0],
            )
            return [Edit(*row) for row in cursor.fetchall()]

    def _size(self, chat: str) -> int:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM history_messages WHERE channel_id = %s AND message_type IS NOT NULL", [chat]
            )
            return int(cursor.fetchone()[0])

    def _unread(
        self, viewer: str, above: Mapping[ChatId, int], types: Sequence[str], limit: int
    ) -> dict[ChatId, list[Unread]]:
        one = _UNREAD.format(types=", ".join(["%s"] * len(types)), limit=int(limit))
        params: list[Any] = [value for chat, pos in above.items() for value in (str(chat), pos, viewer, *types)]
        found: dict[ChatId, list[Unread]] = {}
        with plain_cursor(self.alias) as cursor:
            cursor.execute(" UNION ALL ".join([one] * len(above)), params)
            for chat, message_id, pos, mentions in cursor.fetchall():
                named = _list(mentions) if mentions else ()
                unread = Unread(message_id, pos, viewer in named or "all" in named)
                found.setdefault(ChatId(UUID(chat)), []).append(unread)
        return {chat: sorted(unread, key=lambda one: one.pos) for chat, unread in found.items()}

    def _before(self, chat: str, before: int, limit: int) -> StorePage:
        found, more, stopped_at = self._walk(
            chat,
            limit,
            buckets="bucket <= %s ORDER BY bucket DESC",
            rows="message_id < %s AND message_type IS NOT NULL ORDER BY message_id DESC",
            start=bucket_of(before - 1),
            bound=before,
        )
        cursor = make_id(stopped_at * BUCKET_MS, 0, 0) if stopped_at is not None else None
        return StorePage(found[::-1], more, cursor)

    def _after(self, chat: str, after: int, limit: int) -> StorePage:
        found, more, stopped_at = self._walk(
            chat,
            limit,
            buckets="bucket >= %s ORDER BY bucket",
            rows="message_id > %s AND message_type IS NOT NULL ORDER BY message_id",
            start=bucket_of(after + 1),
            bound=after,
        )
        cursor = MessageId(make_id((stopped_at + 1) * BUCKET_MS, 0, 0) - 1) if stopped_at is not None else None
        return StorePage(found, more, cursor)

    def _thread(self, statement: str, chat: str, root: int, bound: int, limit: int) -> StorePage:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(statement, [chat, root, bound, limit + 1])
            found = [_state(row) for row in cursor.fetchall()]
        return StorePage(found[:limit], len(found) > limit, None)

    def _walk(
        self, chat: str, limit: int, *, buckets: str, rows: str, start: int, bound: int
    ) -> tuple[list[MessageState], bool, int | None]:
        """Messages bucket by bucket; whether there are more, and the bucket where the work limit struck."""
        deadline = time.monotonic() + PAGE_SECONDS
        found: list[MessageState] = []
        with plain_cursor(self.alias) as cursor:
            cursor.execute(
                f"SELECT bucket FROM history_buckets WHERE channel_id = %s AND {buckets} LIMIT %s",  # noqa: S608
                [chat, start, PAGE_BUCKETS + 1],
            )
            walk = [bucket for (bucket,) in cursor.fetchall()]
            for number, bucket in enumerate(walk[:PAGE_BUCKETS], start=1):
                cursor.execute(
                    f"SELECT {_COLUMNS} FROM history_messages"  # noqa: S608
                    f" WHERE channel_id = %s AND bucket = %s AND {rows} LIMIT %s",
                    [chat, bucket, bound, limit + 1 - len(found)],
                )
                found += [_state(row) for row in cursor.fetchall()]
                if len(found) > limit:
                    return found[:limit], True, None
                if number < len(walk) and (number == PAGE_BUCKETS or time.monotonic() > deadline):
                    return found, True, bucket
        return found, False, None


def _row(state: MessageState) -> tuple[Any, ...]:
    early = state.message_type is None
    return (
        bucket_of(state.message_id),
        state.chat_id,
        state.message_id,
        state.version,
        state.content,
        state.sender_id,
        state.html,
        state.message_type,
        state.reply_to_id,
        state.thread_id,
        None if early and not state.is_deleted else _encode(state.attachments).decode(),
        _encode(state.mentions).decode(),
        _encode(state.origin).decode() if state.origin else None,
        _encode(state.forwarded_from).decode() if state.forwarded_from else None,
        state.important or None,
        _encode(state.poll).decode() if state.poll else None,
        state.expires_at,
        state.nonce,
        state.pos,
        state.created_at,
        state.edited_at,
        state.deleted_by,
        state.deleted_at,
        state.delete_reason,
    )


def _state(row: Sequence[Any]) -> MessageState:
    (
        chat_id, message_id, version, content, sender_id, html, message_type, reply_to_id, thread_id, attachments,
        mentions, origin, forwarded_from, important, poll, expires_at, nonce, pos, created_at, edited_at, deleted_by,
        deleted_at, delete_reason,
    ) = row  # fmt: skip
    return MessageState(
        chat_id=chat_id,
        message_id=message_id,
        version=version,
        content=content,
        sender_id=sender_id,
        html=html,
        message_type=message_type,
        reply_to_id=reply_to_id,
        thread_id=thread_id,
        attachments=_list(attachments) if attachments else (),
        mentions=tuple(sorted(_list(mentions))) if mentions else (),
        origin=_origin(origin) if origin else None,
        forwarded_from=_forwarded(forwarded_from) if forwarded_from else None,
        important=bool(important),
        poll=_poll(poll) if poll else None,
        expires_at=expires_at,
        nonce=nonce,
        pos=pos,
        created_at=created_at,
        edited_at=edited_at,
        deleted_by=deleted_by,
        deleted_at=deleted_at,
        delete_reason=delete_reason,
    )
