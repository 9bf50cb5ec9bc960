"""Appends records by the event log and by Kafka's bare producer, prints what each took as JSON."""

import sys
import uuid

import msgspec
import uvloop

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog.kafka import KafkaEventLog
from chatsite.kernel.events import NewRecord
from tests.bench.kafka import Appends
from tests.bench.producer import PARTITIONS, VALUE, Bare, quiet_ms, speed
from tests.servers import address

IN_FLIGHT, RUNS = 256, 3


async def measure() -> Appends:
    """Both in turn, so that what else the machine does weighs on both."""
    log = KafkaEventLog(address("kafka"), f"bench-{uuid.uuid4().hex}", "", {})
    await in_db_thread(lambda: list(log.migrate(partitions=PARTITIONS, replication=1, accept_new_topic=False)))
    await log.open()
    bare = Bare(log.name)
    event_id = str(uuid.uuid4())

    async def append(key: str) -> None:
        await log.append(NewRecord(key=key, event_type="chat.message.sent.v1", event_id=event_id, value=VALUE))

    speeds = [
        (await speed(append, in_flight=IN_FLIGHT), await speed(bare.append, in_flight=IN_FLIGHT)) for _ in range(RUNS)
    ]
    quiet = (await quiet_ms(append), await quiet_ms(bare.append))
    bare.close()
    await log.close()
    return Appends([ours for ours, _ in speeds], [theirs for _, theirs in speeds], *quiet)


def main() -> None:
    """Measure and print."""
    sys.stdout.write(msgspec.json.encode(uvloop.run(measure())).decode())


if __name__ == "__main__":
    main()
