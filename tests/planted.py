"""Runs a management command with a defect planted: `python -m tests.planted BUG serve ...`.

Each defect breaks one promise on purpose; a test shows that the check of that
promise notices. `lossy_layer` is no defect but a fault that the server must bear.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import django
from django.core.management import execute_from_command_line

SLOW_COMMIT_SECONDS = 0.03  # long enough that a kill finds something between answer and disk


def ack_before_commit() -> None:
    """The log answers before its record is on the disk."""
    from chatsite.kernel.database import Writer
    from chatsite.kernel.eventlog import Appended
    from chatsite.kernel.eventlog.sql import SqlEventLog

    append, write = SqlEventLog.append, Writer._write
    positions = iter(range(1 << 41, 1 << 42))

    def hasty(self: SqlEventLog, record: Any) -> "asyncio.Future[Appended]":
        append(self, record)
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        answer.set_result(Appended(next(positions), 1, None))
        return answer

    def slow(self: Writer, batch: Any) -> Any:
        time.sleep(SLOW_COMMIT_SECONDS)
        return write(self, batch)

    SqlEventLog.append, Writer._write = hasty, slow  # type: ignore[method-assign]


def offset_before_write() -> None:
    """A group keeps its offset before the effect of the record."""
    from chatsite.kernel.groups import Runner

    take, apply = Runner._take, Runner._apply

    async def hasty(self: Runner, records: Sequence[Any], reader: Any, tasks: Any) -> None:
        if records:
            reader.finished(records[-1].partition, records[-1].offset)
            await reader.commit()
        await take(self, records, reader, tasks)

    async def slow(self: Runner, records: Sequence[Any]) -> None:
        await asyncio.sleep(SLOW_COMMIT_SECONDS * 10)
        await apply(self, records)

    async def never(self: Runner, reader: Any) -> None:
        await asyncio.Event().wait()

    Runner._take, Runner._apply, Runner._keep_finished = hasty, slow, never  # type: ignore[method-assign]


def no_nonce() -> None:
    """Nonces are forgotten at once, in memory and in the log."""
    from chatsite.kernel.eventlog.sql import SqlEventLog
    from chatsite.kernel.nonces import MemoryNonces

    async def find(self: SqlEventLog, unique_key: str) -> None:
        return None

    async def find_none(self: Any, key: str, digest: bytes, *, retry: bool, tried_ms: int) -> None:
        return None

    MemoryNonces.find = find_none  # type: ignore[method-assign]
    SqlEventLog.find = find  # type: ignore[method-assign]
    SqlEventLog._taken = lambda self, cursor, keys: {}  # type: ignore[method-assign]
    append = SqlEventLog.append
    SqlEventLog.append = lambda self, record: append(  # type: ignore[method-assign]
        self, record if record.event_type != "chat.message.sent.v1" else _without_key(record)
    )


def _without_key(record: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(record, unique_key=None, event_id=os.urandom(8).hex())


def lossy_layer() -> None:
    """The channel layer loses three in ten messages."""
    from chatsite.gateway.layers.memory import LocalChannelLayer

    group_send, chance = LocalChannelLayer.group_send, random.Random(7)

    async def lossy(self: Any, group: str, message: Any) -> None:
        if chance.random() > 0.3:
            await group_send(self, group, message)

    LocalChannelLayer.group_send = lossy  # type: ignore[method-assign]


def no_hole_check() -> None:
    """The hub delivers whatever comes, past holes too, over a lossy layer."""
    from chatsite.gateway import hub
    from chatsite.gateway.protocol import Verdict

    lossy_layer()
    vars(hub)["judge"] = lambda cursor, **place: Verdict.APPLY

    async def never(self: Any) -> None:
        await asyncio.Event().wait()

    hub.Hub._compare_heads = never  # type: ignore[method-assign]


def no_membership_check() -> None:
    """What happens in a room goes to who was removed from it, too."""
    from chatsite.gateway import hub

    async def everybody(users: Any, subject: str, *, version: int) -> set[str]:
        return set(users)

    vars(hub)["who_may_hear"] = everybody


def clock_behind() -> None:
    """Every clock of the process is 3 s behind, as on a machine that nobody keeps on time."""
    now, now_ns = time.time, time.time_ns
    vars(time).update(time=lambda: now() - 3, time_ns=lambda: now_ns() - 3_000_000_000)


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        ack_before_commit,
        offset_before_write,
        no_nonce,
        lossy_layer,
        no_hole_check,
        no_membership_check,
        clock_behind,
    )
}

if __name__ == "__main__":
    django.setup()
    BUGS[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
