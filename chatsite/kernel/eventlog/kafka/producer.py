"""Appends to Kafka: one producer, its thread, and what waits in front of it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from chatsite.kernel.errors import DomainError, TooLarge
from chatsite.kernel.eventlog import Appended
from chatsite.kernel.eventlog.kafka.clients import LETTER_BYTES, RETRY_MS, Options, error_of, unavailable
from chatsite.kernel.eventlog.kafka.outage import Breaker, OutageBuffer
from chatsite.kernel.eventlog.kafka.records import Headers, place_of, pos_of
from chatsite.kernel.eventlog.kafka.topic import WAY_OUT, Topic
from chatsite.kernel.metrics import log_append_seconds

logger = logging.getLogger(__name__)

DELIVERY_MS = 5_000  # until librdkafka gives a record up; a nonce is reserved for longer
WAITING_RECORDS, WAITING_BYTES, WAITING_SECONDS = 10_000, 32 << 20, 5.0  # in front of librdkafka
WINDOW = 5_000  # records that librdkafka holds at once: its best throughput needs some 2,000
FAILURES = 3  # in a row, then callers are refused at once
POLL_SECONDS = 0.1  # how late the thread notices that it should stop
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 0.25  # how exactly the age of what waits is kept
ENVELOPE_BYTES = 1_024  # headers and framing of a record, at most


class Flight:
    """One record on its way, and who waits for it."""

    __slots__ = ("future", "headers", "key", "raw_key", "since", "size", "topic", "value")

    def __init__(
        self, topic: str, *, key: str, raw_key: bytes | None, value: bytes | None, headers: Headers, since: float
    ) -> None:
        self.topic, self.key, self.raw_key, self.value, self.headers = topic, key, raw_key, value, headers
        self.size = len(value or b"") + len(raw_key or b"") + ENVELOPE_BYTES
        self.since = since
        self.future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()


def _too_large() -> TooLarge:
    return TooLarge("The record is larger than the event log takes.")


def producer_options(client: Options, topic: Topic) -> Options:
    """How a producer for a topic is set up."""
    options = {
        "compression.type": "lz4",
        "linger.ms": 0,
        "message.max.bytes": topic.max_bytes + LETTER_BYTES,
        "batch.size": min(1_000_000, topic.max_bytes // 2),  # a batch over the limit would be refused as a whole
        **client,
    }
    fixed = {
        # Not for options to change: ACKs rest on it, and positions and readers of other languages on the last.
        "acks": "all",
        "enable.idempotence": True,
        "delivery.timeout.ms": DELIVERY_MS,
        "partitioner": "murmur2_random",
    }
    # Last in order too: librdkafka knows some by two names, and takes the later one.
    return {name: value for name, value in options.items() if name not in fixed} | fixed


Landing = tuple[Flight, KafkaError | None, int, int]
_NOWHERE = (-1, -1)


class Sender:
    """Sends records in order and answers each once it is durable, or nobody knows.

    Everything but the thread runs in the loop that made it. `ready` says which
    topic it is; until then records wait like in an outage.
    """

    def __init__(self, client: Options) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._buffer: OutageBuffer[Flight] = OutageBuffer(
            count=WAITING_RECORDS, octets=WAITING_BYTES, seconds=WAITING_SECONDS, window=WINDOW
        )
        self._breaker = Breaker(failures=FAILURES, pause=RETRY_MS / 1_000)
        self._flying: dict[Flight, None] = {}  # in the order handed on; at most WINDOW
        self._turn: list[Landing] = []  # of the thread's present turn
        self._fatal = threading.Event()
        self._stop = threading.Event()
        self._closing = False
        self._watch: asyncio.TimerHandle | None = None
        self._topic: Topic | None = None
        self._options: Options = {}
        self._producer: Producer
        self._thread: threading.Thread | None = None
        self.ends: dict[int, int] = {}  # partition -> offset of the newest record that this process appended

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where its callers live."""
        return self._loop

    def ready(self, topic: Topic) -> None:
        """Begin to send what waits."""
        if self._thread:
            return
        self._topic = topic
        self._options = {**producer_options(self._client, topic), "error_cb": self._note}
        self._producer = Producer(self._options)
        self._thread = threading.Thread(target=self._run, name="kafka-producer", daemon=True)
        self._thread.start()
        self._pump()

    def send(self, flight: Flight) -> asyncio.Future[Appended]:
        """Queue a record; the future fails with Unavailable or TooLarge."""
        if self._closing or not self._breaker.lets(now=flight.since):
            flight.future.set_exception(unavailable())
            return flight.future
        if self._thread and self._buffer.passes():
            self._produce(flight)
            return flight.future
        self._refuse(self._buffer.put(flight))
        self._pump()
        self._keep_watch()
        return flight.future

    def refuse_all(self) -> None:
        """Answer everybody who waits."""
        self._refuse(self._buffer.expired(now=float("inf")))

    async def close(self) -> None:
        """Let what is on its way land, for a while; answer the rest."""
        self._closing = True
        self._pump()
        self._stop.set()
        if self._thread:
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS + 2 * POLL_SECONDS)
            await asyncio.sleep(0)  # What the thread handed over last is settled before the rest is refused.
        if self._watch:
            self._watch.cancel()
        self._refuse([*self._flying])
        self.refuse_all()

    # --- in the loop

    def _pump(self) -> None:
        if self._thread:
            for flight in self._buffer.take():
                self._produce(flight)

    def _produce(self, flight: Flight) -> None:
        self._flying[flight] = None

        def landed(error: KafkaError | None, message: Message) -> None:
            self._turn.append((flight, error, *(place_of(message) if error is None else _NOWHERE)))

        error: KafkaError | None = None
        try:
            self._producer.produce(
                flight.topic, flight.value, flight.raw_key, on_delivery=landed, headers=flight.headers
            )
        except KafkaException as cause:
            error = error_of(cause)
        except BufferError:
            error = KafkaError(KafkaError._QUEUE_FULL)
        if error:
            turn: list[Landing] = [(flight, error, *_NOWHERE)]
            self._loop.call_soon(self._settle, turn)

    def _settle(self, turn: list[Landing]) -> None:
        """Answer the waiters of one turn, and those behind what failed."""
        now, timed_out, was_open = time.monotonic(), False, self._breaker.is_open
        refused = self._overdue(turn)
        for flight, error, partition, offset in turn:
            self._buffer.landed()
            self._flying.pop(flight, None)
            if error is None:
                self._breaker.worked()
                self._resolve(flight, partition, offset)
            elif error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE):
                self._refuse([flight], _too_large)
            else:
                refused.append(flight)
                timed_out |= error.code() not in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
                self._breaker.failed(now=now)
        log_append_seconds.observe(now - turn[0][0].since)
        if timed_out:
            # What librdkafka still holds of the failed keys must not be sent after all; it can drop all or nothing.
            self._producer.purge(in_queue=True, in_flight=False, blocking=False)
        self._refuse(sorted(refused, key=lambda flight: flight.since))  # librdkafka goes through partition by partition
        self._refuse(self._buffer.behind({flight.key for flight in refused}))
        if was_open != self._breaker.is_open:
            if was_open:
                logger.warning("Kafka is back.")
            else:
                reasons = {str(error) for _, error, *_ in turn if error}
                logger.warning("Kafka is away, sends are refused until it is back: %s", ", ".join(sorted(reasons)))
        self._pump()

    def _overdue(self, turn: Sequence[Landing]) -> list[Flight]:
        """What was handed on before something that timed out: as late, though a frozen broker may have it."""
        codes = {flight: error and error.code() for flight, error, *_ in turn}
        if KafkaError._MSG_TIMED_OUT not in codes.values():
            return []
        flying = [*self._flying]
        while flying and codes.get(flying[-1]) != KafkaError._MSG_TIMED_OUT:
            flying.pop()
        return [flight for flight in flying if flight not in codes]

    def _resolve(self, flight: Flight, partition: int, offset: int) -> None:
        assert self._topic
        if flight.topic == self._topic.name:
            if offset <= self.ends.get(partition, -1):
                self._closing = True
                logger.critical("ALERT %s began anew: its positions would be used twice. %s", self._topic.name, WAY_OUT)
                self._refuse([flight])
                return
            self.ends[partition] = offset
        if not flight.future.done():
            flight.future.set_result(Appended(pos_of(self._topic.generation, offset), offset, None))

    @staticmethod
    def _refuse(flights: Iterable[Flight], make: Callable[[], DomainError] = unavailable) -> None:
        for flight in flights:
            if not flight.future.done():
                flight.future.set_exception(make())  # one each: raising grows the traceback of a shared one

    def _keep_watch(self) -> None:
        """See to the age of what waits, for as long as something does."""
        if len(self._buffer) and not self._watch:
            self._watch = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        self._refuse(self._buffer.expired(now=time.monotonic()))
        self._keep_watch()

    # --- in the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(POLL_SECONDS)
            self._hand_over()
            if self._fatal.is_set():
                self._renew()
        self._producer.flush(CLOSE_SECONDS)
        self._let_go(self._producer)

    def _hand_over(self) -> None:
        if self._turn and not self._loop.is_closed():
            turn, self._turn = self._turn, []
            self._loop.call_soon_threadsafe(self._settle, turn)

    def _renew(self) -> None:
        """Take another producer after an error that this one cannot recover from."""
        self._fatal.clear()
        broken, self._producer = self._producer, Producer(self._options)
        self._let_go(broken)

    def _let_go(self, producer: Producer) -> None:
        producer.purge()
        producer.flush(POLL_SECONDS)
        self._hand_over()

    def _note(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            logger.error("Kafka's producer cannot go on and is made anew: %s", error)
            self._fatal.set()
