"""The topic of the log: which one it is, where it ends, how far groups are in it."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    ListOffsetsResultInfo,
    NewTopic,
    OffsetSpec,
    ResourceType,
)
from django.core.exceptions import ImproperlyConfigured

from chatsite.kernel.errors import Conflict, Unavailable
from chatsite.kernel.eventlog.kafka.clients import (
    ANSWER_SECONDS,
    Options,
    answer,
    answer_now,
    error_of,
    translated,
    unavailable,
)
from chatsite.kernel.servers import COPIES

T = TypeVar("T")

DEAD_LETTERS = ".dlq"
WAY_OUT = "Stop all servers and run: manage.py migrate_log --accept-new-topic"
KEEP_MS = 7 * 86_400_000
SEEN_TRIES, SEEN_SECONDS = 50, 0.1  # until every broker has heard of a new topic
_WORKING = (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP, KafkaError.GROUP_SUBSCRIBED_TO_TOPIC)


@dataclass(frozen=True)
class Topic:
    """A topic as it was registered: its positions hold for this id and generation."""

    name: str
    topic_id: str
    generation: int
    partitions: int
    max_bytes: int

    @property
    def identity(self) -> str:
        """What epochs are made of."""
        return f"{self.topic_id}-{self.generation}"


@dataclass(frozen=True)
class Found:
    """A topic as the brokers describe it."""

    topic_id: str
    partitions: int
    replication: int
    configs: Mapping[str, str]

    @property
    def max_bytes(self) -> int:
        """The largest batch that the topic takes."""
        return int(self.configs["max.message.bytes"])


class TopicAdmin:
    """Asks about one topic, and changes what commands want changed."""

    def __init__(self, client: Options, name: str) -> None:
        self.name = name
        self._client = AdminClient(client)
        self._options = client
        self._asking: dict[str, Consumer] = {}  # one a group
        self._lock = threading.Lock()

    # --- questions of the loop

    async def ends(self, partitions: int) -> dict[int, int]:
        """The offset after the newest record of each partition."""
        return await self._watermarks(partitions, OffsetSpec.latest())

    async def floors(self, partitions: int) -> dict[int, int]:
        """The offset of the oldest record of each partition."""
        return await self._watermarks(partitions, OffsetSpec.earliest())

    async def committed(self, group: str, partitions: int) -> dict[int, int]:
        """The next offset of a group in each partition where it has one."""
        return await asyncio.to_thread(self.committed_now, group, range(partitions))

    async def _watermarks(self, partitions: int, spec: OffsetSpec) -> dict[int, int]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            asked = self._ask_watermarks(range(partitions), spec)
            try:
                return {place.partition: _known(await answer(found)) for place, found in asked.items()}
            except Unavailable:  # at once where a leader has just changed: the client learns it from that
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(SEEN_SECONDS)

    # --- questions of a thread

    def find(self) -> Found | None:
        """The topic as it is now; None where there is none."""
        try:
            described = self._client.describe_topics(TopicCollection([self.name]), request_timeout=ANSWER_SECONDS)
            topic = answer_now(described[self.name])
            configs = self._configs(ResourceType.TOPIC, self.name)  # of another broker, perhaps
        except KafkaException as cause:
            if error_of(cause).code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise
        copies = min(len(partition.replicas) for partition in topic.partitions)
        topic_id = str(topic.topic_id).replace("+", "-").replace("/", "_")  # as Kafka's own tools write it
        return Found(topic_id, len(topic.partitions), copies, configs)

    def brokers(self) -> list[str]:
        """The brokers that are there, as host:port."""
        cluster = answer_now(self._client.describe_cluster(request_timeout=ANSWER_SECONDS))
        return sorted(f"{node.host}:{node.port}" for node in cluster.nodes)

    def counts(self, partitions: int) -> dict[int, int]:
        """How many records the first partitions have been given."""
        asked = self._ask_watermarks(range(partitions), OffsetSpec.latest())
        return {place.partition: int(answer_now(found).offset) for place, found in asked.items()}

    def broker_configs(self) -> Mapping[str, str]:
        """The settings of one broker."""
        cluster = answer_now(self._client.describe_cluster(request_timeout=ANSWER_SECONDS))
        return self._configs(ResourceType.BROKER, str(cluster.nodes[0].id))

    def create(self, *, partitions: int, replication: int, max_bytes: int) -> Found:
        """Make the topic; answers it once it can be seen. ImproperlyConfigured where it would keep too many copies."""
        config = {
            "min.insync.replicas": str(min_in_sync(replication)),
            "retention.ms": str(KEEP_MS),
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(max_bytes),
        }
        new = NewTopic(self.name, partitions, replication, config=config)
        try:
            answer_now(self._client.create_topics([new], operation_timeout=ANSWER_SECONDS)[self.name])
        except KafkaException as cause:
            if error_of(cause).code() != KafkaError.INVALID_REPLICATION_FACTOR:
                raise
            raise ImproperlyConfigured(
                f"{replication} copies of {self.name} need as many brokers: start them, or set CHAT_KAFKA_REPLICATION"
                " (fewer than three copies are only served on with CHAT_ACCEPT_UNREPLICATED=on)."
            ) from None
        for _ in range(SEEN_TRIES):
            if found := self.find():
                _patiently(lambda: self._first_of_new(range(partitions)))
                return found
            threading.Event().wait(SEEN_SECONDS)
        raise unavailable()

    def committed_now(self, group: str, partitions: Collection[int]) -> dict[int, int]:
        """The same in a thread that may wait."""
        places = [TopicPartition(self.name, number) for number in partitions]
        try:
            found = self._asker(group).committed(places, ANSWER_SECONDS)
        except KafkaException as cause:
            raise translated(cause) from cause
        if wrong := next((place.error for place in found if place.error), None):
            raise translated(KafkaException(wrong))
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def close(self) -> None:
        """Let go of the connections."""
        for asking in self._asking.values():
            asking.close()
        self._asking.clear()

    def _asker(self, group: str) -> Consumer:
        """A consumer that has the group's name and joins nothing, to ask what the group has kept.

        The admin client can be asked as well, but librdkafka 2.16 ends the process
        when the group's coordinator has moved to another broker meanwhile.
        """
        with self._lock:
            if group not in self._asking:
                self._asking[group] = Consumer({**self._options, "group.id": group, "enable.auto.commit": False})
            return self._asking[group]

    def start(self, group: str, partitions: Collection[int], *, over: bool) -> dict[int, int]:
        """Give a group a first offset, the oldest record's, where it has none, or `over` what it has."""
        kept = {} if over else _patiently(lambda: self.committed_now(group, partitions))
        first = _patiently(lambda: self._first(partitions))
        if new := [TopicPartition(self.name, number, first[number]) for number in first if number not in kept]:
            self._alter(group, new)
        return first | {number: offset for number, offset in kept.items() if number in first}

    def _first(self, partitions: Collection[int]) -> dict[int, int]:
        asked = self._ask_watermarks(partitions, OffsetSpec.earliest())
        return {place.partition: _known(answer_now(found)) for place, found in asked.items()}

    def _first_of_new(self, partitions: Collection[int]) -> dict[int, int]:
        try:
            return self._first(partitions)
        except KafkaException as cause:
            if error_of(cause).code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise unavailable() from cause  # One broker has heard of it, the one that was asked has not.
            raise

    def _alter(self, group: str, offsets: list[TopicPartition]) -> None:
        wanted = ConsumerGroupTopicPartitions(group, offsets)
        altered = self._client.alter_consumer_group_offsets([wanted], request_timeout=ANSWER_SECONDS)
        try:
            places = answer_now(altered[group]).topic_partitions
        except KafkaException as cause:
            if error_of(cause).code() in _WORKING:
                raise Conflict(f"{group} is running: stop it first.") from cause
            raise
        if wrong := [place.error for place in places if place.error]:
            if wrong[0].code() in _WORKING:
                raise Conflict(f"{group} is running: stop it first.")
            # The brokers say of each partition that the group's coordinator has just moved, as they do at their start.
            raise translated(KafkaException(wrong[0]))

    def _ask_watermarks(self, partitions: Collection[int], spec: OffsetSpec) -> dict[TopicPartition, Any]:
        places = {TopicPartition(self.name, number): spec for number in partitions}
        return self._client.list_offsets(places, request_timeout=ANSWER_SECONDS)

    def _configs(self, kind: ResourceType, name: str) -> dict[str, str]:
        resource = ConfigResource(kind, name)
        found = answer_now(self._client.describe_configs([resource], request_timeout=ANSWER_SECONDS)[resource])
        return {entry.name: entry.value for entry in found.values()}


def min_in_sync(copies: int) -> int:
    """How many copies must have a record before it is acked: two where one more may be away."""
    return 2 if copies >= COPIES else 1


def _patiently(ask: Callable[[], T]) -> T:
    """Ask for some seconds: a new partition has no leader at first, a new coordinator reads its offsets."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        threading.Event().wait(SEEN_SECONDS)


def _known(found: ListOffsetsResultInfo) -> int:
    """An offset; the driver answers with a negative one, and no error, where nobody answered it."""
    if found.offset < 0:
        raise unavailable()
    return int(found.offset)
