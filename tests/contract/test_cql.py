"""The statements of the message store, its numbered files, and what happens when its servers are away."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connections

from chat.events import MessageSent
from chat.fold import Pin, Stamped
from chat.stores import NotMigrated, Reaction, Read
from chat.stores import scylla_schema as schema
from chat.stores import scylla_statements as statements
from chat.stores.scylla import ScyllaMessageStore
from chat.stores.scylla_pins import ScyllaPinStore
from chat.stores.scylla_reactions import ScyllaReactionStore
from chat.stores.scylla_reads import ScyllaReadStore
from chat.stores.scylla_session import IN_FLIGHT, Bound, Cql, Profile, Row, Statement
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.ids import BUCKET_MS, MAX_ID, ChatId, MessageId, UserId, bucket_of, id_at, make_id, unix_ms_of
from chatsite.management.commands import migrate_messages
from telegram_bridge.stores import Mapped, TelegramId
from telegram_bridge.stores import scylla_statements as telegram_statements
from telegram_bridge.stores.scylla_map import ScyllaTelegramMap
from tests.cql import complaints
from tests.keyspaces import empty_keyspace, keyspace, named
from tests.unit.events import MESSAGE, SENDER, deleted, edited, imported, sent

DAY_US = 86_400_000_000
OURS = {
    (module.__name__, name): value
    for module in (statements, telegram_statements)
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
NAMES = sorted(path.name for path in schema.FOLDER.glob("*.cql"))
FILES = [statement for path in schema.FOLDER.glob("*.cql") for statement in schema.statements_of(path.read_text())]
RUNNER = [schema.KEYSPACE, schema.APPLIED_TABLE, schema.NOTE_APPLIED, schema.APPLIED, schema.TABLES, schema.COLUMNS]


@pytest.mark.parametrize("text", [*(one.text for one in OURS.values()), *FILES, *RUNNER])
def test_every_statement_is_in_the_common_part(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO {keyspace}.messages (channel_id) VALUES (?) IF NOT EXISTS USING TIMESTAMP ?",
        "UPDATE {keyspace}.messages USING TIMESTAMP ? SET pos = ? WHERE channel_id = ? IF pos = 1",
        "UPDATE {keyspace}.messages USING TIMESTAMP ? SET html = null WHERE channel_id = ?",
        "INSERT INTO {keyspace}.messages (channel_id) VALUES (?)",
        "SELECT pos FROM {keyspace}.messages WHERE pos > ? ALLOW FILTERING",
        "CREATE INDEX by_pos ON messages (pos)",
        "CREATE MATERIALIZED VIEW by_pos AS SELECT * FROM messages",
        "CREATE TABLE t (a uuid PRIMARY KEY) WITH gc_grace_seconds = 864000",
        "CREATE TABLE IF NOT EXISTS t (a uuid PRIMARY KEY, n counter)"
        " WITH compaction = {'class': 'SizeTieredCompactionStrategy'} AND gc_grace_seconds = 864000",
        "CREATE TABLE IF NOT EXISTS t (a uuid PRIMARY KEY, b set<text>)"
        " WITH compaction = {'class': 'SizeTieredCompactionStrategy'} AND gc_grace_seconds = 864000",
        "CREATE TABLE IF NOT EXISTS t (a uuid PRIMARY KEY)"
        " WITH compaction = {'class': 'UnifiedCompactionStrategy'} AND gc_grace_seconds = 864000",
        "CREATE TABLE IF NOT EXISTS t (a uuid PRIMARY KEY)"
        " WITH compaction = {'class': 'SizeTieredCompactionStrategy'} AND gc_grace_seconds = 3600",
    ],
)
def test_what_is_not_in_it_is_named(text: str) -> None:
    assert complaints(text)


def test_every_table_that_is_made_is_used() -> None:
    used = " ".join(one.text for one in OURS.values())
    assert [name for name in _tables() if f"{{keyspace}}.{name} " not in used] == []


def _tables() -> list[str]:
    return [statement.split("(")[0].split()[-1] for statement in FILES if statement.startswith("CREATE TABLE")]


@pytest.fixture
def empty(worker_id: str) -> Iterator[Cql]:
    """A session whose keyspace is not there yet."""
    with empty_keyspace("empty", f"empty_{worker_id}_{os.getpid()}") as cql:
        yield cql


class _Noting(Cql):
    """A session that also notes what it is asked, when its writes are dated, and that they bind no null."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.moments: list[tuple[str, int]] = []
        self.asked: list[Statement] = []

    async def rows(self, statement: Statement, *values: Any) -> list[Row]:
        self.asked.append(statement)
        self._note(statement, values)
        return await super().rows(statement, *values)

    async def write_together(self, bound: Sequence[Bound]) -> None:
        for statement, values in bound:
            self._note(statement, values)
        await super().write_together(bound)

    def _note(self, statement: Statement, values: Sequence[Any]) -> None:
        if statement.profile is Profile.WRITE:
            assert None not in values
            self.moments.append((statement.text, values[-1 if "VALUES" in statement.text else 0]))


@pytest.fixture
async def noting(empty: Cql, monkeypatch: pytest.MonkeyPatch) -> _Noting:
    """A session over a keyspace with its tables, which stores of its alias use."""
    await sync_to_async(lambda: list(schema.migrate(empty)))()
    noting = _Noting(empty.alias)
    monkeypatch.setitem(Cql._sessions, noting.alias, noting)
    return noting


async def test_a_page_asks_at_most_three_times_a_bucket_and_equal_ones_share(noting: _Noting) -> None:
    store, chat = ScyllaMessageStore(noting.alias), ChatId(uuid4())
    ids = [make_id(bucket * BUCKET_MS, 1, n) for bucket in range(4) for n in range(3)]
    await store.add(chat, [sent(one) for one in ids])
    noting.asked.clear()
    assert len((await store.page(chat, limit=50)).messages) == len(ids)
    assert len(noting.asked) == 1 + 4
    noting.asked.clear()
    pages = await asyncio.gather(*(store.page(chat, limit=50) for _ in range(30)))
    assert {len(page.messages) for page in pages} == {len(ids)}
    assert len(noting.asked) == 1 + 4


async def test_a_read_sees_what_was_written_before_it_however_many_share(noting: _Noting) -> None:
    store, chat = ScyllaMessageStore(noting.alias), ChatId(uuid4())
    for number in range(1, 20):
        early = asyncio.ensure_future(store.page(chat, limit=50))
        await store.add(chat, [sent(make_id(0, 1, number))])
        assert len((await store.page(chat, limit=50)).messages) == number
        await early


async def test_what_was_deleted_is_in_no_cell(noting: _Noting) -> None:
    store, chat = ScyllaMessageStore(noting.alias), ChatId(uuid4())
    await store.add(chat, [sent()])
    for change in (edited(9_000, "second"), deleted(2_000), edited(10_000, "third")):
        await store.change(chat, [change])
    [row] = await noting.rows(statements.GET, chat, bucket_of(MESSAGE), MESSAGE)
    texts = [cell for cell in row if isinstance(cell, str)]
    assert not [text for text in texts if any(word in text for word in ("first", "second", "third"))]
    assert await noting.rows(statements.TEXTS, chat, MESSAGE, MAX_ID) == []


async def test_the_reactions_of_a_page_are_two_questions_a_bucket_however_many_they_are(noting: _Noting) -> None:
    reactions, chat, ada = ScyllaReactionStore(noting.alias), ChatId(uuid4()), UserId(UUID(SENDER))
    page = [MessageId(MESSAGE + n) for n in range(50)]
    for given in ([], [Reaction(one, emoji, ada, active=True, version=9) for one in page for emoji in "👍🎉"]):
        await reactions.set(chat, given)
        noting.asked.clear()
        assert len(await reactions.counts(chat, page, viewer=ada)) == len(given) // 2
        assert noting.asked == [statements.REACTION_COUNTS, statements.REACTIONS_OF_USER]


async def test_every_write_is_dated_no_later_than_a_day_from_now(noting: _Noting) -> None:
    messages, reads, chat = ScyllaMessageStore(noting.alias), ScyllaReadStore(noting.alias), ChatId(uuid4())
    now_ms = time.time_ns() // 1_000_000
    new = id_at(now_ms)
    fresh = MessageSent(
        message_id=str(new),
        room_id=str(chat),
        sender_id=SENDER,
        content="new",
        sent_at="2026-01-01T00:00:00.000Z",
        attachments=[],
        nonce="n",
    )
    await messages.add(chat, [sent(), imported(MessageId(MESSAGE + 1)), Stamped(fresh, now_ms * 1_000, (2 << 40) + 5)])
    await messages.add(chat, [sent()._replace(event=msgspec.structs.replace(fresh, nonce=None, thread_id="7"))])
    await messages.change(chat, [edited(1_000, "second"), deleted(2_000), edited(9_000, "too late")])
    await messages.change(chat, [edited(0, "as old as its message", MessageId(MESSAGE + 1))])
    await reads.advance([Read(chat, UserId(UUID(SENDER)), new, 5, fresh.sent_at, now_ms * 1_000)])
    reactions = ScyllaReactionStore(noting.alias)
    given = Reaction(new, "👍", UserId(UUID(SENDER)), active=True, version=now_ms * 1_000)
    await reactions.set(chat, [given, given._replace(emoji="🎉")])
    await reactions.set(chat, [given._replace(active=False, version=given.version + 1)])
    pins = ScyllaPinStore(noting.alias)
    await pins.set(chat, [Pin(new, True, SENDER, now_ms * 1_000), Pin(MESSAGE, False, SENDER, now_ms * 1_000)])
    await pins.erase(chat)
    telegram = ScyllaTelegramMap(noting.alias)
    await telegram.drop(await telegram.claim([Mapped(TelegramId(-5, 7), chat, new)]))
    await reactions.erase(chat)
    await reads.erase(chat)
    await messages.erase(chat)
    assert {text for text, _ in noting.moments} == {one.text for one in OURS.values() if one.profile is Profile.WRITE}
    assert all(type(moment) is int and moment < time.time_ns() // 1_000 + DAY_US for _, moment in noting.moments)
    edits = [moment for text, moment in noting.moments if text == statements.EDIT.text]
    assert edits == [unix_ms_of(MESSAGE) * 1_000 + after for after in (1_000, 1)]


async def test_a_claim_that_a_kill_cut_short_is_finished_by_the_next(noting: _Noting) -> None:
    telegram, chat = ScyllaTelegramMap(noting.alias), ChatId(uuid4())
    row = Mapped(TelegramId(-chat.int % 10**9, 7), chat, MessageId(MESSAGE))
    await telegram._map(row)
    assert await telegram.back(chat, [row.message]) == []
    assert await telegram.claim([row._replace(message=MessageId(5))]) == [row]
    assert (await telegram.back(chat, [row.message]), await telegram.back(chat, [MessageId(5)])) == ([row], [])
    another = row._replace(chat=ChatId(uuid4()))
    noting.moments.clear()
    assert (await telegram.claim([another]), noting.moments) == ([row], [])


# --- the numbered files


def test_files_are_applied_once_and_in_order(empty: Cql) -> None:
    assert [file.applied for file in schema.files(empty)] == [False] * len(NAMES)
    with pytest.raises(NotMigrated, match=r"manage\.py migrate_messages"):
        schema.require_applied(empty)
    assert list(schema.migrate(empty)) == NAMES
    assert list(schema.migrate(empty)) == []
    schema.require_applied(empty)
    replication = empty.define(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", empty.keyspace
    )[0][0]
    assert replication == {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "datacenter1": "1"}


def test_no_keyspace_is_made_with_more_copies_than_nodes(empty: Cql) -> None:
    empty.replication = {"datacenter1": 3}
    with pytest.raises(NotMigrated, match="SCYLLA_REPLICATION"):
        list(schema.migrate(empty))
    empty.replication = {"datacenter1": 1}
    assert list(schema.migrate(empty)) == NAMES


def test_a_file_that_changed_is_refused(empty: Cql, tmp_path: Path) -> None:
    file = tmp_path / "0001_one.cql"
    file.write_text(f"{schema.APPLIED_TABLE.replace('schema_files', 'one')};")
    assert list(schema.migrate(empty, tmp_path)) == ["0001_one.cql"]
    file.write_text(file.read_text() + "\n-- mended\n")
    with pytest.raises(NotMigrated, match=r"0001_one\.cql changed"):
        list(schema.migrate(empty, tmp_path))


def test_two_runs_at_once_end_with_the_same_tables(empty: Cql) -> None:
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(lambda: list(schema.migrate(empty))) for _ in range(2)]
        assert [run.exception() for run in runs] == [None, None]
    schema.require_applied(empty)


def test_a_run_that_was_killed_is_finished_by_the_next(empty: Cql) -> None:
    assert next(schema.migrate(empty))
    assert list(schema.migrate(empty)) == NAMES[1:]


def test_a_column_that_a_killed_run_added_is_not_added_again(empty: Cql) -> None:
    assert NAMES[-1] in list(schema.migrate(empty))
    empty.define("DELETE FROM schema_files WHERE name = %s", NAMES[-1])
    assert list(schema.migrate(empty)) == NAMES[-1:]


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
def test_the_command_says_what_it_would_do_does_it_and_says_what_is_done(
    empty: Cql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_messages, "store", lambda: ScyllaMessageStore(empty.alias))

    def said(*options: str) -> str:
        out = StringIO()
        call_command("migrate_messages", *options, stdout=out)
        return out.getvalue()

    assert said("--dry-run").count("CREATE TABLE IF NOT EXISTS") == len(_tables())
    assert said("--status").splitlines() == [f"missing  {name}" for name in NAMES]
    assert said().splitlines()[:-1] == [f"applied  {name}" for name in NAMES]
    assert said("--status").splitlines() == [f"applied  {name}" for name in NAMES]
    assert said("--dry-run").count("CREATE TABLE") == 0
    assert said().splitlines() == ["The tables of the message store are up to date."]


def test_a_shape_without_such_a_store_says_so() -> None:
    out = StringIO()
    call_command("migrate_messages", stdout=out)
    assert "manage.py migrate" in out.getvalue()


# --- away


@pytest.fixture
def nobody() -> Iterator[str]:
    """An alias where no server answers."""
    with named("nobody", keyspace="nobody", host="127.0.0.1", port=1) as cql:
        yield cql.alias


async def test_a_store_that_is_away_is_unavailable_and_no_reason_not_to_start(nobody: str) -> None:
    store = ScyllaMessageStore(nobody)
    await store.open()
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            await store.page(ChatId(uuid4()), limit=5)
        assert refused.value.code == "store_unavailable"
        assert "127.0.0.1" not in refused.value.detail
    await sync_to_async(connections.close_all)()


async def test_who_waits_for_a_store_that_hangs_keeps_no_thread_that_others_need() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        named("silent", keyspace="silent", host="127.0.0.1", port=silent.getsockname()[1]) as cql,
    ):
        store = ScyllaMessageStore(cql.alias)
        # More than the loop's own threads, however many processors there are.
        waiting = {asyncio.create_task(store.page(ChatId(uuid4()), limit=5)) for _ in range(IN_FLIGHT)}
        connected, _ = await asyncio.to_thread(silent.accept)
        other = asyncio.create_task(asyncio.to_thread(connected.getpeername))
        done, _ = await asyncio.wait({other, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {other}
        refused = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(one) for one in refused} == {Unavailable}
        connected.close()
    await sync_to_async(connections.close_all)()


async def test_too_few_replicas_are_unavailable_at_once(worker_id: str) -> None:
    with keyspace("sparse", f"sparse_{worker_id}_{os.getpid()}") as cql:
        more = "ALTER KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 3}}"
        cql.define(more.format(cql.keyspace))
        store, chat = ScyllaMessageStore(cql.alias), ChatId(uuid4())
        with pytest.raises(Unavailable):
            await store.add(chat, [sent()])
        with pytest.raises(Unavailable):
            await store.get(chat, MESSAGE)
        with pytest.raises(Unavailable):
            await store.page(chat, limit=5)  # One replica alone may lack what was acked.
    await sync_to_async(connections.close_all)()
