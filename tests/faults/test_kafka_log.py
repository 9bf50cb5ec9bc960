"""The event log while Kafka is away, and when it is back."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import GroupReader
from chatsite.kernel.eventlog.kafka import KafkaEventLog
from chatsite.kernel.eventlog.kafka.producer import DELIVERY_MS, LOOK_SECONDS, WAITING_SECONDS
from chatsite.kernel.events import Record
from tests.contract.kafka import KafkaTopic
from tests.faults.appends import Appends
from tests.servers.kafka import Kafka, KafkaCluster
from tests.world import in_time

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True, databases="__all__")]
LONGEST = WAITING_SECONDS + DELIVERY_MS / 1_000 + LOOK_SECONDS + 1  # seconds until an answer, on a busy machine
AWAY = 10.0  # seconds
REJOIN_SECONDS = 60.0  # who was given up waits for a session to end, sometimes for a second one


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A broker that a test may kill."""
    with Kafka() as node:
        yield node


async def read_to_the_end(log: KafkaEventLog, reader: GroupReader) -> list[Record]:
    """What a group that has finished nothing reads until the log ends."""
    left = {number: pos for number, pos in (await log.ends()).items() if pos}
    records: list[Record] = []
    async with in_time("the group reads on", seconds=REJOIN_SECONDS):
        while left:
            records += await reader.poll(limit=500, wait=1)
            for record in records[-500:]:
                if record.pos >= left.get(record.partition, record.pos + 1):
                    del left[record.partition]
    return records


@pytest.mark.parametrize("fault", ["frozen", "killed"])
async def test_kafka_is_away_for_ten_seconds(kafka: Kafka, transactional_db: None, fault: str) -> None:
    """Sends wait, then are refused oldest first, then at once; back again, all goes on as if nothing had been."""
    async with KafkaTopic(kafka.address, partitions=4) as topic:
        log = topic.log()
        await log.open()
        reader = await log.read("g")
        async with Appends(log) as appends:
            await appends.acks(100)
            gone = time.monotonic()
            kafka.pause() if fault == "frozen" else await asyncio.to_thread(kafka.kill)
            with pytest.raises(Unavailable):
                await log.newest(limit=1)  # It asks for the ends; floors are remembered for a moment.
            await appends.goes_on_for(AWAY - (time.monotonic() - gone))
            kafka.resume() if fault == "frozen" else await asyncio.to_thread(kafka.start)
            back = time.monotonic()
            await appends.acks(200)
            again = time.monotonic()
        refused = [one for one in appends.sent if not one.acked]
        assert refused
        assert {type(one.answer.exception()) for one in refused} == {Unavailable}
        assert max(one.seconds for one in appends.sent) < LONGEST
        late = [one for one in refused if one.at > gone + 1.5 * WAITING_SECONDS and one.at < back]
        assert sum(one.seconds < 0.1 for one in late) > 0.9 * len(late)  # The breaker lets one a second try.
        assert again - back < LONGEST
        waited = [one for one in refused if one.at < gone + WAITING_SECONDS / 2]  # before the breaker opened
        for key in {one.key for one in waited}:
            answered = [one.answered for one in waited if one.key == key]
            assert answered == sorted(answered)
        appends.require_kept(await read_to_the_end(log, reader))


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """Three brokers, of which the first leads the others and stays."""
    with KafkaCluster(3, voters=1) as nodes:
        yield nodes


async def test_one_of_three_brokers_may_die_and_two_give_retryable_errors(
    cluster: KafkaCluster, transactional_db: None
) -> None:
    _, second, third = cluster.nodes
    async with KafkaTopic(cluster.address, partitions=6, replication=3) as topic:
        log = topic.log()
        await log.open()
        reader = await log.read("g")
        async with Appends(log) as appends:
            await appends.acks(100)
            await asyncio.to_thread(second.kill)
            await appends.acks(500)
            assert all(one.acked for one in appends.sent if one.answered)
            two_gone = time.monotonic()
            await asyncio.to_thread(third.kill)
            await appends.goes_on_for(AWAY)
            refused = [one for one in appends.since(two_gone) if one.answered]
            assert {type(one.answer.exception()) for one in refused if not one.acked} == {Unavailable}
            await asyncio.to_thread(second.start)
            await appends.acks(500)
        appends.require_kept(await read_to_the_end(log, reader))
