"""Redis for tests: one, a master with a replica, or a cluster of six."""

import subprocess
from contextlib import ExitStack
from typing import Self

from tests.servers.node import Node
from tests.servers.patience import wait_until
from tests.servers.ports import ask, free_port
from tests.servers.programs import on_path, require_program
from tests.servers.proxy import Proxy

DATABASES = 4096  # each test takes one of its own


class Redis(Node):
    """One Redis; it comes back empty from a kill, except where `durable`."""

    name = "redis"

    def __init__(self, *, durable: bool = False, master: int | None = None) -> None:
        super().__init__(port=free_port())
        self._durable, self._master = durable, master

    @property
    def address(self) -> str:
        """Its address without a database number."""
        return f"redis://{self.clients_at}"

    def prepare(self) -> None:
        """Everything is said in the command."""

    def command(self) -> list[str]:
        """The server in the foreground."""
        program = require_program(on_path("redis-server"), package="redis-server")
        following = [] if self._master is None else ["--replicaof", f"127.0.0.1 {self._master}"]
        return [
            str(program), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder),
            "--databases", str(DATABASES), "--maxmemory", "512mb", "--maxmemory-policy", "noeviction",
            "--save", "", "--appendonly", "yes" if self._durable else "no", "--appendfsync", "always",
            "--repl-diskless-sync-delay", "0", *following,
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether it has read its files and answers."""
        return self.ask("PING") == "+PONG"

    def ask(self, command: str) -> str:
        """What it answers to a command; nothing where it is away."""
        return _ask(self.port, command)

    def follow(self, master: "Redis") -> None:
        """Become a replica, which has what the other has and nothing else."""
        if (answer := self.ask(f"REPLICAOF 127.0.0.1 {master.port}")) != "+OK":
            raise RuntimeError(f"redis does not follow: {answer}")
        self.wait_for_master()

    def wait_for_master(self) -> None:
        """Wait until a replica has what its master has."""
        wait_until(
            lambda: "master_link_status:up" in self.ask("INFO replication"), seconds=20, story="the replica follows"
        )

    def promote(self) -> None:
        """Make a replica a master."""
        if (answer := self.ask("REPLICAOF NO ONE")) != "+OK":
            raise RuntimeError(f"redis was not promoted: {answer}")


class RedisOfCluster(Redis):
    """One server of a Redis Cluster; it comes back with its place in it, and without its keys."""

    def __init__(self) -> None:
        super().__init__()
        self._bus = free_port()

    def command(self) -> list[str]:
        """The server in the foreground."""
        return [
            *super().command(), "--databases", "1", "--cluster-enabled", "yes", "--cluster-port", str(self._bus),
            "--cluster-node-timeout", "1000", "--cluster-config-file", "nodes.conf",
        ]  # fmt: skip


class RedisCluster:
    """Six servers: three have the slots, each with a replica."""

    def __init__(self) -> None:
        self.nodes = [RedisOfCluster() for _ in range(6)]
        self._open = ExitStack()

    @property
    def address(self) -> str:
        """Where clients begin."""
        return f"redis-cluster://127.0.0.1:{self.nodes[0].port}"

    def primary_of(self, key: str) -> RedisOfCluster:
        """The server that has a key now."""
        for node in self.nodes:
            if node.runs and node.ask(f"EXISTS {key}")[:1] == ":" and "role:master" in node.ask("INFO replication"):
                return node
        raise RuntimeError(f"nobody has {key}")

    def primaries(self) -> list[RedisOfCluster]:
        """The servers that have slots now."""
        return [node for node in self.nodes if node.runs and "role:master" in node.ask("INFO replication")]

    def wait_until_whole(self) -> None:
        """Wait until every slot is served, as every server sees it."""
        wait_until(
            lambda: all("cluster_state:ok" in node.ask("CLUSTER INFO") for node in self.nodes if node.runs),
            seconds=30,
            story="the cluster is whole",
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            program = require_program(on_path("redis-cli"), package="redis-tools")
            addresses = [node.clients_at for node in self.nodes]
            created = [str(program), "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
            subprocess.run(created, check=True, capture_output=True, timeout=60)
            self.wait_until_whole()
            wait_until(
                lambda: sum("master_link_status:up" in node.ask("INFO replication") for node in self.nodes) == 3,
                seconds=30,
                story="the replicas follow",
            )
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


class RedisPair:
    """A master and its replica; clients reach whichever leads at one address."""

    def __init__(self) -> None:
        self.master = Redis()
        self.link = Proxy("127.0.0.1", self.master.port)  # what the replica hears comes through here
        self.front = Proxy("127.0.0.1", self.master.port)
        self.replica = Redis(master=self.link.port)
        self._open = ExitStack()

    @property
    def address(self) -> str:
        """The address of the one that leads."""
        return f"redis://{self.front.address}"

    def ask(self, command: str) -> str:
        """What the one that leads answers."""
        return _ask(self.front.port, command)

    def lag(self) -> None:
        """Let the replica hear nothing more of what the master acks."""
        self.link.stall()

    def fail_over(self) -> None:
        """Kill the master and let the replica lead; what did not reach it is lost."""
        self.link.cut()
        self.master.kill()
        self.replica.promote()
        self.front.aim("127.0.0.1", self.replica.port)
        self.front.reset()

    def fail_back(self) -> None:
        """Let the first one lead again with a replica, both empty."""
        self.replica.kill()
        self.master.start()
        self.link.heal()
        self.front.aim("127.0.0.1", self.master.port)
        self.front.reset()
        self.replica.start()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for one in (self.master, self.link, self.front, self.replica):
                stack.enter_context(one)
            self.replica.wait_for_master()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _ask(port: int, command: str) -> str:
    return ask("127.0.0.1", port, f"{command}\r\n".encode()).decode().strip()
