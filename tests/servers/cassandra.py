"""Cassandra 5 for tests: one node, or a cluster of them on 127.0.0.1 and up."""

import json
from collections.abc import Sequence

from tests.servers import cql
from tests.servers.jvm import CONF, JvmNode
from tests.servers.node import Cluster
from tests.servers.patience import wait_until
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy

SETTINGS = CONF / "cassandra"
KEEP_EACH_WRITE = {"commitlog_sync": "batch"}  # An ack is on the disk.
KEEP_LATER = {"commitlog_sync": "periodic", "commitlog_sync_period": "1s"}


class Cassandra(JvmNode):
    """One node, alone or of a cluster; a kill loses what it acked in the last second, except where `durable`.

    It leads clients to any host, but to its own port there.
    """

    name = "cassandra"
    version = "5.0.9"

    def __init__(
        self, *, host: str = "127.0.0.1", ports: tuple[int, int] | None = None, token: int = 0,
        durable: bool = False,
    ) -> None:  # fmt: skip
        port, self.storage_port = ports or (free_port(hosts=(host,)), free_port(hosts=(host,)))
        super().__init__(host=host, port=port)
        self.seeds: Sequence[Cassandra] = (self,)
        self._token, self._durable = token, durable

    def proxied(self) -> Proxy:
        """A proxy at its port on a host of its own (127.0.1.1 before 127.0.0.1), that clients are led to."""
        proxy = Proxy(self.host, self.port, at=self.host.replace("127.0.0.", "127.0.1."), at_port=self.port)
        self.clients_at = proxy.address
        return proxy

    def prepare(self) -> None:
        """Write the configuration; the data comes with the first start."""
        seeds = ",".join(f"{one.host}:{one.storage_port}" for one in self.seeds)
        own = {
            "seed_provider": [
                {"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": [{"seeds": seeds}]}
            ],
            "listen_address": self.host,
            "rpc_address": self.host,
            "broadcast_rpc_address": self.clients_at.partition(":")[0],
            "storage_port": self.storage_port,
            "native_transport_port": self.port,
            "initial_token": self._token,
            "hinted_handoff_enabled": False,  # A hint may come late or never: what a quorum knows must not rest on it.
            **(KEEP_EACH_WRITE if self._durable else KEEP_LATER),
        }
        lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in own.items())  # JSON is YAML.
        (self.folder / "cassandra.yaml").write_text((SETTINGS / "cassandra.yaml").read_text() + lines)

    def command(self) -> list[str]:
        """The node in the foreground."""
        properties = {
            "java.net.preferIPv4Stack": "true",
            "io.netty.tryReflectionSetAccessible": "true",
            "cassandra.config": f"file://{self.folder}/cassandra.yaml",
            "logback.configurationFile": f"file://{SETTINGS}/logback.xml",
            "cassandra.storagedir": f"{self.folder}/data",
            "cassandra-foreground": "yes",
            "cassandra.memtable.row_overhead_size": "180",  # Measuring it takes most of a start.
            "cassandra.shutdown_announce_in_ms": "0",
            "cassandra.skip_wait_for_gossip_to_settle": "0",
        }
        flags = [f"-D{name}={value}" for name, value in properties.items()]
        jamm = next(jar for jar in self.jars() if jar.name.startswith("jamm-"))
        return self.jvm(
            "-Xss512k", f"-javaagent:{jamm}", f"@{SETTINGS}/jvm17.args", *flags,
            "org.apache.cassandra.service.CassandraDaemon", archived=True,
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether it speaks CQL."""
        return cql.speaks(self.host, self.port)

    def reaches_all(self) -> bool:
        """Whether it can read from every node of its cluster."""
        return cql.reaches_all(self.host, self.port)


class CassandraCluster(Cluster[Cassandra]):
    """Several nodes that each can hold all rows; with three, quorums go on while one is away."""

    def __init__(self, size: int = 3, *, durable: bool = True) -> None:
        hosts = tuple(f"127.0.0.{number}" for number in range(1, size + 1))
        ports = free_port(hosts=hosts), free_port(hosts=hosts)
        self.nodes = [
            Cassandra(host=host, ports=ports, token=number * 2**64 // size - 2**63 + 1, durable=durable)
            for number, host in enumerate(hosts)
        ]
        for node in self.nodes:
            node.heap = "256m"
            node.seeds = self.nodes

    def know_each_other(self) -> None:
        """Wait until each can read from all."""
        for node in self.nodes:
            wait_until(node.reaches_all, seconds=60, story="the nodes know each other")
