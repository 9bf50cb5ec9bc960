"""The contract of SqlLog: what only a log in a database can do, over SQLite and PostgreSQL."""

import asyncio
import threading

import pytest
from django.db import transaction

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import GroupReader, sql_reader
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import Record
from tests.contract.conftest import fact

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def log(sql_log: SqlEventLog) -> SqlEventLog:
    """A log of each kind."""
    return sql_log


async def read_all(reader: GroupReader) -> list[Record]:
    """Everything a group has not read yet."""
    records: list[Record] = []
    while found := await reader.poll(limit=7, wait=0):
        records += found
    return records


async def test_a_taken_unique_key_answers_with_the_first_and_adds_nothing(log: SqlEventLog) -> None:
    first, same_batch, other = await asyncio.gather(
        log.append(fact(unique_key="u", value=b"1")), log.append(fact(unique_key="u", value=b"2")), log.append(fact())
    )
    later = await log.append(fact(unique_key="u", value=b"3"))
    assert first.first is None
    assert same_batch.first is not None
    assert later.first is not None
    assert same_batch.first.value == later.first.value == b"1"
    assert (same_batch.pos, later.pos) == (first.pos, first.pos)
    assert other.offset == 2
    found = await log.find("u")
    assert found is not None
    assert found.pos == first.pos
    assert await log.find("v") is None
    assert [record.offset for record in await read_all(await log.read("readers"))] == [1, 2]


async def test_what_is_sent_again_leaves_no_gap_in_its_batch(log: SqlEventLog) -> None:
    await log.append(fact(unique_key="u"))
    batch = [
        fact(value=b"2"),
        fact(unique_key="u"),
        fact(unique_key="v", value=b"3"),
        fact(unique_key="v"),
        fact(value=b"4"),
    ]
    places = await asyncio.gather(*[log.append(record) for record in batch])
    assert [place.offset for place in places] == [2, 1, 3, 3, 4]
    assert [place.first is None for place in places] == [True, False, True, False, True]
    found = await read_all(await log.read("g"))
    assert [(record.offset, record.value) for record in found[1:]] == [(2, b"2"), (3, b"3"), (4, b"4")]


async def test_append_in_stands_or_falls_with_its_transaction(log: SqlEventLog) -> None:
    def in_transaction(fail: bool) -> None:
        with transaction.atomic(using=log.alias):
            log.append_in([fact(value=b"one"), fact(value=b"two")])
            if fail:
                raise ValueError

    with pytest.raises(ValueError):
        await in_db_thread(in_transaction, True)
    assert set((await log.ends()).values()) == {0}
    await in_db_thread(in_transaction, False)
    assert [record.value for record in await read_all(await log.read("g"))] == [b"one", b"two"]
    with pytest.raises(RuntimeError):
        await in_db_thread(log.append_in, [fact()])


@pytest.mark.parametrize(("seconds", "found"), [(3_600, []), (0.1, [b"silent"])])
async def test_the_table_is_looked_at_without_news_now_and_then(
    log: SqlEventLog, seconds: float, found: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_reader, "LOOK_SECONDS", seconds)
    reader = await log.read("g")
    assert await reader.poll(limit=10, wait=0) == []
    with monkeypatch.context() as patch:  # A notice that is lost, or a process that gives none.
        patch.setattr(log, "_tell", lambda records: None)
        await log.append(fact(value=b"silent"))
        assert [record.value for record in await reader.poll(limit=10, wait=0.5)] == found
    await log.append(fact(value=b"told"))
    assert [record.value for record in await read_all(reader)][-1:] == [b"told"]


async def test_a_slow_transaction_holds_the_order_not_the_offsets(log: SqlEventLog) -> None:
    """What commits first has the lower offset, so no reader can pass a record that comes later."""
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic(using=log.alias):
            log.append_in([fact(value=b"slow")])
            inside.set()
            go_on.wait(20)

    reader = await log.read("g")
    slowly = asyncio.create_task(in_db_thread(slow))
    await asyncio.to_thread(inside.wait, 20)
    quick = log.append(fact(value=b"quick"))
    assert await reader.poll(limit=10, wait=0) == []
    go_on.set()
    await asyncio.gather(slowly, quick)
    assert [record.value for record in await read_all(reader)] == [b"slow", b"quick"]


async def test_many_keys_are_answered_like_one(log: SqlEventLog) -> None:
    keys = [f"k{n}" for n in range(300)]
    await asyncio.gather(*[log.append(fact(key, value=key.encode())) for key in keys])
    floors, found = await log.newest_of(keys, limit=1)
    assert [record.value.decode() for records in found.values() for record in records] == keys
    assert (floors, await log.newest_of([], limit=1)) == (await log.floors(), (floors, {}))


async def test_trimming_stops_at_the_slowest_group(log: SqlEventLog) -> None:
    await asyncio.gather(*[log.append(fact()) for _ in range(10)])
    slow, quick = await log.read("slow"), await log.read("quick")
    partition = log.partition_of("k")
    slow.finished(partition, 4)
    quick.finished(partition, 9)
    await asyncio.gather(slow.commit(), quick.commit())
    far = 4_000_000_000_000
    off = await log.read("switched off by now")
    await off.commit()
    assert await log.trim(now_ms=0, below={}, groups=["slow", "quick"]) == 0
    assert await log.trim(now_ms=far, below={}, groups=["slow", "quick"]) == 4
    assert (await log.floors())[partition] == (1 << 40) + 4
    floors, found = await log.newest_of(["k", "another"], limit=99)
    assert (floors[partition], len(found["k"]), found["another"]) == ((1 << 40) + 4, 6, [])
    assert [record.offset for record in await log.newest(limit=99)] == list(range(5, 11))
    late = await log.read("late")
    assert [record.offset for record in await read_all(late)] == list(range(5, 11))


async def test_one_bad_record_costs_only_itself(log: SqlEventLog) -> None:
    good = [log.append(fact()) for _ in range(3)]
    broken = log.append(fact(value=object()))  # type: ignore[arg-type]
    more = [log.append(fact()) for _ in range(3)]
    assert len(await asyncio.gather(*good, *more)) == 6
    with pytest.raises(Exception, match="type"):
        await broken
    assert len(await log.newest(limit=99)) == 6
