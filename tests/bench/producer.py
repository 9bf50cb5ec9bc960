"""Kafka's producer as one would await it without us; alone it prints how fast it is as JSON."""

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
from confluent_kafka.admin import AdminClient, NewTopic

from tests.servers import address

PARTITIONS, KEYS = 64, 200
RECORDS = 30_000
IN_FLIGHT = 1_000  # as the load client has un-acked: two sends of each of 500 sockets
QUIET_RECORDS, QUIET_PACE = 400, 0.005  # 200 a second
VALUE = b'{"occurredAt":"2026-01-01T00:00:00.000Z","region":"eu","payload":{"content":"' + b"x" * 200 + b'"}}'
Append = Callable[[str], Awaitable[object]]


class Bare:
    """The driver's producer, its thread, and a future a record."""

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
        """Append a record and wait until it is durable."""
        future: asyncio.Future[None] = self._loop.create_future()

        def landed(error: KafkaError | None, _: Message) -> None:
            self._loop.call_soon_threadsafe(future.set_result, None)

        self._producer.produce(self._topic, VALUE, key, on_delivery=landed)
        await future

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.1)


async def speed(append: Append, *, in_flight: int) -> float:
    """Appends a second with so many of them awaited at any time."""
    numbers = iter(range(RECORDS))

    async def one_by_one() -> None:
        for number in numbers:
            await append(f"key-{number % KEYS}")

    started = time.perf_counter()
    await asyncio.gather(*[one_by_one() for _ in range(in_flight)])
    return RECORDS / (time.perf_counter() - started)


async def quiet_ms(append: Append) -> float:
    """The median milliseconds of an append at 200 a second."""
    taken = []
    for number in range(QUIET_RECORDS):
        started = time.perf_counter()
        await append(f"key-{number % KEYS}")
        taken.append(time.perf_counter() - started)
        await asyncio.sleep(QUIET_PACE)
    return median(taken) * 1e3


class Alone(msgspec.Struct, frozen=True):
    """The bare producer with nothing beside it: appends a second, and an append at 200 a second."""

    speed: float
    quiet_ms: float


async def measure() -> Alone:
    """Both, on a topic of its own."""
    topic = f"bench-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": address("kafka")})
    await asyncio.wrap_future(admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic])
    bare = Bare(topic)
    await bare.append("warm")
    found = Alone(await speed(bare.append, in_flight=IN_FLIGHT), await quiet_ms(bare.append))
    bare.close()
    return found


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(uvloop.run(measure())).decode())
