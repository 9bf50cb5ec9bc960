"""The event log in a Kafka topic, for the shape cluster.

A record is durable once `min.insync.replicas` brokers have it. There are no
unique keys: a record may stand twice, and who reads drops by its event id. What
Django's database knows of it is which topic it is, under which generation, and
where each group began.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from functools import partial

from confluent_kafka import KafkaException, Message
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import DomainError, TooLarge
from chatsite.kernel.eventlog import Appended, Positions
from chatsite.kernel.eventlog.kafka import registry
from chatsite.kernel.eventlog.kafka.answers import Recent
from chatsite.kernel.eventlog.kafka.clients import Options, client, error_of, refusals
from chatsite.kernel.eventlog.kafka.producer import Flight, Sender
from chatsite.kernel.eventlog.kafka.reader import KafkaGroupReader
from chatsite.kernel.eventlog.kafka.records import headers_of, offset_after, partition_of, pos_of, record_of
from chatsite.kernel.eventlog.kafka.scan import scan
from chatsite.kernel.eventlog.kafka.topic import DEAD_LETTERS, Topic, TopicAdmin
from chatsite.kernel.events import NewRecord, Record
from chatsite.kernel.servers import Description

logger = logging.getLogger(__name__)

ENDS_SECONDS, COMMITTED_SECONDS = 0.05, 0.1  # how old an answer about the log's ends and about groups may be


class KafkaEventLog:
    """EventLog over one topic."""

    def __init__(self, servers: str, topic: str, group_prefix: str, options: Mapping[str, str]) -> None:
        self.name = topic
        self._client: Options = client(servers, options)
        self._prefix = group_prefix
        self._found: Topic | None = None
        self._made_admin: TopicAdmin | None = None
        self._sender: Sender | None = None
        self._opening: asyncio.Task[None] | None = None
        self._readers: set[KafkaGroupReader] = set()
        self._ends = Recent(self._ask_ends, seconds=ENDS_SECONDS)
        self._floors = Recent(self._ask_floors, seconds=ENDS_SECONDS)
        self._committed: dict[str, Recent[dict[int, int]]] = {}  # one a group
        self._told = ""  # why it does not open

    async def open(self) -> str:
        return (await self._open()).identity

    def partition_of(self, key: str) -> int:
        return partition_of(key, self._topic.partitions)

    def append(self, record: NewRecord) -> asyncio.Future[Appended]:
        flight = Flight(
            self.name,
            key=record.key,
            raw_key=record.key.encode(),
            value=record.value,
            headers=headers_of(record),
            since=time.monotonic(),
        )
        if self._found and flight.size > self._found.max_bytes:
            flight.future.set_exception(TooLarge(f"The record is larger than {self._found.max_bytes} bytes."))
            return flight.future
        return self._ready_sender().send(flight)

    async def read(self, group: str) -> KafkaGroupReader:
        topic = await self._open()
        await in_db_thread(registry.start_group, self._admin, topic, self._prefix + group)
        reader = KafkaGroupReader(self._client, topic, group, group_id=self._prefix + group, on_close=self._forget)
        self._readers.add(reader)
        return reader

    async def progress(self, group: str) -> Positions:
        topic, finished = await self._open(), await self._finished(group)
        return {number: pos_of(topic.generation, finished.get(number, -1)) for number in range(topic.partitions)}

    async def behind(self, group: str) -> int:
        newest, finished, floors = await self._newest(), await self._finished(group), await self._floors.get()
        # Nobody finishes what is gone: a group that never started begins at the floor.
        done = {number: max(finished.get(number, -1), floors[number] - 1) for number in newest}
        return sum(max(0, offset - done[number]) for number, offset in newest.items())

    async def ends(self) -> Positions:
        topic, newest = await self._open(), await self._newest()
        return {number: pos_of(topic.generation, offset) for number, offset in newest.items()}

    async def floors(self) -> Positions:
        topic = await self._open()
        return {number: pos_of(topic.generation, first - 1) for number, first in (await self._floors.get()).items()}

    async def find(self, unique_key: str) -> Record | None:
        return None

    async def newest(self, *, limit: int) -> list[Record]:
        topic = await self._open()
        ends, floors = await self._ask_ends(), await self._floors.get()
        ranges = {number: (max(floors[number], end - limit), end) for number, end in ends.items()}
        return await self._scan(topic, ranges, limit=limit * topic.partitions)

    async def key_records(self, key: str, *, after: int, limit: int) -> list[Record]:
        topic = await self._open()
        number, raw = self.partition_of(key), key.encode()
        first = max(offset_after(after, generation=topic.generation), (await self._floors.get())[number])
        ranges = {number: (first, (await self._ask_ends())[number])}
        return await self._scan(topic, ranges, limit=limit, key=raw)

    async def park(self, record: Record, *, group: str, reason: str) -> None:
        topic = await self._open()
        place = {record.partition: (record.offset, record.offset + 1)}
        read = await asyncio.to_thread(scan, self._client, self.name, place, wanted=_any, limit=1)
        origin = [
            ("dlqReason", reason.encode()),
            ("dlqGroup", group.encode()),
            ("dlqTopic", self.name.encode()),
            ("dlqPartition", str(record.partition).encode()),
            ("dlqOffset", str(record.offset).encode()),
        ]
        flight = Flight(
            topic.name + DEAD_LETTERS,
            key=f"{topic.name}{DEAD_LETTERS}:{record.partition}",
            raw_key=read[0].key() if read else record.key.encode(),  # The topic may have dropped it since.
            value=read[0].value() if read else record.value,
            headers=[*((read and read[0].headers()) or []), *origin],
            since=time.monotonic(),
        )
        await self._ready_sender().send(flight)

    async def rewind(self, group: str) -> None:
        topic = await self._open()
        await in_db_thread(registry.start_over, self._admin, topic, self._prefix + group)
        self._committed.pop(group, None)

    async def trim(self, *, now_ms: int, below: Positions, groups: Collection[str]) -> int:
        return 0  # The brokers drop what is older than the topic's retention.

    async def describe(self) -> Description:
        admin, letters = self._admin, TopicAdmin(self._client, self.name + DEAD_LETTERS)
        with refusals():
            return await in_db_thread(registry.describe, admin, letters)

    async def close(self) -> None:
        for reader in [*self._readers]:
            await reader.close()
        if self._opening:
            self._opening.cancel()
        if self._sender:
            await self._sender.close()
        self._sender = self._opening = None
        if self._made_admin:
            await asyncio.to_thread(self._made_admin.close)

    def migrate(self, *, partitions: int, replication: int, accept_new_topic: bool) -> Iterator[str]:
        """Make and register the topic where it is missing; tells line by line. Blocking, for commands."""
        letters = TopicAdmin(self._client, self.name + DEAD_LETTERS)
        return registry.migrate(
            self._admin, letters, partitions=partitions, replication=replication, accept_new_topic=accept_new_topic
        )

    # --- which topic it is

    @property
    def _topic(self) -> Topic:
        if self._found is None:
            raise RuntimeError("The event log is not open yet.")
        return self._found

    @property
    def _admin(self) -> TopicAdmin:
        if self._made_admin is None:  # Not before it is used: its threads must not be forked.
            try:
                self._made_admin = TopicAdmin(self._client, self.name)
            except KafkaException as cause:
                raise ImproperlyConfigured(f"Kafka's client cannot be set up so: {error_of(cause).str()}") from cause
        return self._made_admin

    async def _open(self) -> Topic:
        if self._found is None:
            admin = self._admin
            with refusals():
                self._found = await in_db_thread(registry.require_topic, admin)
        self._ready_sender().ready(self._found)
        return self._found

    def _ready_sender(self) -> Sender:
        """The sender of the running loop; what it gets before the log is open waits for that."""
        loop = asyncio.get_running_loop()
        if self._sender is None or self._sender.loop is not loop:
            self._sender, self._opening = Sender(self._client), None
            if self._found:
                self._sender.ready(self._found)
        if self._found is None and (self._opening is None or self._opening.done()):
            self._opening = loop.create_task(self._open_for(self._sender))
        return self._sender

    async def _open_for(self, sender: Sender) -> None:
        try:
            await self._open()
            self._told = ""
        except (DomainError, ImproperlyConfigured, KafkaException, DatabaseError, InterfaceError) as error:
            if self._told != (told := str(error)):  # Each send tries again: it is said once.
                self._told = told
                logger.error("The event log does not open, sends are refused: %s", told)
            sender.refuse_all()

    def _forget(self, reader: KafkaGroupReader) -> None:
        self._readers.discard(reader)
        self._committed.pop(reader.group, None)

    # --- reads apart from groups

    async def _newest(self) -> dict[int, int]:
        """The offset of each partition's newest record, -1 where there is none."""
        await self._open()
        newest = {number: end - 1 for number, end in (await self._ends.get()).items()}
        # What this process has appended counts at once, whatever the answer's age.
        mine = self._sender.ends if self._sender else {}
        return {number: max(offset, mine.get(number, -1)) for number, offset in newest.items()}

    async def _finished(self, group: str) -> dict[int, int]:
        """The newest offset that a group has finished of each partition where it has one."""
        await self._open()
        ask = partial(self._ask_committed, group)
        recent = self._committed.setdefault(group, Recent(ask, seconds=COMMITTED_SECONDS))
        finished = {number: offset - 1 for number, offset in (await recent.get()).items()}
        for reader in self._readers:
            if reader.group == group:
                for number, offset in reader.finished_offsets.items():
                    finished[number] = max(offset, finished.get(number, -1))
        return finished

    async def _ask_ends(self) -> dict[int, int]:
        with refusals():
            return await self._admin.ends(self._topic.partitions)

    async def _ask_floors(self) -> dict[int, int]:
        with refusals():
            return await self._admin.floors(self._topic.partitions)

    async def _ask_committed(self, group: str) -> dict[int, int]:
        with refusals():
            return await self._admin.committed(self._prefix + group, self._topic.partitions)

    async def _scan(
        self, topic: Topic, ranges: Mapping[int, tuple[int, int]], *, limit: int, key: bytes | None = None
    ) -> list[Record]:
        def of_key(message: Message) -> bool:
            return message.key() == key

        wanted = _any if key is None else of_key
        read = await asyncio.to_thread(scan, self._client, self.name, ranges, wanted=wanted, limit=limit)
        return [record_of(message, generation=topic.generation) for message in read]


def _any(_: Message) -> bool:
    return True
