"""A Kafka topic of a test's own, and another client's look at it."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Self

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import EventLog, GroupReader
from chatsite.kernel.eventlog.kafka import KafkaEventLog
from chatsite.kernel.eventlog.kafka.reader import KafkaGroupReader
from chatsite.kernel.events import Record
from tests.world import in_time

OPTIONS = {"heartbeat.interval.ms": "200", "session.timeout.ms": "6000"}  # rebalances in a second, not in four
PATIENCE = 30.0  # seconds; a busy machine needs some


class KafkaTopic:
    """A topic, its dead letters, and the logs made over it."""

    def __init__(self, servers: str, *, partitions: int = 1, replication: int = 1) -> None:
        self.servers, self.partitions, self.replication = servers, partitions, replication
        self.name = f"test-{uuid.uuid4().hex}"
        self.prefix = f"{self.name}."  # groups of its own too: a group is running wherever one of its name is
        self._made: list[KafkaEventLog] = []

    def log(self, servers: str | None = None, **options: str) -> KafkaEventLog:
        """The log as one more process would have it."""
        made = KafkaEventLog(servers or self.servers, self.name, self.prefix, {**OPTIONS, **options})
        self._made.append(made)
        return made

    async def migrate(self, *, accept_new_topic: bool = False) -> list[str]:
        """What `migrate_log` does and tells."""

        def migrate() -> list[str]:
            lines = self.log().migrate(
                partitions=self.partitions, replication=self.replication, accept_new_topic=accept_new_topic
            )
            return list(lines)

        return await in_db_thread(migrate)

    async def delete(self) -> None:
        """Take the topic away, as nobody should."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for deleted in admin.delete_topics([self.name]).values():
            await asyncio.wrap_future(deleted)

    async def messages(self, name: str | None = None, *, count: int) -> list[Message]:
        """What a client that knows nothing of us finds in the topic, partition by partition."""
        return await asyncio.to_thread(self._messages, name or self.name, count)

    def _messages(self, name: str, count: int) -> list[Message]:
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "looks", "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(name, number, 0) for number in consumer_partitions(consumer, name)])
        found = consumer.consume(count, PATIENCE)
        consumer.close()
        return found

    @staticmethod
    def again(log: KafkaEventLog) -> KafkaEventLog:
        """The same log as another process has it."""
        return KafkaEventLog(log._client["bootstrap.servers"], log.name, log._prefix, OPTIONS)

    async def __aenter__(self) -> Self:
        await self.migrate()
        return self

    async def __aexit__(self, *_: object) -> None:
        for made in self._made:
            await made.close()
        admin = AdminClient({"bootstrap.servers": self.servers})
        topics = admin.delete_topics([self.name, f"{self.name}.dlq"], request_timeout=5)
        await asyncio.gather(*[asyncio.wrap_future(one) for one in topics.values()], return_exceptions=True)


def consumer_partitions(consumer: Consumer, name: str) -> Sequence[int]:
    """The partitions of a topic, as anybody is told them."""
    return list(consumer.list_topics(name, timeout=PATIENCE).topics[name].partitions)


async def read_all(log: EventLog, reader: KafkaGroupReader) -> list[Record]:
    """Everything of the log that a group, which nobody else reads as, has not finished yet."""
    done = await log.progress(reader.group)
    left = {number: pos for number, pos in (await log.ends()).items() if pos > done[number]}
    return await read_until(reader, lambda records: all(_newest(records, number) >= left[number] for number in left))


async def read_until(reader: GroupReader, enough: Callable[[list[Record]], bool]) -> list[Record]:
    """Records until they are enough."""
    records: list[Record] = []
    async with in_time("what a group reads"):
        while not enough(records):
            records += await reader.poll(limit=7, wait=1)
    return records


def _newest(records: Sequence[Record], partition: int) -> int:
    return max((record.pos for record in records if record.partition == partition), default=0)
