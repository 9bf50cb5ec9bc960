"""A process that reads as a group, says what it has done, and is killed before it keeps that.

`python -m tests.contract.kafka_worker SERVERS TOPIC GROUP RECORDS`.
"""

import asyncio
import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings.test")
django.setup()

from chatsite.kernel.eventlog.kafka.clients import client  # noqa: E402 - needs the apps
from chatsite.kernel.eventlog.kafka.reader import KafkaGroupReader  # noqa: E402
from chatsite.kernel.eventlog.kafka.topic import Topic  # noqa: E402
from tests.contract.kafka import OPTIONS  # noqa: E402


async def work(servers: str, name: str, group: str, records: int) -> None:
    """Do the first half and keep it, do the rest and die."""
    topic = Topic(name, "", 1, 1, 1 << 20)
    reader = KafkaGroupReader(client(servers, OPTIONS), topic, group, group_id=group, on_close=lambda _: None)
    done = 0
    while True:
        for record in await reader.poll(limit=1, wait=1):
            sys.stdout.write(f"{record.offset}\n")
            sys.stdout.flush()
            done += 1
            if done == records:
                os.kill(os.getpid(), signal.SIGKILL)
            if done <= records // 2:
                reader.finished(record.partition, record.offset)
                await reader.commit()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
