"""What the event log promises beyond its contract where it is a Kafka topic."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from django.core.exceptions import ImproperlyConfigured

from chatsite.kernel.errors import Conflict, TooLarge, Unavailable
from chatsite.kernel.eventlog.kafka import KafkaEventLog, producer
from chatsite.kernel.eventlog.kafka.clients import client
from chatsite.kernel.eventlog.kafka.producer import DELIVERY_MS, Flight, Sender, producer_options
from chatsite.kernel.eventlog.kafka.reader import FULL, KafkaGroupReader, LostOffset
from chatsite.kernel.eventlog.kafka.records import partition_of
from chatsite.kernel.eventlog.kafka.topic import Found, Topic, TopicAdmin
from chatsite.kernel.events import Record, Unreadable
from tests.contract.conftest import fact
from tests.contract.kafka import PATIENCE, KafkaTopic, read_all, read_until
from tests.servers import address
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

NOWHERE = Topic("nowhere", "", 1, 1, 1 << 20)

# What Java's org.apache.kafka.common.utils.Utils.murmur2 answers, from its own tests.
JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
}


@pytest.fixture
async def topic(transactional_db: None) -> AsyncIterator[KafkaTopic]:
    """A topic of one partition."""
    async with KafkaTopic(address("kafka")) as made:
        yield made


@pytest.fixture
async def wide(transactional_db: None) -> AsyncIterator[KafkaTopic]:
    """A topic of seven."""
    async with KafkaTopic(address("kafka"), partitions=7) as made:
        yield made


async def opened(topic: KafkaTopic, **options: str) -> KafkaEventLog:
    """A log over a topic, as one more process has it."""
    log = topic.log(**options)
    await log.open()
    return log


async def test_a_key_is_where_a_java_producer_puts_it(wide: KafkaTopic) -> None:
    log = await opened(wide)
    for key, hashed in JAVA.items():
        for partitions in (1, 7, 64, 1_000):
            assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions
    keys = [*JAVA, *(str(number) for number in range(60))]
    await asyncio.gather(*[log.append(fact(key)) for key in keys])
    written = await wide.messages(count=len(keys))
    assert {message.key(): message.partition() for message in written} == {
        key.encode(): log.partition_of(key) for key in keys
    }


async def test_a_plain_consumer_sees_envelope_and_headers(topic: KafkaTopic) -> None:
    log = await opened(topic)
    value = b'{"occurredAt":"2026-01-01T00:00:00.000Z","region":"eu"}'
    record = fact("chat", value=value)
    await log.append(record)
    (message,) = await topic.messages(count=1)
    assert (message.key(), message.value()) == (b"chat", value)
    assert dict(message.headers() or []) == {
        "eventType": b"test.happened.v1",
        "eventId": record.event_id.encode(),
        "ce_specversion": b"1.0",
        "ce_id": record.event_id.encode(),
        "ce_type": b"test.happened.v1",
        "ce_source": b"/chatsite/eu",
        "ce_subject": b"chat",
        "ce_time": b"2026-01-01T00:00:00.000Z",
    }


async def test_the_calls_order_is_each_keys_order(wide: KafkaTopic) -> None:
    log = await opened(wide)
    places = await asyncio.gather(*[log.append(fact(f"k{n % 20}", value=b"%d" % n)) for n in range(2_000)])
    assert {place.pos for place in places} >= {1 << 40}
    records = await read_all(log, await log.read("g"))
    for key in {record.key for record in records}:
        numbers = [int(record.value) for record in records if record.key == key]
        assert numbers == list(range(int(key[1:]), 2_000, 20))
    assert len(records) == 2_000
    assert await log.ends() == {
        number: max((record.pos for record in records if record.partition == number), default=0) for number in range(7)
    }


async def test_what_is_kept_lies_below_the_lowest_unfinished_record(topic: KafkaTopic) -> None:
    log = await opened(topic)
    await asyncio.gather(*[log.append(fact()) for _ in range(10)])
    reader = await log.read("g")
    assert await log.progress("g") == {0: 0}
    await read_all(log, reader)
    reader.finished(0, 5)
    assert await log.progress("g") == {0: (1 << 40) + 5}
    await reader.close()
    again = await log.read("g")
    assert [record.offset for record in await read_all(log, again)] == list(range(6, 10))
    await again.close()
    # A plain client sees the next one to read, as Java's consumers write it.
    plain = Consumer({"bootstrap.servers": topic.servers, "group.id": f"{topic.prefix}g"})
    (place,) = await asyncio.to_thread(plain.committed, [TopicPartition(topic.name, 0)], PATIENCE)
    plain.close()
    assert place.offset == 6


async def test_a_killed_process_loses_nothing_it_had_not_kept(topic: KafkaTopic) -> None:
    log = await opened(topic)
    await asyncio.gather(*[log.append(fact()) for _ in range(10)])
    await (await log.read("g")).close()
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.kafka_worker", topic.servers, topic.name, f"{topic.prefix}g", "6",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with in_time("the worker dies"):
        said, _ = await worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    assert said.split() == [b"%d" % offset for offset in range(6)]
    assert [record.offset for record in await read_all(log, await log.read("g"))] == list(range(3, 10))


async def test_two_readers_share_the_partitions_and_lose_nothing(wide: KafkaTopic) -> None:
    log = await opened(wide)
    await asyncio.gather(*[log.append(fact(f"k{n}")) for n in range(100)])
    one = await log.read("g")
    for record in await read_all(log, one):
        one.finished(record.partition, record.offset)
    assert one.partitions == frozenset(range(7))
    two = await opened(wide)
    other = await two.read("g")
    async with in_time("the partitions are shared"):
        while not (other.partitions and one.partitions | other.partitions == frozenset(range(7))):
            assert await other.poll(limit=9, wait=0.1) == []  # What one had finished was kept as it left.
    assert not one.partitions & other.partitions
    await asyncio.gather(*[log.append(fact(f"k{n}", value=b"%d" % n)) for n in range(100)])
    first, second = list[Record](), list[Record]()
    async with in_time("both read everything"):
        while len(first) + len(second) < 100:
            first += await one.poll(limit=99, wait=0.1)
            second += await other.poll(limit=99, wait=0.1)
    assert {record.partition for record in first} == one.partitions
    assert {int(record.value) for record in first + second} == set(range(100))
    gone = next(iter(other.partitions))
    one.finished(gone, 10**6)
    assert gone not in one.finished_offsets
    await other.close()
    repeated = await read_until(one, lambda records: {int(one.value) for one in records} >= {
        int(record.value) for record in second
    })  # fmt: skip
    assert one.partitions == frozenset(range(7))
    assert {record.partition for record in repeated} == {record.partition for record in second}


async def test_a_group_that_works_slowly_stays_a_member_and_reads_on_later(wide: KafkaTopic) -> None:
    """What is read ahead has a bound; over it fetching pauses, but a rebalance does not wait for the group."""
    log = await opened(wide)
    await asyncio.gather(*[log.append(fact(f"k{n % 50}", value=b"%d" % n)) for n in range(6_000)])
    slow = await log.read("g")
    async with in_time("the group is full and another joins"):
        while not slow._paused:
            await slow.commit()
        other = await (await opened(wide)).read("g")
        first = await read_until(other, lambda records: bool(records))
    assert len(slow._records) <= FULL + 500
    assert not slow.partitions & other.partitions
    rest = [record for record in await log.newest(limit=6_000) if record.partition in slow.partitions]
    read = await read_until(slow, lambda records: len(records) >= len(rest))
    for number in slow.partitions:
        assert [one for one in read if one.partition == number] == [one for one in rest if one.partition == number]
    assert first[0].partition in other.partitions


async def test_a_lost_offset_is_an_error_that_tells_the_way_out(topic: KafkaTopic) -> None:
    log = await opened(topic)
    await log.append(fact())
    reader = await log.read("g")
    await read_all(log, reader)
    reader.finished(0, 0)
    with pytest.raises(Conflict):
        await log.rewind("g")
    await reader.close()
    admin, group = AdminClient({"bootstrap.servers": topic.servers}), f"{topic.prefix}g"
    await asyncio.wrap_future(admin.delete_consumer_groups([group])[group])
    lost = await log.read("g")
    with pytest.raises(LostOffset, match="project --replay g"):
        await lost.poll(limit=1, wait=PATIENCE)
    await lost.close()
    await log.rewind("g")
    assert len(await read_all(log, await log.read("g"))) == 1


class SilentAtFirst:
    """A consumer whose coordinator does not answer the first questions, and keeps one offset."""

    def __init__(self, *answers: KafkaError | None) -> None:
        self.answers = list(answers)
        self.assigned: list[TopicPartition] = []

    def committed(self, places: list[TopicPartition], _: float) -> list[TopicPartition]:
        if error := self.answers.pop(0):
            raise KafkaException(error)
        return [TopicPartition(place.topic, place.partition, 7) for place in places]

    def incremental_assign(self, places: list[TopicPartition]) -> None:
        self.assigned = places


async def test_an_offset_that_nobody_told_is_no_lost_one() -> None:
    reader = KafkaGroupReader(client("127.0.0.1:1", {}), NOWHERE, "g", group_id="g", on_close=lambda _: None)
    away = KafkaError(KafkaError._TIMED_OUT)
    silent = SilentAtFirst(away, away, None)
    reader._assigned(silent, [TopicPartition("nowhere", 0)])  # type: ignore[arg-type]
    assert [place.offset for place in silent.assigned] == [7]
    assert await reader.poll(limit=1, wait=0) == []
    with pytest.raises(KafkaException):  # Nobody will answer who may not ask.
        reader._assigned(SilentAtFirst(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), [])  # type: ignore[arg-type]
    await reader.close()


async def test_records_that_were_dropped_before_they_were_read_are_an_error(topic: KafkaTopic) -> None:
    log = await opened(topic)
    await asyncio.gather(*[log.append(fact()) for _ in range(10)])
    await (await log.read("g")).close()
    admin = AdminClient({"bootstrap.servers": topic.servers})
    for dropped in admin.delete_records([TopicPartition(topic.name, 0, 4)]).values():
        await asyncio.wrap_future(dropped)
    assert (await topic.log().floors()) == {0: (1 << 40) + 3}
    with pytest.raises(LostOffset, match=topic.name):
        await (await log.read("g")).poll(limit=1, wait=PATIENCE)
    # A group that never started begins with what there is.
    assert [record.offset for record in await read_all(log, await log.read("new"))] == list(range(4, 10))


async def test_another_topic_of_the_name_is_refused_until_it_is_accepted(topic: KafkaTopic) -> None:
    log = await opened(topic)
    identity = await log.open()
    await log.append(fact())
    reader = await log.read("g")
    await read_all(log, reader)  # Who leaves while joining is waited for by the brokers, six seconds.
    await reader.close()
    await log.close()
    await topic.delete()
    with pytest.raises(ImproperlyConfigured, match="accept-new-topic"):
        await topic.migrate()
    with pytest.raises(ImproperlyConfigured, match="accept-new-topic"):
        await topic.log().open()
    await topic.migrate(accept_new_topic=True)
    again = await opened(topic)
    assert await again.open() != identity
    assert (await again.append(fact())).pos == 2 << 40
    assert [record.pos for record in await read_all(again, await again.read("g"))] == [2 << 40]
    assert (await topic.migrate())[0].endswith("its generation is 2.")


async def test_a_topic_that_nobody_made_is_named_with_its_command(transactional_db: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="migrate_log"):
        await KafkaTopic(address("kafka")).log().open()


async def test_more_copies_than_brokers_are_a_matter_of_settings(transactional_db: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="CHAT_KAFKA_REPLICATION"):
        await KafkaTopic(address("kafka"), replication=3).migrate()


async def test_what_is_no_fact_of_ours_is_read_and_parked_as_it_was(topic: KafkaTopic) -> None:
    producer = Producer({"bootstrap.servers": topic.servers})
    producer.produce(topic.name, None, b"chat", headers=[("theirs", b"\xff")])
    producer.produce(topic.name, b"\xff\xfe", b"\xff")
    producer.produce(topic.name, b"{}", None)
    producer.flush(PATIENCE)
    log = await opened(topic)
    records = await read_all(log, await log.read("g"))
    for record in records:
        with pytest.raises(Unreadable):
            _ = record.fact
        await log.park(record, group="g", reason="nobody knows")
    letters = await topic.messages(f"{topic.name}.dlq", count=3)
    assert [(letter.key(), letter.value()) for letter in letters] == [
        (b"chat", None),
        (b"\xff", b"\xff\xfe"),
        (None, b"{}"),
    ]
    assert dict(letters[0].headers() or []) == {
        "theirs": b"\xff",
        "dlqReason": b"nobody knows",
        "dlqGroup": b"g",
        "dlqTopic": topic.name.encode(),
        "dlqPartition": b"0",
        "dlqOffset": b"0",
    }


async def test_a_record_over_the_limit_costs_only_itself(topic: KafkaTopic) -> None:
    log = await opened(topic)
    sent = [log.append(fact(value=b"x" * size)) for size in (10, 1 << 21, 1_000_000, 10)]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Appended", "TooLarge", "Appended", "Appended"]
    assert isinstance(outcomes[1], TooLarge)


async def test_a_key_is_read_apart_from_others(wide: KafkaTopic) -> None:
    log = await opened(wide)
    places = [await log.append(fact(f"k{n % 3}", value=b"%d" % n)) for n in range(12)]
    found = await log.key_records("k1", after=places[4].pos, limit=2)
    assert [record.value for record in found] == [b"7", b"10"]
    assert [record.value for record in await log.key_records("k1", after=0, limit=9)] == [b"1", b"4", b"7", b"10"]
    assert await log.key_records("none", after=0, limit=9) == []
    newest = [record for record in await log.newest(limit=2) if record.partition == log.partition_of("k0")]
    assert newest[-1].pos == (await log.ends())[log.partition_of("k0")]
    assert len(newest) == 2


async def test_a_record_sent_before_the_log_is_open_waits_for_it(topic: KafkaTopic) -> None:
    assert (await topic.log().append(fact())).pos == 1 << 40


async def test_a_closed_log_answers_what_was_on_its_way(topic: KafkaTopic) -> None:
    log = await opened(topic)
    sent = [log.append(fact()) for _ in range(1_000)]
    await log.close()
    assert all(place.done() for place in sent)
    assert max(place.result().offset for place in sent) == 999


async def test_a_producer_that_cannot_go_on_is_made_anew(topic: KafkaTopic) -> None:
    log = await opened(topic)
    await log.append(fact())
    sender = log._sender
    assert sender is not None
    broken = sender._producer
    sender._note(KafkaError(KafkaError._FATAL, "fenced", True))
    async with in_time("a new producer"):
        while sender._producer is broken:
            with suppress(Unavailable):
                await log.append(fact())
    assert (await log.append(fact())).offset > 0


class Denied(TopicAdmin):
    """Brokers that say nothing of themselves to this user."""

    def brokers(self) -> list[str]:
        raise KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED))

    def find(self) -> Found | None:
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))


async def test_what_brokers_will_not_say_is_unavailable_in_their_words() -> None:
    log = KafkaEventLog("127.0.0.1:1", "nowhere", "", {})
    log._made_admin = Denied(client("127.0.0.1:1", {}), "nowhere")
    for asked in (log.describe(), log.ends(), log.behind("g")):
        with pytest.raises(Unavailable, match="authorization failed"):
            await asked
    await log.close()


async def test_a_client_that_cannot_be_set_up_is_a_matter_of_settings() -> None:
    log = KafkaEventLog("127.0.0.1:1", "nowhere", "", {"no.such": "option"})
    for asked in (log.describe(), log.ends(), log.behind("g")):
        with pytest.raises(ImproperlyConfigured, match="No such"):
            await asked


async def test_sends_to_a_log_that_does_not_open_are_refused_and_say_why_once(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    log = KafkaEventLog("127.0.0.1:1", "nowhere", "", {"no.such": "option"})
    for _ in range(3):
        with pytest.raises(Unavailable):
            await log.append(fact())
    assert [line.getMessage() for line in caplog.records if "no.such" in line.getMessage()] == [
        "The event log does not open, sends are refused: Kafka's client cannot be set up so:"
        ' No such configuration property: "no.such"'
    ]
    await log.close()


def test_options_change_nothing_that_an_ack_rests_on() -> None:
    weaker = {"linger.ms": "5", "request.required.acks": "1", "acks": "1", "enable.idempotence": "false"}
    options = producer_options(client("127.0.0.1:1", weaker | {"delivery.timeout.ms": "1"}), NOWHERE)
    assert options["linger.ms"] == "5"
    assert (options["acks"], options["enable.idempotence"]) == ("all", True)
    assert options["delivery.timeout.ms"] == DELIVERY_MS
    assert [*options].index("acks") > [*options].index("request.required.acks")
    Producer(options)  # refuses to be idempotent with fewer acks than all


async def test_without_brokers_the_oldest_is_refused_first_then_everybody_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "DELIVERY_MS", 1_000)
    sender = Sender(client("127.0.0.1:1", {}))
    sender.ready(NOWHERE)

    def send(key: str) -> asyncio.Future[object]:
        flight = Flight("nowhere", key=key, raw_key=b"", value=b"", headers=[], since=time.monotonic())
        return sender.send(flight)  # type: ignore[return-value]

    order: list[int] = []
    waiting = [send(f"k{number}") for number in range(4)]
    for number, sent in enumerate(waiting):
        sent.add_done_callback(partial(_note, order, number))
    with pytest.raises(Unavailable) as refused:
        await waiting[0]
    assert (refused.value.code, refused.value.retry_after_ms) == ("log_unavailable", 1_000)
    await asyncio.wait(waiting)
    assert order == [0, 1, 2, 3]
    assert send("k").done()
    await sender.close()


async def test_what_a_frozen_broker_has_is_refused_before_what_waits_behind_it() -> None:
    sender = Sender(client("127.0.0.1:1", {}))
    sender.ready(NOWHERE)
    order: list[int] = []
    flights = [
        Flight("nowhere", key=f"k{number}", raw_key=b"", value=b"", headers=[], since=time.monotonic())
        for number in range(4)
    ]
    for number, flight in enumerate(flights):
        sender.send(flight).add_done_callback(partial(_note, order, number))
    with_broker, landed, queued, newer = flights
    sender._settle([(queued, KafkaError(KafkaError._MSG_TIMED_OUT), -1, -1), (landed, None, 0, 0)])
    assert with_broker.future.done()
    assert isinstance(with_broker.future.exception(), Unavailable)
    assert landed.future.result().offset == 0
    assert not newer.future.done()
    await asyncio.wait([flight.future for flight in flights])
    assert order.index(0) < order.index(2) < order.index(3)
    await sender.close()


def _note(order: list[int], number: int, _: object) -> None:
    order.append(number)
