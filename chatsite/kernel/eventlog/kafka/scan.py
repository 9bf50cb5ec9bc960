"""Reads pieces of the topic, apart from any group."""

import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from chatsite.kernel.eventlog.kafka.clients import Options, is_away, unavailable
from chatsite.kernel.eventlog.kafka.records import place_of

SCAN_SECONDS = 30.0  # then the caller is told to come again; some million records
BATCH = 1_000
WAIT_SECONDS = 0.2
QUEUED_KBYTES = 16_384  # what a scan holds that nobody has looked at yet


def scan(
    client: Options,
    topic: str,
    ranges: Mapping[int, tuple[int, int]],
    *,
    wanted: Callable[[Message], bool],
    limit: int,
) -> list[Message]:
    """The messages of each partition's [from, to) that are wanted, the first `limit` of all; blocks."""
    left = {number: end for number, (start, end) in ranges.items() if start < end}
    found: list[Message] = []
    if not left:
        return found
    consumer = Consumer(
        {
            **client,
            "group.id": "scan",  # A name is needed; nothing joins or commits.
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": QUEUED_KBYTES,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, ranges[number][0]) for number in left])
        deadline = time.monotonic() + SCAN_SECONDS
        while left and len(found) < limit:
            if time.monotonic() > deadline:
                raise unavailable()
            for message in consumer.consume(BATCH, WAIT_SECONDS):
                if _is_record(message, left) and wanted(message):
                    found.append(message)
    finally:
        consumer.close()
    return found[:limit]


def _is_record(message: Message, left: dict[int, int]) -> bool:
    """Whether a message is one of the range; strikes off the partitions that are read to their end."""
    if error := message.error():
        if error.code() == KafkaError._PARTITION_EOF:
            left.pop(message.partition() or 0, None)
        elif not is_away(error):
            raise KafkaException(error)
        return False
    partition, offset = place_of(message)
    end = left.get(partition, 0)
    if offset >= end - 1:
        left.pop(partition, None)
    return offset < end
