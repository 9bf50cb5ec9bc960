"""What the SQL twins of MessageSearch share: the rows of `messages_search`.

A row says what is indexed of a message, and stays when it was deleted. Its place is the
message's id, so that rows in rising place are messages in the order of time. Two imports can
have given one id to messages of two chats: the later one takes the next free place.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from chat.indexes import Entry, Hit
from chat.search import Query
from chatsite.kernel.database import in_db_thread, plain_cursor, unavailable_when_away
from chatsite.kernel.ids import MAX_ID, ChatId

P = ParamSpec("P")
R = TypeVar("R")
CHUNK = 200  # entries of one transaction, some 10 ms: others wait for it where SQLite has one writer
ERASE_CHUNK = 1_000
_KNOWN = """SELECT place, chat_id, message_id, version, sender_id, is_gone FROM messages_search
WHERE (chat_id, message_id) IN (VALUES {marks})"""
CHATS = 500  # chats of one statement; who is in more asks several


class Row(NamedTuple):
    """What is indexed of a message."""

    place: int
    chat: str
    message_id: int
    version: int
    sender: str
    is_gone: bool


class Change(NamedTuple):
    """A row as it will be, its text (None: no longer), and whether the message had a row before."""

    row: Row
    text: str | None
    is_new: bool


class SqlSearch(ABC):
    """MessageSearch but for how words are kept and found."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    async def put(self, entries: Sequence[Entry]) -> list[Entry]:
        unknown: list[Entry] = []
        for chunk in _chunks(_newest(entries), CHUNK):
            unknown += await self._run(self._put, chunk)
        return unknown

    async def find(self, query: Query, chats: Sequence[ChatId], *, below: int = MAX_ID, limit: int) -> list[Hit]:
        below = min(below, query.high)
        found: list[Hit] = []
        if query.senders == frozenset():
            return found
        for chunk in _chunks(chats, CHATS):
            rows = await self._run(self._find, query, [str(chat) for chat in chunk], below, limit)
            found += [Hit(ChatId(UUID(chat)), message, place) for chat, message, place in rows]
        return sorted(found, key=lambda hit: hit.place, reverse=True)[:limit]

    async def size(self, chat: ChatId) -> int:
        return await self._run(self._size, str(chat))

    async def erase(self, chat: ChatId) -> int:
        gone = 0
        while more := await self._run(self._erase, str(chat)):
            gone += more
        return gone

    async def clear(self) -> None:
        while await self._run(self._erase, None):
            pass

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with unavailable_when_away():
            return await in_db_thread(work, *args, **kwargs)

    # --- in a database thread

    def _put(self, entries: Sequence[Entry]) -> list[Entry]:
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            known = self._known(cursor, entries)
            places = self._places(cursor, [one for one in entries if _key(one) not in known])
            unknown, changes = [], []
            for one in entries:
                old = known.get(_key(one))
                if old and (old.is_gone or (one.text is not None and one.version <= old.version)):
                    continue
                if one.sender is None and old is None and one.text is not None:
                    unknown.append(one)
                    continue
                sender = old.sender if old else str(one.sender or "")
                place = old.place if old else places[_key(one)]
                row = Row(place, str(one.chat), one.message_id, one.version, sender, one.text is None)
                changes.append(Change(row, one.text, old is None))
            self._write(cursor, changes)
            return unknown

    def _known(self, cursor: CursorWrapper, entries: Sequence[Entry]) -> dict[tuple[str, int], Row]:
        marks = ", ".join(["(%s, %s)"] * len(entries))
        cursor.execute(_KNOWN.format(marks=marks), [part for one in entries for part in _key(one)])
        return {(row[1], row[2]): Row(*row) for row in cursor.fetchall()}

    def _places(self, cursor: CursorWrapper, entries: Sequence[Entry]) -> dict[tuple[str, int], int]:
        """A place of its own for each new message: its id, or the next one that is free."""
        wanted = {_key(one): one.message_id for one in entries}
        found: dict[tuple[str, int], int] = {}
        while wanted:
            cursor.execute(
                f"SELECT place FROM messages_search WHERE place IN ({', '.join(['%s'] * len(wanted))})",  # noqa: S608
                list(wanted.values()),
            )
            taken = {place for (place,) in cursor.fetchall()} | set(found.values())
            for key, place in list(wanted.items()):
                if place in taken:
                    wanted[key] = place + 1
                else:
                    taken.add(place)
                    found[key] = wanted.pop(key)
        return found

    def _size(self, chat: str) -> int:
        with plain_cursor(self.alias) as cursor:
            cursor.execute("SELECT count(*) FROM messages_search WHERE chat_id = %s", [chat])
            return int(cursor.fetchone()[0])

    def _erase(self, chat: str | None) -> int:
        """Forget some rows of a chat, or of all; answers how many."""
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            of_chat, which = ("WHERE chat_id = %s ", [chat]) if chat is not None else ("", [])
            cursor.execute(f"SELECT place FROM messages_search {of_chat}LIMIT %s", [*which, ERASE_CHUNK])  # noqa: S608
            places = [place for (place,) in cursor.fetchall()]
            if places:
                self._forget(cursor, places)
            return len(places)

    @abstractmethod
    def _write(self, cursor: CursorWrapper, changes: Sequence[Change]) -> None:
        """Write rows and what is looked for in them."""

    @abstractmethod
    def _forget(self, cursor: CursorWrapper, places: Sequence[int]) -> None:
        """Delete rows and what is looked for in them."""

    @abstractmethod
    def _find(self, query: Query, chats: Sequence[str], below: int, limit: int) -> list[tuple[str, int, int]]:
        """Chat, message and place of the newest matches below a place."""


def hex_of(some_id: str) -> str:
    """An id as one word."""
    return some_id.replace("-", "")


def _key(entry: Entry) -> tuple[str, int]:
    return str(entry.chat), entry.message_id


def _newest(entries: Sequence[Entry]) -> list[Entry]:
    """One entry a message: a delete, or the highest version; its sender is whoever one of them names."""
    kept: dict[tuple[str, int], Entry] = {}
    for one in entries:
        held = kept.get(_key(one))
        if held is None:
            kept[_key(one)] = one
            continue
        first, last = sorted((held, one), key=lambda entry: (entry.text is None, entry.version))
        kept[_key(one)] = last._replace(sender=last.sender or first.sender)
    return list(kept.values())


T = TypeVar("T")


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
