"""The topic of the log: which one it is, where it ends, how far groups are in it."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from chatsite.kernel.errors import Conflict
from chatsite.kernel.eventlog.kafka.clients import ANSWER_SECONDS, Options, answer, answer_now, error_of

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

    # --- questions of the loop

    async def ends(self, partitions: int) -> dict[int, int]:
        """The offset after the newest record of each partition."""
        return await self._watermarks(partitions, OffsetSpec.latest())

    async def floors(self, partitions: int) -> dict[int, int]:
        """The offset of the oldest record of each partition."""
        return await self._watermarks(partitions, OffsetSpec.earliest())

    async def committed(self, group: str) -> dict[int, int]:
        """The next offset of a group in each partition where it has one."""
        return self._mine(await answer(self._ask_committed(group)))

    async def _watermarks(self, partitions: int, spec: OffsetSpec) -> dict[int, int]:
        asked = self._ask_watermarks(range(partitions), spec)
        return {place.partition: (await answer(found)).offset for place, found in asked.items()}

    # --- questions of a thread

    def find(self) -> Found | None:
        """The topic as it is now; None where there is none."""
        described = self._client.describe_topics(TopicCollection([self.name]), request_timeout=ANSWER_SECONDS)
        try:
            topic = answer_now(described[self.name])
        except KafkaException as cause:
            if error_of(cause).code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise
        copies = min(len(partition.replicas) for partition in topic.partitions)
        topic_id = str(topic.topic_id).replace("+", "-").replace("/", "_")  # as Kafka's own tools write it
        return Found(topic_id, len(topic.partitions), copies, self._configs(ResourceType.TOPIC, self.name))

    def broker_configs(self) -> Mapping[str, str]:
        """The settings of one broker."""
        cluster = answer_now(self._client.describe_cluster(request_timeout=ANSWER_SECONDS))
        return self._configs(ResourceType.BROKER, str(cluster.nodes[0].id))

    def create(self, *, partitions: int, replication: int, max_bytes: int) -> Found:
        """Make the topic; answers it once it can be seen."""
        config = {
            "min.insync.replicas": "2" if replication >= 3 else "1",
            "retention.ms": str(KEEP_MS),
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(max_bytes),
        }
        new = NewTopic(self.name, partitions, replication, config=config)
        answer_now(self._client.create_topics([new], operation_timeout=ANSWER_SECONDS)[self.name])
        for _ in range(SEEN_TRIES):
            if found := self.find():
                return found
            threading.Event().wait(SEEN_SECONDS)
        raise TimeoutError(f"The brokers made {self.name}, but do not show it.")

    def start(self, group: str, partitions: Collection[int], *, over: bool) -> dict[int, int]:
        """Give a group a first offset, the oldest record's, where it has none, or `over` what it has."""
        kept = {} if over else self._mine(answer_now(self._ask_committed(group)))
        asked = self._ask_watermarks(partitions, OffsetSpec.earliest())
        first = {place.partition: int(answer_now(found).offset) for place, found in asked.items()}
        if new := [TopicPartition(self.name, number, first[number]) for number in first if number not in kept]:
            self._alter(group, new)
        return first | {number: offset for number, offset in kept.items() if number in first}

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
            raise KafkaException(wrong[0])

    def _ask_watermarks(self, partitions: Collection[int], spec: OffsetSpec) -> dict[TopicPartition, Any]:
        places = {TopicPartition(self.name, number): spec for number in partitions}
        return self._client.list_offsets(places, request_timeout=ANSWER_SECONDS)

    def _ask_committed(self, group: str) -> Any:
        asked = ConsumerGroupTopicPartitions(group)
        return self._client.list_consumer_group_offsets([asked], request_timeout=ANSWER_SECONDS)[group]

    def _configs(self, kind: ResourceType, name: str) -> dict[str, str]:
        resource = ConfigResource(kind, name)
        found = answer_now(self._client.describe_configs([resource], request_timeout=ANSWER_SECONDS)[resource])
        return {entry.name: entry.value for entry in found.values()}

    def _mine(self, found: Any) -> dict[int, int]:
        places = [place for place in found.topic_partitions if place.topic == self.name]
        return {place.partition: place.offset for place in places if place.offset >= 0}
