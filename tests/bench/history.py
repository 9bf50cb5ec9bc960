"""Writes 100,000 messages over 300 ten-day buckets, reads pages of them, prints what it took as JSON."""

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable
from itertools import islice
from statistics import median
from typing import Any

import msgspec
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from chat.commands import chats
from chat.events import MessageSent
from chat.fold import Stamped
from chat.stores import store
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import iso
from chatsite.kernel.ids import BUCKET_MS, ChatId, MessageId, bucket_of, make_id, unix_ms_of, version_of
from tests.bench.pages import PAGE, READS, RUNS, Pages
from tests.bench.rooms import access_token, people

MESSAGES = 100_000
BUCKETS = range(-150, 150)  # around 2024: half of the ids are negative
WORKER = 960  # of imports
BATCH = 1_000  # messages of one call
CONTENT = "x" * 300


class _Statements:
    """Counts the statements of every connection that is opened from now on, whatever its thread."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        connection_created.connect(self._wrap)

    def _wrap(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        connection.execute_wrappers.append(self._note)

    def _note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.seen.append((sql, params))
        return execute(sql, params, many, context)

    def a_bucket(self) -> float:
        """The statements seen for each bucket of messages they read."""
        buckets = {params[1] for sql, params in self.seen if "FROM history_messages" in sql}
        return len(self.seen) / len(buckets)


def _ids() -> list[MessageId]:
    step = len(BUCKETS) * BUCKET_MS // MESSAGES
    return [make_id(BUCKETS.start * BUCKET_MS + n * step, WORKER, n % 4_096) for n in range(MESSAGES)]


async def _write(chat: ChatId, sender: str, ids: list[MessageId]) -> None:
    stamped = (
        Stamped(
            MessageSent(
                message_id=str(message),
                room_id=str(chat),
                sender_id=sender,
                content=CONTENT,
                sent_at=iso(unix_ms_of(message)),
                attachments=[],
                nonce=str(number),
            ),
            version_of(message),
            number,
        )
        for number, message in enumerate(ids, start=1)
    )
    while batch := list(islice(stamped, BATCH)):
        await store().add(chat, batch)


async def _require_page(chat: ChatId, before: int | None, expected: list[MessageId]) -> None:
    page = await store().page(chat, before=MessageId(before) if before is not None else None, limit=PAGE)
    if [one.message_id for one in page.messages] != expected or page.cursor is not None:
        raise RuntimeError(f"The page before {before} is not the {PAGE} messages before it.")


async def _measure_store(chat: ChatId, before: dict[str, int | None]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in before}
    for _ in range(READS):
        for name, bound in before.items():
            started = time.perf_counter()
            await store().page(chat, before=MessageId(bound) if bound is not None else None, limit=PAGE)
            taken[name].append(time.perf_counter() - started)
    return {name: median(times) * 1e3 for name, times in taken.items()}


def _measure_bare(chat: ChatId, ids: list[MessageId], before: dict[str, int | None]) -> dict[str, float]:
    """The rows of the same pages by the driver alone, whose bucket is known."""
    taken: dict[str, list[float]] = {name: [] for name in before}
    connection = sqlite3.connect(settings.DATA / "messages.sqlite3")
    for _ in range(READS):
        for name, bound in before.items():
            bound = bound if bound is not None else ids[-1] + 1
            started = time.perf_counter()
            rows = connection.execute(
                "SELECT * FROM history_messages WHERE channel_id = ? AND bucket = ? AND message_id < ?"
                " ORDER BY message_id DESC LIMIT ?",
                [str(chat), bucket_of(bound - 1), bound, PAGE + 1],
            ).fetchall()
            taken[name].append(time.perf_counter() - started)
            if len(rows) < PAGE:
                raise RuntimeError("The bare driver's page must lie in one bucket.")
    connection.close()
    return {name: median(times) * 1e3 for name, times in taken.items()}


async def _read(chat: ChatId, token: str, ids: list[MessageId]) -> Pages:
    # Each of the three in one bucket, so that they differ in their place alone.
    ends = {"newest": MESSAGES, "middle": MESSAGES // 2 + 2 * PAGE, "oldest": PAGE}
    across = {"over 2024": MESSAGES // 2 + PAGE // 2}  # half of it negative, in another bucket
    counting = _Statements()
    worst = 0.0
    for end in (ends | across).values():
        counting.seen.clear()
        await _require_page(chat, _bound(ids, end), ids[end - PAGE : end])
        worst = max(worst, counting.a_bucket())
    before = {name: _bound(ids, end) for name, end in ends.items()}
    store_ms = [await _measure_store(chat, before) for _ in range(RUNS)]
    bare_ms = [_measure_bare(chat, ids, before) for _ in range(RUNS)]
    return Pages(str(chat), token, before, store_ms, bare_ms, worst)


def _bound(ids: list[MessageId], end: int) -> int | None:
    return ids[end] if end < len(ids) else None


def main() -> None:
    """Make a chat, fill it and read it."""
    reader = people(1)[0]
    with clock.leased():
        chat = ChatId(chats.create(creator=reader, name="History", people=[])[0].id)
    token, ids = access_token(reader), _ids()

    async def work() -> Pages:
        await _write(chat, str(reader.id), ids)
        pages = await _read(chat, token, ids)
        await log().close()
        return pages

    sys.stdout.write(msgspec.json.encode(asyncio.run(work())).decode())


if __name__ == "__main__":
    main()
