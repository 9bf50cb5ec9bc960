"""The contract of EventLog, over each of its twins."""

import asyncio
import threading

import pytest
from django.db import transaction

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import GroupReader
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import Record
from tests.contract.conftest import fact

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


async def read_all(reader: GroupReader) -> list[Record]:
    """Everything a group has not read yet."""
    records: list[Record] = []
    while found := await reader.poll(limit=7, wait=0):
        records += found
    return records


async def test_order_is_the_order_of_the_calls_and_of_commit(log: SqlEventLog) -> None:
    places = await asyncio.gather(*[log.append(fact(f"k{n % 3}", value=b"%d" % n)) for n in range(100)])
    assert [place.offset for place in places] == list(range(1, 101))
    assert [place.pos for place in places] == [(1 << 40) + n for n in range(1, 101)]
    read = await read_all(await log.read("readers"))
    assert [record.value for record in read] == [b"%d" % n for n in range(100)]


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


async def test_groups_are_independent_and_resume_where_they_finished(log: SqlEventLog) -> None:
    await asyncio.gather(*[log.append(fact()) for _ in range(20)])
    one = await log.read("one")
    assert len(await read_all(one)) == 20
    await one.finish(0, 12)
    await one.close()
    assert [record.offset for record in await read_all(await log.read("one"))] == list(range(13, 21))
    assert len(await read_all(await log.read("two"))) == 20


async def test_progress_is_what_the_group_reached_or_kept(log: SqlEventLog) -> None:
    place = await log.append(fact())
    assert await log.progress("g") == 0
    reader = await log.read("g")
    assert await log.progress("g") == 0
    reader.reached(place.pos)
    assert await log.progress("g") == place.pos
    await reader.close()
    assert await log.progress("g") == 0
    await log.read("g")
    await reader.finish(0, place.offset)
    await reader.close()
    assert await log.progress("h") == 0


async def test_a_waiting_reader_is_woken_by_an_append(log: SqlEventLog) -> None:
    reader = await log.read("g")
    assert await reader.poll(limit=10, wait=0) == []
    waiting = asyncio.create_task(reader.poll(limit=10, wait=20))
    await log.append(fact(value=b"news"))
    assert [record.value for record in await waiting] == [b"news"]


async def test_a_record_of_another_process_is_found(log: SqlEventLog) -> None:
    await log.append(fact(value=b"mine"))
    reader = await log.read("g")
    await reader.poll(limit=10, wait=0)
    other = SqlEventLog(log.alias, keep_seconds=60)
    other._loop = None  # Another process tells this one nothing.
    waiting = asyncio.create_task(reader.poll(limit=10, wait=20))
    await other.append(fact(value=b"theirs"))
    assert [record.value for record in await waiting] == [b"theirs"]
    await log.append(fact(value=b"mine again"))
    assert [record.value for record in await reader.poll(limit=10, wait=20)] == [b"mine again"]


async def test_append_in_stands_or_falls_with_its_transaction(log: SqlEventLog) -> None:
    def in_transaction(fail: bool) -> None:
        with transaction.atomic(using=log.alias):
            log.append_in([fact(value=b"one"), fact(value=b"two")])
            if fail:
                raise ValueError

    with pytest.raises(ValueError):
        await in_db_thread(in_transaction, True)
    assert await log.end() == 0
    await in_db_thread(in_transaction, False)
    assert [record.value for record in await read_all(await log.read("g"))] == [b"one", b"two"]
    with pytest.raises(RuntimeError):
        await in_db_thread(log.append_in, [fact()])


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


async def test_a_keys_records_by_pos(log: SqlEventLog) -> None:
    places = [await log.append(fact(f"k{n % 2}", value=b"%d" % n)) for n in range(10)]
    after = await log.key_records("k1", after=places[3].pos, limit=2)
    assert [record.value for record in after] == [b"5", b"7"]
    newest = await log.newest_of(["k1", "none", "k0"], after=places[4].pos, limit=2)
    assert {key: [record.value for record in records] for key, records in newest.items()} == {
        "k1": [b"7", b"9"],
        "none": [],
        "k0": [b"6", b"8"],
    }
    assert [record.value for record in await log.newest(limit=3)] == [b"7", b"8", b"9"]


async def test_many_keys_are_answered_like_one(log: SqlEventLog) -> None:
    keys = [f"k{n}" for n in range(300)]
    await asyncio.gather(*[log.append(fact(key, value=key.encode())) for key in keys])
    found = await log.newest_of(keys, after=0, limit=1)
    assert [record.value.decode() for records in found.values() for record in records] == keys
    assert await log.newest_of([], after=0, limit=1) == {}


async def test_trimming_stops_at_the_slowest_group(log: SqlEventLog) -> None:
    await asyncio.gather(*[log.append(fact()) for _ in range(10)])
    slow, quick = await log.read("slow"), await log.read("quick")
    await slow.finish(0, 4)
    await quick.finish(0, 9)
    far = 4_000_000_000_000
    assert await log.trim(now_ms=0) == 0
    assert await log.trim(now_ms=far) == 4
    assert await log.floor() == (1 << 40) + 4
    assert [record.offset for record in await log.newest(limit=99)] == list(range(5, 11))
    late = await log.read("late")
    assert [record.offset for record in await read_all(late)] == list(range(5, 11))


async def test_a_rewound_group_starts_at_the_floor(log: SqlEventLog) -> None:
    await log.append(fact())
    reader = await log.read("g")
    await reader.finish(0, 1)
    await reader.close()
    await log.rewind("g")
    assert len(await read_all(await log.read("g"))) == 1


async def test_the_identity_holds_over_reopening(log: SqlEventLog) -> None:
    again = SqlEventLog(log.alias, keep_seconds=60)
    assert await again.open() == await log.open()


async def test_one_bad_record_costs_only_itself(log: SqlEventLog) -> None:
    good = [log.append(fact()) for _ in range(3)]
    broken = log.append(fact(value=object()))  # type: ignore[arg-type]
    more = [log.append(fact()) for _ in range(3)]
    assert len(await asyncio.gather(*good, *more)) == 6
    with pytest.raises(Exception, match="type"):
        await broken
    assert len(await log.newest(limit=99)) == 6
