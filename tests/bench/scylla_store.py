"""Writes messages and reads pages, by the store and by the driver alone; prints what it took as JSON."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import uuid4

from cassandra.query import BatchStatement, BatchType

from chat.events import MessageSent
from chat.fold import Stamped
from chat.stores import scylla_statements as statements
from chat.stores.scylla import ScyllaMessageStore
from chat.stores.scylla_session import IN_FLIGHT, UNSET, Cql, Profile, Statement
from chatsite.kernel import clock
from chatsite.kernel.events import iso
from chatsite.kernel.ids import MAX_ID, ChatId, MessageId, bucket_of, id_at, unix_ms_of, version_of
from tests.keyspaces import keyspace

RUNS, CHATS, EACH = 3, 200, 25
PAGE, READS = 50, 200
CONTENT = "x" * 200
SENDER = uuid4()


def _messages(chat: ChatId, count: int) -> list[Stamped]:
    first = id_at(clock.now_ms())
    return [_said(chat, MessageId(first + (n << 22)), n) for n in range(count)]


def _said(chat: ChatId, message: MessageId, number: int) -> Stamped:
    event = MessageSent(
        message_id=str(message),
        room_id=str(chat),
        sender_id=str(SENDER),
        content=CONTENT,
        sent_at=iso(unix_ms_of(message)),
        attachments=[],
        nonce=str(number),
    )
    return Stamped(event, version_of(message), number + 1)


async def _write(store: ScyllaMessageStore) -> float:
    """Messages a second by the store: one at a time of a chat, as the group applies them, many chats at once."""
    chats = {chat: _messages(chat, EACH) for chat in (ChatId(uuid4()) for _ in range(CHATS))}

    async def fill(chat: ChatId) -> None:
        for one in chats[chat]:
            await store.add(chat, [one])

    started = time.perf_counter()
    await asyncio.gather(*(fill(chat) for chat in chats))
    return CHATS * EACH / (time.perf_counter() - started)


class _Bare:
    """The driver alone with the same statements, and as many requests in flight."""

    def __init__(self, cql: Cql) -> None:
        self._session: Any = cql._open()
        self._cql = cql
        self._window = threading.Semaphore(IN_FLIGHT)
        self._errors: list[Exception] = []

    def write(self) -> float:
        """Messages a second."""
        prepared = {one: self._cql._prepare_now(one) for one in (statements.SENT, statements.PLACE, statements.NONCE)}
        requests = list(self._requests(prepared))
        started = time.perf_counter()
        for request in requests:
            self._window.acquire()
            self._session.execute_async(request, execution_profile=Profile.WRITE.value).add_callbacks(
                self._done, self._failed
            )
        for _ in range(IN_FLIGHT):
            self._window.acquire()
        taken = time.perf_counter() - started
        for _ in range(IN_FLIGHT):
            self._window.release()
        if self._errors:
            raise self._errors[0]
        return CHATS * EACH / taken

    def page(self, chat: ChatId, bucket: int) -> float:
        """Seconds of a page whose bucket is known."""
        query = self._cql._prepare_now(statements.OLDER).bind((chat, bucket, MAX_ID, PAGE + 1))
        started = time.perf_counter()
        if len(list(self._session.execute(query, execution_profile=Profile.READ.value))) <= PAGE:
            raise RuntimeError("The page is too short.")
        return time.perf_counter() - started

    def _requests(self, prepared: dict[Statement, Any]) -> Iterator[Any]:
        for chat in (ChatId(uuid4()) for _ in range(CHATS)):
            for number, said in enumerate(_messages(chat, EACH)):
                message = int(said.event.message_id)
                where, moment = (chat, bucket_of(message), message), version_of(message)
                unset = (UNSET,) * 5
                row = (*where, moment, CONTENT, SENDER, UNSET, "text", *unset, str(number), unix_ms_of(message), moment)
                batch = BatchStatement(BatchType.UNLOGGED)
                batch.add(prepared[statements.SENT].bind(row))
                batch.add(prepared[statements.PLACE].bind((moment - number - 1, number + 1, *where)))
                yield batch
                nonce = (chat, SENDER, str(number), message, b"0123456789abcdef", moment)
                yield prepared[statements.NONCE].bind(nonce)

    def _done(self, _: Any) -> None:
        self._window.release()

    def _failed(self, error: Exception) -> None:
        self._errors.append(error)
        self._window.release()


async def _page(store: ScyllaMessageStore, chat: ChatId) -> float:
    started = time.perf_counter()
    if len((await store.page(chat, limit=PAGE)).messages) != PAGE:
        raise RuntimeError("The page is too short.")
    return time.perf_counter() - started


async def _measure(cql: Cql) -> dict[str, Any]:
    store, bare = ScyllaMessageStore(cql.alias), _Bare(cql)
    await _write(store)  # Warm, both.
    bare.write()
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(await _write(store))
        theirs.append(await asyncio.to_thread(bare.write))
    chat = ChatId(uuid4())
    said = _messages(chat, 4 * PAGE)
    await store.add(chat, said)
    bucket = bucket_of(int(said[-1].event.message_id))
    pages, bare_pages = [], []
    for _ in range(RUNS):
        pages.append(median([await _page(store, chat) for _ in range(READS)]) * 1e3)
        bare_pages.append(median([bare.page(chat, bucket) for _ in range(READS)]) * 1e3)
    return {"ours": ours, "bare": theirs, "page_ms": pages, "bare_page_ms": bare_pages}


def main() -> None:
    """Make a keyspace, measure, drop it."""
    with keyspace("bench", f"bench_{os.getpid()}") as cql:
        sys.stdout.write(json.dumps(asyncio.run(_measure(cql))))


if __name__ == "__main__":
    main()
