"""Kafka without ZooKeeper for tests: one broker, or a cluster of them."""

import base64
import subprocess
import uuid
from collections.abc import Sequence
from functools import partial

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers.jvm import CONF, JvmNode
from tests.servers.node import Cluster
from tests.servers.patience import wait_until
from tests.servers.ports import free_port, listens

SETTINGS = CONF / "kafka"


def _new_cluster_id() -> str:
    """An id as Kafka writes them; a leading dash would be read as an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


class Kafka(JvmNode):
    """One broker, alone or of a cluster.

    `voters` are the brokers that elect the controller, itself alone at first.
    """

    name = "kafka"
    version = "4.3.1"

    def __init__(self, *, number: int = 1, cluster_id: str | None = None, copies: int = 1) -> None:
        super().__init__(port=free_port())
        self.number, self.copies = number, copies
        self.internal_port, self.controller_port = free_port(), free_port()
        self.voters: Sequence[Kafka] = (self,)
        self._cluster_id = cluster_id or _new_cluster_id()

    def prepare(self) -> None:
        """Write the configuration and format the log's folder with it."""
        listeners = {"PLAINTEXT": self.port, "INTERNAL": self.internal_port}
        leads = self in self.voters
        own = {
            "process.roles": "broker,controller" if leads else "broker",
            "node.id": self.number,
            "controller.quorum.voters": ",".join(
                f"{one.number}@127.0.0.1:{one.controller_port}" for one in self.voters
            ),
            "listeners": ",".join(
                f"{name}://127.0.0.1:{port}"
                for name, port in (listeners | ({"CONTROLLER": self.controller_port} if leads else {})).items()
            ),
            "advertised.listeners": f"PLAINTEXT://{self.clients_at},INTERNAL://127.0.0.1:{self.internal_port}",
            "log.dirs": self.folder / "data",
            "default.replication.factor": self.copies,
            "min.insync.replicas": max(1, self.copies - 1),
            "offsets.topic.replication.factor": self.copies,
            "transaction.state.log.replication.factor": self.copies,
            "transaction.state.log.min.isr": max(1, self.copies - 1),
            "share.coordinator.state.topic.replication.factor": self.copies,
            "share.coordinator.state.topic.min.isr": max(1, self.copies - 1),
        }
        text = (SETTINGS / "server.properties").read_text() + "".join(
            f"{name}={value}\n" for name, value in own.items()
        )
        (self.folder / "server.properties").write_text(text)
        command = self._java("kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c", "server.properties")
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"kafka's folder was not formatted:\n{done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        """The broker in the foreground."""
        return self._java("kafka.Kafka", "server.properties", archived=True)

    def answers(self) -> bool:
        """Whether clients are told of it as a broker that serves."""
        return listens("127.0.0.1", self.port) and self.number in brokers(f"127.0.0.1:{self.port}")

    def _java(self, *arguments: str, archived: bool = False) -> list[str]:
        return self.jvm(f"-Dlog4j2.configurationFile={SETTINGS / 'log4j2.properties'}", *arguments, archived=archived)


class KafkaCluster(Cluster[Kafka]):
    """Several brokers, each record on all of them; one may be away and sends go on.

    With one voter, brokers 2 and up may be killed and the controller stays; with as
    many voters as brokers, any minority may.
    """

    def __init__(self, size: int = 3, *, voters: int | None = None) -> None:
        cluster_id = _new_cluster_id()
        self.nodes = [Kafka(number=number, cluster_id=cluster_id, copies=size) for number in range(1, size + 1)]
        for node in self.nodes:
            node.heap = "384m"
            node.voters = self.nodes[: voters or size]

    def know_each_other(self) -> None:
        """Wait until each tells clients of all."""
        numbers = {node.number for node in self.nodes}
        for node in self.nodes:
            wait_until(partial(_knows, node, numbers), seconds=20, story="the brokers know each other")


def _knows(node: Kafka, numbers: set[int]) -> bool:
    return brokers(node.address) == numbers


def brokers(address: str) -> set[int]:
    """The numbers of the brokers that a client is told of; none where nobody answers."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        return set(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return set()
