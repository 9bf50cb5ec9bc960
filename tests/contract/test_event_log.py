"""The contract of EventLog, over each of its twins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.kernel.eventlog import Appended, EventLog, GroupReader
from chatsite.kernel.eventlog.kafka import KafkaEventLog
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import Record
from tests.contract.conftest import SQL_TWINS, fact, make_sql_log
from tests.contract.kafka import KafkaTopic
from tests.servers import address
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


PARTITIONS = 4
MORE_THAN_WAIT = 30_000  # records in one turn of the loop: any log lets some 10,000 wait, and takes as many meanwhile


@pytest.fixture(params=[*SQL_TWINS, "kafka"])
async def log(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[EventLog]:
    """A log of each kind."""
    async with AsyncExitStack() as stack:
        if request.param == "kafka":
            topic = await stack.enter_async_context(KafkaTopic(address("kafka"), partitions=PARTITIONS))
            made: EventLog = topic.log()
        else:
            made = make_sql_log(request.param)
        await made.open()
        yield made
        await made.close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def another(log: EventLog, request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    """The same log as another process has it."""
    match log:
        case SqlEventLog():
            if not log.shared:
                reason = "SQLite is read by one process: the folder lock"
                request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
            made: EventLog = SqlEventLog(log.alias, keep_seconds=60, partitions=log.partitions)
        case KafkaEventLog():
            made = KafkaTopic.again(log)
    await made.open()
    yield made
    await made.close()


async def read(reader: GroupReader, count: int) -> list[Record]:
    """So many records that a group has not read yet; fails when they do not come."""
    records: list[Record] = []
    async with in_time(f"{count} records"):
        while len(records) < count:
            records += await reader.poll(limit=7, wait=1)
    return records


def of(records: list[Record], key: str) -> list[bytes]:
    """What the records of a key say, in the order read."""
    return [record.value for record in records if record.key == key]


async def test_order_is_the_order_of_the_calls(log: EventLog) -> None:
    places = await asyncio.gather(*[log.append(fact(f"k{n % 5}", value=b"%d" % n)) for n in range(100)])
    records = await read(await log.read("readers"), 100)
    for key in range(5):
        mine = [place for n, place in enumerate(places) if n % 5 == key]
        assert [place.pos for place in mine] == sorted({place.pos for place in mine})
        assert of(records, f"k{key}") == [b"%d" % n for n in range(100) if n % 5 == key]
    assert {record.pos for record in records} == {place.pos for place in places}
    assert all(record.partition == log.partition_of(record.key) for record in records)
    assert all(place.pos >= 1 << 40 for place in places)


async def test_what_there_is_no_room_for_is_refused_by_its_future(log: EventLog) -> None:
    records = [fact(f"k{n % 5}", value=b"%d" % n) for n in range(MORE_THAN_WAIT)]
    answers = await asyncio.gather(*[log.append(record) for record in records], return_exceptions=True)
    kinds = {type(answer).__name__ for answer in answers}
    assert kinds == {"Appended", "Unavailable"}
    kept = [place.pos for place in answers[::5] if isinstance(place, Appended)]
    assert kept == sorted(set(kept))


async def test_a_group_resumes_where_it_had_finished(log: EventLog) -> None:
    await asyncio.gather(*[log.append(fact(value=b"%d" % n)) for n in range(20)])
    one = await log.read("one")
    records = await read(one, 20)
    one.finished(records[11].partition, records[11].offset)
    await one.commit()
    await one.close()
    assert of(await read(await log.read("one"), 8), "k") == [b"%d" % n for n in range(12, 20)]
    assert len(await read(await log.read("two"), 20)) == 20


async def test_closing_keeps_what_is_finished(log: EventLog) -> None:
    await asyncio.gather(*[log.append(fact(value=b"%d" % n)) for n in range(4)])
    reader = await log.read("g")
    records = await read(reader, 4)
    reader.finished(records[2].partition, records[2].offset)
    await reader.close()
    assert of(await read(await log.read("g"), 1), "k") == [b"3"]


async def test_what_is_finished_never_goes_back(log: EventLog) -> None:
    await asyncio.gather(*[log.append(fact(value=b"%d" % n)) for n in range(4)])
    reader = await log.read("g")
    records = await read(reader, 4)
    for record in (records[2], records[0]):
        reader.finished(record.partition, record.offset)
        await reader.commit()
    await reader.close()
    assert of(await read(await log.read("g"), 1), "k") == [b"3"]


async def test_progress_is_what_this_process_finished(log: EventLog) -> None:
    place = await log.append(fact())
    partition = log.partition_of("k")
    assert (await log.progress("g")).get(partition, 0) < place.pos
    reader = await log.read("g")
    (record,) = await read(reader, 1)
    assert (await log.progress("g")).get(partition, 0) < place.pos
    reader.finished(partition, record.offset)
    assert (await log.progress("g"))[partition] == place.pos
    await reader.close()
    async with in_time("others know"):
        while (await log.progress("g")).get(partition, 0) < place.pos:
            pass
    assert (await log.ends())[partition] == place.pos
    assert (await log.progress("h")).get(partition, 0) < place.pos


async def test_what_a_group_has_not_finished_is_counted(log: EventLog) -> None:
    await asyncio.gather(*[log.append(fact(f"k{n % 3}")) for n in range(7)])
    assert await log.behind("g") == 7
    reader = await log.read("g")
    assert await log.behind("g") == 7
    for done, record in enumerate(await read(reader, 7), start=1):
        reader.finished(record.partition, record.offset)
        assert await log.behind("g") == 7 - done
    assert await log.behind("g") == 0
    await log.append(fact())
    assert await log.behind("g") == 1


async def test_a_waiting_reader_is_woken_by_an_append(log: EventLog) -> None:
    reader = await log.read("g")
    waiting = asyncio.create_task(read(reader, 1))
    await log.append(fact())
    assert len(await waiting) == 1


async def test_a_keys_records_by_pos(log: EventLog) -> None:
    places = [await log.append(fact(f"k{n % 2}", value=b"%d" % n)) for n in range(10)]
    after = await log.key_records("k1", after=places[3].pos, limit=2)
    assert [record.value for record in after] == [b"5", b"7"]
    assert await log.key_records("k1", after=places[9].pos, limit=2) == []
    newest = [record for record in await log.newest(limit=9) if record.partition == log.partition_of("k1")]
    assert newest[-1].value == b"9"


async def test_a_rewound_group_starts_at_the_floor(log: EventLog) -> None:
    await log.append(fact())
    reader = await log.read("g")
    (record,) = await read(reader, 1)
    reader.finished(record.partition, record.offset)
    await reader.close()
    await log.rewind("g")
    assert len(await read(await log.read("g"), 1)) == 1


async def test_two_readers_share_a_group(log: EventLog, another: EventLog) -> None:
    """Everything reaches one of them; what one leaves, the other takes up from where it was finished."""
    keys = [f"k{n}" for n in range(16)]
    assert len(await log.ends()) == PARTITIONS  # One partition has one reader: waiting for two would be in vain.
    one, two = await log.read("g"), await another.read("g")
    await shared(one, two)
    assert one.partitions.isdisjoint(two.partitions)
    await asyncio.gather(*[log.append(fact(key, value=key.encode())) for key in keys])
    mine, theirs = await asyncio.gather(one.poll(limit=99, wait=5), two.poll(limit=99, wait=5))
    while len(mine) + len(theirs) < 16:
        mine, theirs = mine + await one.poll(limit=99, wait=0.1), theirs + await two.poll(limit=99, wait=0.1)
    assert sorted(record.key for record in mine + theirs) == sorted(keys)
    for record in sorted(mine, key=lambda record: record.offset):
        one.finished(record.partition, record.offset)
    await one.close()
    again = await read(two, len(theirs) and 0)
    async with in_time("the other one has everything"):
        while len(two.partitions) < PARTITIONS:
            again += await two.poll(limit=99, wait=0.1)
    await another.append(fact("k0", value=b"later"))
    async with in_time("what comes later"):
        while not again:
            again += await two.poll(limit=99, wait=0.1)
    assert [record.value for record in again] == [b"later"]


async def shared(one: GroupReader, two: GroupReader) -> None:
    """Wait until two readers have something each, and everything together."""
    async with in_time("the partitions are shared"):
        while not (one.partitions and two.partitions and len(one.partitions | two.partitions) == PARTITIONS):
            await asyncio.gather(one.poll(limit=1, wait=0.1), two.poll(limit=1, wait=0.1))


async def test_the_identity_holds_over_reopening(log: EventLog) -> None:
    assert await log.open() == await log.open()
