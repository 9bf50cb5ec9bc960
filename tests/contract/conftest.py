"""What the contract suites run over: each port's twins."""

import uuid
from collections.abc import AsyncIterator, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import NewRecord


@pytest.fixture(params=["messages", "default"])
async def log(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[SqlEventLog]:
    """An event log, as log and as outbox."""
    made = SqlEventLog(request.param, keep_seconds=60)
    await made.open()
    yield made
    await made.close()
    await sync_to_async(connections.close_all)()


def fact(key: str = "k", *, unique_key: str | None = None, value: bytes = b"{}") -> NewRecord:
    """A record that means nothing."""
    return NewRecord(
        key=key, event_type="test.happened.v1", event_id=uuid.uuid4().hex, value=value, unique_key=unique_key
    )


Fact = Callable[..., NewRecord]
