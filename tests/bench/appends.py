"""Appends records by the event log and by Kafka's bare producer, prints what each took as JSON."""

import asyncio
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from statistics import median

import msgspec
import uvloop
from confluent_kafka import KafkaError, Message, Producer

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog.kafka import KafkaEventLog
from chatsite.kernel.events import NewRecord
from tests.bench.kafka import Appends
from tests.servers import address

RECORDS, IN_FLIGHT, RUNS = 30_000, 256, 3
PARTITIONS, KEYS = 64, 200
QUIET_RECORDS, QUIET_PACE = 400, 0.005  # 200 a second
VALUE = b'{"occurredAt":"2026-01-01T00:00:00.000Z","region":"eu","payload":{"content":"' + b"x" * 200 + b'"}}'
Append = Callable[[str], Awaitable[object]]


async def _speed(append: Append) -> float:
    """Appends a second with IN_FLIGHT of them awaited at any time."""
    numbers = iter(range(RECORDS))

    async def one_by_one() -> None:
        for number in numbers:
            await append(f"key-{number % KEYS}")

    started = time.perf_counter()
    await asyncio.gather(*[one_by_one() for _ in range(IN_FLIGHT)])
    return RECORDS / (time.perf_counter() - started)


async def _quiet_ms(append: Append) -> float:
    taken = []
    for number in range(QUIET_RECORDS):
        started = time.perf_counter()
        await append(f"key-{number % KEYS}")
        taken.append(time.perf_counter() - started)
        await asyncio.sleep(QUIET_PACE)
    return median(taken) * 1e3


class _Bare:
    """The driver's producer as one would await it without us."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(
            {
                "bootstrap.servers": address("kafka"),
                "enable.idempotence": True,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "linger.ms": 0,
            }
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    async def append(self, key: str) -> None:
        future: asyncio.Future[None] = self._loop.create_future()

        def landed(error: KafkaError | None, _: Message) -> None:
            self._loop.call_soon_threadsafe(future.set_result, None)

        self._producer.produce(self._topic, VALUE, key, on_delivery=landed)
        await future

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.1)


async def measure() -> Appends:
    """Both in turn, so that what else the machine does weighs on both."""
    log = KafkaEventLog(address("kafka"), f"bench-{uuid.uuid4().hex}", "", {})
    await in_db_thread(lambda: list(log.migrate(partitions=PARTITIONS, replication=1, accept_new_topic=False)))
    await log.open()
    bare = _Bare(log.name)
    event_id = str(uuid.uuid4())

    async def append(key: str) -> None:
        await log.append(NewRecord(key=key, event_type="chat.message.sent.v1", event_id=event_id, value=VALUE))

    speeds = [(await _speed(append), await _speed(bare.append)) for _ in range(RUNS)]
    quiet = (await _quiet_ms(append), await _quiet_ms(bare.append))
    bare.close()
    await log.close()
    return Appends([ours for ours, _ in speeds], [theirs for _, theirs in speeds], *quiet)


def main() -> None:
    """Measure and print."""
    sys.stdout.write(msgspec.json.encode(uvloop.run(measure())).decode())


if __name__ == "__main__":
    main()
