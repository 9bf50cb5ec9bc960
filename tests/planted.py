"""Runs a management command with a defect planted: `python -m tests.planted BUG serve ...`.

Each defect breaks one promise on purpose; a test shows that the check of that
promise notices. Others are no defects but faults that the system must bear: a lossy
layer, a clock that steps back, a kill at the one moment that a test is about. Those
happen when the file `armed` stands in the data folder, or to a message that says so.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import django
from django.core.management import execute_from_command_line

LAST_WORDS = b"the last words"  # who is to crash with a message does so with one that holds these
LOOK_SECONDS = 0.02
STEP_BACK_SECONDS = 5
HURRIED_PING_SECONDS = 0.4  # the 25 s of a real server
HURRIED_SILENT_SECONDS = 1.5  # its 90 s
SHORT_AGE_SECONDS = 6
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
    """Nonces are forgotten at once, in memory, in Redis and in the log."""
    from chatsite.kernel.eventlog.sql import SqlEventLog
    from chatsite.kernel.nonces import MemoryNonces
    from chatsite.kernel.nonces.redis import RedisNonces

    async def find(self: SqlEventLog, unique_key: str) -> None:
        return None

    async def find_none(self: Any, key: str, digest: bytes, *, retry: bool, tried_ms: int) -> None:
        return None

    async def reserve_none(self: Any, key: str, digest: bytes, message_id: int, result: Any) -> None:
        return None

    MemoryNonces.find = RedisNonces.find = find_none  # type: ignore[method-assign]
    RedisNonces.reserve = reserve_none  # type: ignore[method-assign]
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
    """The channel layer of the shape loses three in ten messages."""
    from chatsite.gateway.layers import memory, redis
    from chatsite.settings.registry import setting

    layer: Any = memory.LocalChannelLayer if setting("CHAT_SHAPE") == "embedded" else redis._LoopLayer
    group_send, chance = layer.group_send, random.Random(7)

    async def lossy(self: Any, group: str, message: Any) -> None:
        if chance.random() > 0.3:
            await group_send(self, group, message)

    layer.group_send = lossy


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

    async def everything(user: str, versions: Mapping[str, int]) -> set[str]:
        return set(versions)

    vars(hub).update(who_may_hear=everybody, heard_by=everything)


def clock_behind() -> None:
    """Every clock of the process is 3 s behind, as on a machine that nobody keeps on time."""
    now, now_ns = time.time, time.time_ns
    vars(time).update(time=lambda: now() - 3, time_ns=lambda: now_ns() - 3_000_000_000)


def store_away() -> None:
    """The message store gives no page of history."""
    from chat.stores import store
    from chatsite.kernel.errors import Unavailable

    async def away(self: Any, *_: Any, **__: Any) -> None:
        raise Unavailable(code="store_unavailable")

    type(store()).page = away  # type: ignore[method-assign, assignment]


def _is_armed() -> bool:
    """Whether the test asks for the fault now; it happens once."""
    from django.conf import settings

    try:
        (settings.DATA / "armed").unlink()
    except FileNotFoundError:
        return False
    return True


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_before_offset() -> None:
    """A group keeps no offset, and is killed when armed: what it did is done again."""
    from chatsite.kernel.groups import Runner

    async def wait(self: Runner, reader: Any) -> None:
        while not _is_armed():
            await asyncio.sleep(LOOK_SECONDS)
        _die()

    Runner._keep_finished = wait  # type: ignore[method-assign]


def killed_before_layer() -> None:
    """A delivery worker is killed, when armed, with an event in the stream of which nobody was told."""
    from chatsite.gateway import delivery

    publish = vars(delivery)["publish"]

    async def last(subject: str, entry: Any, epoch: str) -> None:
        if _is_armed():
            _die()
        await publish(subject, entry, epoch)

    vars(delivery)["publish"] = last


def _dies_around_append(when: str) -> None:
    from chatsite.kernel.eventlog import log

    source = type(log())
    append = source.append

    def last(self: Any, record: Any) -> Any:
        if LAST_WORDS not in record.value:
            return append(self, record)
        if when == "before":
            _die()
        appended = append(self, record)
        appended.add_done_callback(lambda _: _die())
        return appended

    source.append = last  # type: ignore[method-assign]


def killed_before_append() -> None:
    """A server is killed with a message that it has checked and reserved, but not handed to the log."""
    _dies_around_append("before")


def killed_after_append() -> None:
    """A server is killed with a message that is durable, but not acked."""
    _dies_around_append("after")


def short_age() -> None:
    """What is older than six seconds is no longer pushed."""
    from chatsite.gateway.streams import redis

    vars(redis)["AGE"] = timedelta(seconds=SHORT_AGE_SECONDS)


def clock_back() -> None:
    """The clock steps back five seconds when armed."""
    now_ns, now = time.time_ns, time.time
    back = 0

    def stepped_ns() -> int:
        nonlocal back
        if not back and _is_armed():
            back = STEP_BACK_SECONDS
        return now_ns() - back * 1_000_000_000

    time.time_ns, time.time = stepped_ns, lambda: now() - back


def hurried_pings() -> None:
    """Sockets are pinged, and silent ones given up, in a sixtieth of the time."""
    from chatsite.management.commands import serve

    vars(serve).update(PING_SECONDS=HURRIED_PING_SECONDS, SILENT_SECONDS=HURRIED_SILENT_SECONDS)


def hasty_presence() -> None:
    """People come and go in seconds instead of minutes."""
    from tests.hasty import shorten

    shorten()


def short_lives() -> None:
    """What is to go after a minute or more goes after a second."""
    from chat.commands import messages

    event_of = messages._event_of

    def hurried(*given: Any, stays: int = 0, **more: Any) -> Any:
        return event_of(*given, stays=min(stays, 1), **more)

    vars(messages).update(_event_of=hurried)


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
        store_away,
        killed_before_offset,
        killed_before_layer,
        killed_before_append,
        killed_after_append,
        short_age,
        clock_back,
        hurried_pings,
        hasty_presence,
        short_lives,
    )
}

if __name__ == "__main__":
    django.setup()
    BUGS[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
