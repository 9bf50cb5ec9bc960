"""Kafka's own consoles: clients of Java's that know nothing of us."""

import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from tests.servers.jvm import CONF
from tests.servers.kafka import Kafka
from tests.servers.programs import jars, java

IDLE_MS = "5000"  # without a record, then the consumer ends
SECONDS = 60  # a console starts in two, on a quiet machine


class Printed(NamedTuple):
    """A record as the console consumer prints it."""

    partition: int
    headers: dict[str, str]
    key: str
    value: str


def consumed(address: str, topic: str) -> list[Printed]:
    """The records that the console consumer shows of a topic, from the first on."""
    shown = {"print.partition": "true", "print.headers": "true", "print.key": "true"}
    text = _console(
        "consumer.ConsoleConsumer", address, topic, "--from-beginning", "--timeout-ms", IDLE_MS,
        "--formatter-property", "key.separator=\t",
        *(part for name, value in shown.items() for part in ("--formatter-property", f"{name}={value}")),
    )  # fmt: skip
    return [
        _printed(line) for line in text.split("\n") if line
    ]  # A text may hold what Python takes for more ends of lines.


def produce(address: str, topic: str, records: Mapping[str, str]) -> None:
    """Have the console producer append a value a key, wherever Java's partitioner puts it."""
    _console(
        "ConsoleProducer", address, topic,
        "--reader-property", "parse.key=true", "--reader-property", "key.separator=\t",
        fed="".join(f"{key}\t{value}\n" for key, value in records.items()),
    )  # fmt: skip


def _console(name: str, address: str, topic: str, *options: str, fed: str = "") -> str:
    made_of = ":".join(map(str, jars(f"kafka-tools-{Kafka.version}", pom=CONF / "kafka-tools" / "pom.xml")))
    logging = f"-Dlog4j2.configurationFile={CONF / 'kafka' / 'log4j2.properties'}"
    done = subprocess.run(
        [
            str(java()), "-Xmx128m", "-XX:TieredStopAtLevel=1", logging, "-cp", made_of,
            f"org.apache.kafka.tools.{name}", "--bootstrap-server", address, "--topic", topic, *options,
        ],
        input=fed, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"Kafka's {name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _printed(line: str) -> Printed:
    partition, headers, key, value = line.split("\t", 3)
    pairs = (header.partition(":") for header in headers.split(","))
    return Printed(int(partition.partition(":")[2]), {name: text for name, _, text in pairs}, key, value)
