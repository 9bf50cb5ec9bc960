"""A system on servers of its own: each process may be killed, frozen and started again.

    stack.serving[0].kill()
    stack.redis.master.pause()

Two processes serve; history writers and delivery workers are two each; one more
runs the other groups. `heal` has everything run again as at first.
"""

import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from tests import installations
from tests.contract.kafka import consumer_partitions
from tests.installations import environment_of
from tests.keyspaces import named
from tests.preloaded import ROOT
from tests.servers.cassandra import Cassandra, CassandraCluster
from tests.servers.kafka import Kafka, KafkaCluster
from tests.servers.node import Node, start_all
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.redis import RedisPair
from tests.world import Server, manage

NAME = "chat"  # of topic and keyspace
GROUPS = ("history-writers", "delivery-workers", "previews")
PARTITIONS = 64  # of the event log in PostgreSQL
LARGE = 100_000  # times seven bytes: what the topic just takes
S = TypeVar("S", bound="Stack")


class Part(Node):
    """One process of ours; `bug` plants a defect with its next start (tests.planted)."""

    name = "part"

    def __init__(self, *arguments: str, folder: Path) -> None:
        super().__init__(port=free_port())
        self.bug: str | None = None
        self._arguments = arguments
        self._installation = folder

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the installation."""
        return environment_of(self._installation) | {"PYTHONPATH": str(ROOT), "PORT": str(self.port)}

    def prepare(self) -> None:
        """What it needs stands in the installation."""

    def command(self) -> list[str]:
        """The management command in the foreground."""
        module = ["-m", "tests.planted", self.bug] if self.bug else [str(ROOT / "manage.py")]
        return [sys.executable, *module, *self._arguments]

    def answers(self) -> bool:
        """Whether this very process has said that it runs."""
        return f"(pid {self.pid})" in self.log()


class Stack(Server):
    """An installation and its processes, beside the servers that it stands on."""

    def __init__(self, template: Path, folder: Path, *, postgres: Postgres, redis: RedisPair) -> None:
        super().__init__(template, folder)
        self.postgres, self.redis = postgres, redis
        self.serving = [Part("serve", folder=folder) for _ in range(2)]
        self.history = [Part("project", "history-writers", folder=folder) for _ in range(2)]
        self.delivery = [Part("project", "delivery-workers", folder=folder) for _ in range(2)]
        self.others = Part(
            "project", "previews", "search", "webhooks", "moderation", "notifications", "relay", folder=folder
        )
        self.ports = [part.port for part in self.serving]
        self._open_to = self.serving

    @property
    def parts(self) -> list[Part]:
        """All processes of ours."""
        return [*self.serving, *self.history, *self.delivery, self.others]

    @property
    def nodes(self) -> list[Node]:
        """The servers that it stands on."""
        return [self.postgres, self.redis.master]

    @property
    def urls(self) -> list[str]:
        """Where clients may go now; while nobody is there they try in vain."""
        there = [part for part in self._open_to if part.runs] or self._open_to
        return [f"http://127.0.0.1:{part.port}" for part in there]

    @contextmanager
    def through(self, *serving: Part) -> Iterator[None]:
        """Let clients come to some of the servers alone."""
        before, self._open_to = self._open_to, list(serving)
        try:
            yield
        finally:
            self._open_to = before

    def start(self, *, bug: str | None = None) -> None:
        """Start all processes beside each other."""
        for part in self.parts:
            part.bug = bug
        start_all(self.parts)

    def heal(self) -> None:
        """Start what does not run, and anew what was planted."""
        for part in self.parts:
            if part.bug:
                part.stop()  # As it should: what it leased is free at once.
                part.bug = None
        for kind in (self.nodes, self.parts):
            for node in kind:
                if node.runs:
                    node.resume()
            if gone := [node for node in kind if not node.runs]:
                start_all(gone)
        (self.folder / "armed").unlink(missing_ok=True)

    @contextmanager
    def one_more(self, *arguments: str) -> Iterator[Part]:
        """A process more, for a while."""
        with Part(*arguments, folder=self.folder) as part:
            yield part

    def roll(self, parts: Sequence[Part]) -> None:
        """Restart some processes one after the other, as an operator does."""
        for part in parts:
            part.restart()

    def plant(self, bug: str, parts: Sequence[Part]) -> None:
        """Start some processes anew with a defect, or a fault to come."""
        for part in parts:
            part.stop()
            part.bug = bug
        start_all(parts)

    def arm(self) -> None:
        """Have a planted crash or fault happen at its next chance."""
        (self.folder / "armed").touch()

    def log(self) -> str:
        """What the processes wrote to their logs so far."""
        return "".join(part.log() for part in self.parts)

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What PostgreSQL answers to a statement; committed."""
        with psycopg.connect(self.postgres.address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def poison(self, chat: str) -> None:
        """Append a record to a chat's partition that nobody can read."""
        partition = zlib.crc32(chat.encode()) % PARTITIONS
        self.sql(
            "WITH at AS (UPDATE messages.log_partitions SET head = head + 1 WHERE partition = %s RETURNING head)"
            " INSERT INTO messages.log_records"
            " (partition, log_offset, record_key, event_type, event_id, value, appended_ms)"
            " SELECT %s, head, %s, 'chat.message.sent.v1', 'poison', 'no JSON', %s FROM at",
            partition, partition, chat, time.time_ns() // 1_000_000,
        )  # fmt: skip

    def parked(self) -> set[str]:
        """The groups that have parked a record as unreadable."""
        return {str(group) for (group,) in self.sql("SELECT group_name FROM messages.log_dead_letters")}

    def forget_offsets(self) -> None:
        """Set the offsets of all groups of the event log back to 0, as of readers that are gone."""
        self.sql("UPDATE messages.log_group_offsets SET log_offset = 0, holder = ''")
        self.sql("DELETE FROM messages.log_group_members")

    def stored(self, chat: str) -> list[str]:
        """The ids of a chat's messages in the store itself, in order."""
        statement = "SELECT message_id FROM messages.history_messages WHERE channel_id = %s ORDER BY message_id"
        return [str(found) for (found,) in self.sql(statement, chat)]

    def close(self) -> None:
        """End all processes."""
        for part in self.parts:
            part.close()


class Cluster(Stack):
    """The same on Kafka and Cassandra: one node of each, or three with three copies."""

    def __init__(
        self, template: Path, folder: Path, *, postgres: Postgres, redis: RedisPair,
        brokers: Sequence[Kafka], stores: Sequence[Cassandra],
    ) -> None:  # fmt: skip
        super().__init__(template, folder, postgres=postgres, redis=redis)
        self.brokers, self.stores = brokers, stores

    @property
    def nodes(self) -> list[Node]:
        """The servers that it stands on."""
        return [*super().nodes, *self.brokers, *self.stores]

    def poison(self, chat: str) -> None:
        """Append two records that nobody can read to a chat's partition, one almost too large for the topic."""
        headers = {"eventType": b"chat.message.sent.v1", "eventId": b"poison"}
        producer = Producer({"bootstrap.servers": self.brokers[0].address, "partitioner": "murmur2_random"})
        for value in (b"no JSON", b"no JSON" * LARGE):
            producer.produce(NAME, value, chat.encode(), headers=[*headers.items()])
        assert not producer.flush(10)

    def parked(self) -> set[str]:
        """The groups that have parked a record as unreadable."""
        options = {"bootstrap.servers": self.brokers[0].address, "group.id": "looks", "auto.offset.reset": "earliest"}
        consumer = Consumer(options)
        letters = f"{NAME}.dlq"
        consumer.assign([TopicPartition(letters, number, 0) for number in consumer_partitions(consumer, letters)])
        found = [dict(letter.headers() or [])["dlqGroup"] for letter in consumer.consume(100, timeout=1)]
        consumer.close()
        return {group.decode() if isinstance(group, bytes) else str(group) for group in found}

    def forget_offsets(self) -> None:
        """Set the offsets of all groups of the event log back to 0; none of their processes runs."""
        for group in GROUPS:
            manage(self.folder, "project", "--replay", group)

    def stored(self, chat: str) -> list[str]:
        """The ids of a chat's messages in the store itself, in order."""
        host, _, port = self.stores[0].address.partition(":")
        with named("faults", keyspace=NAME, host=host, port=int(port)) as cql:
            where = f"WHERE channel_id = {chat}"
            buckets = cql.define(f"SELECT bucket FROM {NAME}.channel_buckets {where}")
            rows = [
                row
                for (bucket,) in buckets
                for row in cql.define(f"SELECT message_id FROM {NAME}.messages {where} AND bucket = {bucket}")
            ]
        return [str(found) for found in sorted(found for (found,) in rows)]


@contextmanager
def standard(folder: Path) -> Iterator[Stack]:
    """The shape standard: PostgreSQL, and a Redis with a replica."""
    with Postgres() as postgres, RedisPair() as redis:
        servers = installations.servers_of("standard", NAME, database=postgres.address, redis=f"{redis.address}/0")
        with _running(Stack(_template(folder, servers), folder / "data", postgres=postgres, redis=redis)) as stack:
            yield stack


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """The shape cluster with one node of each kind."""
    with ExitStack() as nodes:
        kafka, cassandra = Kafka(), Cassandra(durable=True)
        for node in (kafka, cassandra):
            nodes.callback(node.close)
        start_all([kafka, cassandra])
        yield nodes.enter_context(_clustered(folder, brokers=[kafka], stores=[cassandra]))


@contextmanager
def replicated(folder: Path) -> Iterator[Cluster]:
    """The shape cluster with three nodes and three copies; the first broker leads the others and stays."""
    with ExitStack() as nodes:
        kafka, cassandra = nodes.enter_context(KafkaCluster(3, voters=1)), nodes.enter_context(CassandraCluster(3))
        yield nodes.enter_context(_clustered(folder, brokers=kafka.nodes, stores=cassandra.nodes))


@contextmanager
def _clustered(folder: Path, *, brokers: Sequence[Kafka], stores: Sequence[Cassandra]) -> Iterator[Cluster]:
    with Postgres() as postgres, RedisPair() as redis:
        servers = installations.servers_of(
            "cluster",
            NAME,
            database=postgres.address,
            redis=f"{redis.address}/0",
            kafka=",".join(broker.address for broker in brokers),
            cassandra=",".join(store.address for store in stores),
            copies=len(brokers),
        )
        template = _template(folder, servers | {"SCYLLA_KEYSPACE": NAME})
        made = Cluster(template, folder / "data", postgres=postgres, redis=redis, brokers=brokers, stores=stores)
        with _running(made) as stack:
            yield stack


@contextmanager
def _running(stack: S) -> Iterator[S]:
    try:
        stack.start()
        yield stack
    finally:
        stack.close()


def _template(folder: Path, servers: dict[str, str]) -> Path:
    """A data folder that names the servers; tables and people are made there."""
    template = folder / "template"
    template.mkdir()
    installations.keep(template, servers | installations.keys_of(template))
    manage(template, "migrate_all", "-v", "0")
    manage(template, module="tests.people")
    return template
