"""A log that keeps no unique keys, as Kafka is one."""

import asyncio

import msgspec

from chatsite.kernel.eventlog import Appended
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import NewRecord, Record


class KeylessLog(SqlEventLog):
    """Takes every record, whatever its unique key."""

    def append(self, record: NewRecord) -> "asyncio.Future[Appended]":
        """Queue a record."""
        return super().append(msgspec.structs.replace(record, unique_key=None))

    async def find(self, unique_key: str) -> Record | None:
        """Nothing: no key is kept."""
        return None
