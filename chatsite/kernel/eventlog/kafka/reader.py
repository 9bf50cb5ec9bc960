"""Reads the topic as a group: one consumer in a thread of its own."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from chatsite.kernel.eventlog.kafka.clients import ANSWER_SECONDS, Options, error_of, is_away, translated, unavailable
from chatsite.kernel.eventlog.kafka.records import record_of
from chatsite.kernel.eventlog.kafka.topic import Topic
from chatsite.kernel.events import Record

logger = logging.getLogger(__name__)

FULL, ROOM = 2_000, 500  # records read ahead: over the one fetching pauses, under the other it goes on
QUEUED_KBYTES = 4_096  # what librdkafka reads ahead of that
BATCH = 500
POLL_SECONDS = 0.1  # how late the thread notices what it is asked
COMMIT_SECONDS, CLOSE_SECONDS = 10.0, 15.0  # a commit without its coordinator takes a session's length
# How soon others take over from a killed process, and how long brokers that were frozen wait for who gave them up
# meanwhile and came back under another name; the brokers' own least is as much.
SESSION_MS, HEARTBEAT_MS = 6_000, 1_000
# The partition has another owner by now, or soon: what was not kept is read again there.
_MOVED = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError._ASSIGNMENT_LOST,
        KafkaError._NO_OFFSET,
    }
)


OnClose = Callable[["KafkaGroupReader"], None]


class LostOffset(RuntimeError):
    """A group that had started has no place in the log any more: going on would skip or repeat in silence."""


def group_options(client: Options, group: str) -> Options:
    """How a group's consumer is set up."""
    return {
        "session.timeout.ms": SESSION_MS,
        "heartbeat.interval.ms": HEARTBEAT_MS,
        "fetch.error.backoff.ms": 100,
        "queued.min.messages": FULL,
        "queued.max.messages.kbytes": QUEUED_KBYTES,
        "fetch.max.bytes": QUEUED_KBYTES << 10,
        "message.max.bytes": QUEUED_KBYTES << 10,
        **client,
        # Not for options to change: what a group has finished rests on it.
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "cooperative-sticky",
    }


class KafkaGroupReader:
    """GroupReader over one consumer of the group.

    The thread polls whatever the group does, so that one that works slowly stays a
    member; when enough is read ahead it pauses fetching.
    """

    def __init__(self, client: Options, topic: Topic, group: str, *, group_id: str, on_close: OnClose) -> None:
        self.group = group
        self._on_close = on_close
        self._topic = topic
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # over what both threads change: the next five
        self._records: deque[Record] = deque()  # at most FULL and a batch
        self._partitions: frozenset[int] = frozenset()
        self._first: dict[int, int] = {}  # partition -> the first offset read since it was assigned
        self._finished: dict[int, int] = {}  # partition -> the newest offset finished since then
        self._waiting: list[asyncio.Future[None]] = []  # of commits asked for
        self._kept: dict[int, int] = {}
        self._committing: tuple[list[asyncio.Future[None]], dict[int, int]] | None = None
        self._news = asyncio.Event()
        self._broken: Exception | None = None
        self._paused = False
        self._stop = threading.Event()
        self._consumer = Consumer({**group_options(client, group_id), "on_commit": self._committed})
        self._consumer.subscribe([topic.name], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        self._thread = threading.Thread(target=self._run, name=f"kafka-{group}", daemon=True)
        self._thread.start()

    @property
    def partitions(self) -> frozenset[int]:
        return self._partitions

    @property
    def finished_offsets(self) -> dict[int, int]:
        """The newest offset finished of each partition that is this reader's."""
        with self._lock:
            return dict(self._finished)

    async def poll(self, *, limit: int, wait: float) -> list[Record]:
        deadline = self._loop.time() + wait
        while True:
            self._news.clear()
            with self._lock:
                records = [self._records.popleft() for _ in range(min(limit, len(self._records)))]
            if records:
                return records
            if self._broken:
                raise self._broken
            if (remaining := deadline - self._loop.time()) <= 0:
                return []
            with suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await self._news.wait()

    def finished(self, partition: int, offset: int) -> None:
        with self._lock:
            # Below what this assignment began with it is of an earlier one, and another process may be further.
            if partition in self._partitions and offset >= self._first.get(partition, offset + 1):
                self._finished[partition] = max(offset, self._finished.get(partition, offset))

    async def commit(self) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            self._waiting.append(done)
        if not self._thread.is_alive():
            raise self._broken or unavailable()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await done
        except TimeoutError:
            raise unavailable() from None

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
        self._on_close(self)

    # --- in the thread

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and not self._broken:
                self._hold_back()
                self._commit_asked()
                if (message := self._consumer.poll(POLL_SECONDS)) is not None:
                    self._take([message, *self._consumer.consume(BATCH, timeout=0)])
        except Exception as error:
            logger.exception("%s cannot read %s on", self.group, self._topic.name)
            self._broken = error
        finally:
            self._consumer.close()  # Its partitions are revoked on the way, and what is finished is kept.
            with self._lock:
                waiting = [*(self._committing or ([],))[0], *self._waiting]
                self._waiting = []
            self._resolve(waiting, self._broken)
            self._tell()

    def _take(self, messages: Sequence[Message]) -> None:
        records = []
        for message in messages:
            if error := message.error():
                self._judge(error, message)
            else:
                records.append(record_of(message, generation=self._topic.generation))
        with self._lock:
            for record in records:
                if record.partition in self._partitions:  # else it was revoked while the batch was read
                    self._first.setdefault(record.partition, record.offset)
                    self._records.append(record)
        self._tell()

    def _judge(self, error: KafkaError, message: Message) -> None:
        """Go on after what passes; stop for good where going on would skip or repeat."""
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._lose(message.partition(), error.str())
        elif error.fatal():
            self._broken = KafkaException(error)
        elif not is_away(error):
            logger.warning("%s: %s", self.group, error)

    def _lose(self, partition: int | None, why: str) -> None:
        self._broken = LostOffset(
            f"{self.group} has no place in partition {partition} of {self._topic.name} any more: {why}. What lay"
            f" between is gone; stop the group and let it start again at the oldest record that is kept:"
            f" manage.py project --replay {self.group}"
        )

    def _hold_back(self) -> None:
        """Pause fetching when enough is read ahead; what is assigned meanwhile is paused too."""
        ahead = len(self._records)
        if ahead >= FULL or (self._paused and ahead > ROOM):
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        elif self._paused:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False

    def _tell(self) -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody waits.
            self._loop.call_soon_threadsafe(self._news.set)

    # --- commits

    def _commit_asked(self) -> None:
        if self._committing or not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
            offsets = self._unkept(self._finished)
        if not offsets:
            self._resolve(waiting, None)
            return
        self._committing = (waiting, offsets)
        try:
            self._consumer.commit(offsets=self._places(offsets), asynchronous=True)
        except KafkaException as cause:
            self._committed(error_of(cause), [])

    def _committed(self, error: KafkaError | None, places: Iterable[TopicPartition]) -> None:
        if not self._committing:
            return
        (waiting, offsets), self._committing = self._committing, None
        error = error or next((place.error for place in places if place.error), None)
        if error is None:
            self._kept |= {number: offset for number, offset in offsets.items() if number in self._partitions}
        if error is None or error.code() in _MOVED:
            self._resolve(waiting, None)
        else:
            self._resolve(waiting, translated(KafkaException(error)))

    def _resolve(self, waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, waiting, error)

    def _unkept(self, finished: dict[int, int]) -> dict[int, int]:
        return {number: offset for number, offset in finished.items() if offset > self._kept.get(number, -1)}

    def _places(self, offsets: dict[int, int]) -> list[TopicPartition]:
        # What is kept is the next to read, as every other consumer of Kafka has it.
        return [TopicPartition(self._topic.name, number, offset + 1) for number, offset in offsets.items()]

    # --- partitions come and go

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        # Asked for here: left to librdkafka, an answer of a former coordinator leaves a partition unread for ever.
        found = self._ask_kept(consumer, places)
        for place in found or []:
            if place.offset == OFFSET_INVALID:
                self._lose(place.partition, "no offset is stored")
        consumer.incremental_assign(found or places)
        with self._lock:
            self._partitions |= {place.partition for place in places}

    def _ask_kept(self, consumer: Consumer, places: list[TopicPartition]) -> list[TopicPartition] | None:
        """Where the group goes on; asked until it is answered, None where the reader stops before that."""
        while not self._stop.is_set():
            try:
                found = consumer.committed(places, ANSWER_SECONDS)
            except KafkaException as cause:
                error: KafkaError | None = error_of(cause)
            else:
                error = next((place.error for place in found if place.error), None)
            if error is None:
                return found
            if not is_away(error):
                raise KafkaException(error)
            self._stop.wait(POLL_SECONDS)
        return None

    def _revoked(self, _: Consumer, places: Sequence[TopicPartition]) -> None:
        if not (offsets := self._drop(places)):
            return
        try:
            self._consumer.commit(offsets=self._places(offsets), asynchronous=False)
        except KafkaException as cause:
            logger.warning("%s could not keep what it finished, it is read again: %s", self.group, cause)

    def _lost(self, _: Consumer, places: Sequence[TopicPartition]) -> None:
        self._drop(places)

    def _drop(self, places: Sequence[TopicPartition]) -> dict[int, int]:
        """Forget partitions; answers what was finished of them and not kept."""
        gone = {place.partition for place in places}
        with self._lock:
            self._partitions -= gone
            self._records = deque(record for record in self._records if record.partition not in gone)
            finished = {number: self._finished.pop(number) for number in gone & self._finished.keys()}
            for number in gone:
                self._first.pop(number, None)
        unkept = self._unkept(finished)
        for number in gone:
            self._kept.pop(number, None)
        return unkept


def _settle(waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
    for done in waiting:
        if not done.done():
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)
