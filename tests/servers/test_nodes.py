"""Each server starts, answers, dies, comes back and leaves nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from cassandra.cluster import Cluster
from confluent_kafka.admin import AdminClient

from tests.servers import cql
from tests.servers.__main__ import KINDS
from tests.servers.cassandra import Cassandra, CassandraCluster
from tests.servers.kafka import Kafka, KafkaCluster, brokers
from tests.servers.node import Node
from tests.servers.patience import wait_until
from tests.servers.postgres import Postgres
from tests.servers.processes import born, family
from tests.servers.redis import Redis, RedisPair

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_killed_server_comes_back_and_leaves_nothing(kind: Callable[[], Node]) -> None:
    with kind() as node:
        pids, address, folder = family(node.pid), node.address, node.folder
        assert node.answers()
        node.kill()
        assert not node.answers()
        assert not any(born(pid) for pid in pids)
        node.start()
        assert node.answers()
        assert node.address == address
        node.restart()
        assert node.answers()
        pids += family(node.pid)
    assert not any(born(pid) for pid in pids)
    assert not folder.exists()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_paused_server_is_silent_until_it_goes_on(kind: Callable[[], Node]) -> None:
    with kind() as node:
        node.pause()
        assert not node.answers()
        node.resume()
        wait_until(node.answers, seconds=20, story="it goes on")
        node.pause()
    assert not node.runs


def test_a_paused_postgres_freezes_connections_that_are_open() -> None:
    with Postgres() as postgres, psycopg.connect(postgres.address) as connection, ThreadPoolExecutor(1) as thread:
        postgres.pause()
        answer = thread.submit(connection.execute, "SELECT 1")
        with pytest.raises(TimeoutError):
            answer.result(0.3)
        postgres.resume()
        assert answer.result(10).fetchone() == (1,)


def test_kafka_leads_clients_to_its_proxy() -> None:
    kafka = Kafka()
    with kafka.proxied() as proxy, kafka:
        assert kafka.address == proxy.address
        client = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
        assert [f"{one.host}:{one.port}" for one in client.list_topics(timeout=5).brokers.values()] == [proxy.address]
        proxy.cut()
        assert not brokers(kafka.address)
        wait_until(kafka.answers, seconds=20, story="the broker answers beside its proxy")


def test_cassandra_leads_clients_to_its_proxy() -> None:
    cassandra = Cassandra()
    with cassandra.proxied() as proxy, cassandra:
        assert cassandra.address == proxy.address
        with Cluster([proxy.host], port=proxy.port) as cluster, cluster.connect() as session:
            assert session.execute("SELECT rpc_address FROM system.local").one().rpc_address == proxy.host
        proxy.cut()
        assert not cql.speaks(proxy.host, proxy.port)
        assert cassandra.answers()


@pytest.mark.parametrize(("durable", "kept"), [(True, "$1\r\n1"), (False, "$-1")])
def test_redis_comes_back_with_its_keys_only_where_it_is_durable(durable: bool, kept: str) -> None:
    with Redis(durable=durable) as redis:
        redis.ask("SET key 1")
        redis.kill()
        redis.start()
        assert redis.ask("GET key") == kept


def test_a_lagging_replica_leads_without_what_it_did_not_hear() -> None:
    with RedisPair() as pair:
        pair.master.ask("SET early 1")
        wait_until(lambda: pair.replica.ask("GET early") == "$1\r\n1", seconds=5, story="the replica hears")
        pair.lag()
        pair.master.ask("SET late 1")
        pair.fail_over()
        assert pair.ask("GET early") == "$1\r\n1"
        assert pair.ask("GET late") == "$-1"
        assert pair.ask("SET more 1") == "+OK"


def test_brokers_know_who_is_away_and_who_came_back() -> None:
    with KafkaCluster() as kafka:
        first, second, third = kafka.nodes
        second.kill()
        wait_until(lambda: brokers(first.address) == {1, 3}, seconds=20, story="the second is missed")
        second.start()
        wait_until(lambda: brokers(third.address) == {1, 2, 3}, seconds=20, story="the second is back")


def test_the_sole_voter_outlives_the_other_brokers() -> None:
    with KafkaCluster(voters=1) as kafka:
        first, second, third = kafka.nodes
        second.kill()
        third.kill()
        wait_until(lambda: brokers(first.address) == {1}, seconds=20, story="the others are missed")


def test_a_node_of_three_is_missed_and_comes_back() -> None:
    with CassandraCluster() as cassandra:
        first, second, _ = cassandra.nodes
        second.kill()
        assert not first.reaches_all()
        second.start()
        wait_until(first.reaches_all, seconds=30, story="the second is back")
