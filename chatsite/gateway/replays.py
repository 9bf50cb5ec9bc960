"""What a receiver missed of a subject: the answer to its cursor, by whatever way it came."""

from collections.abc import Sequence
from typing import NamedTuple

from chatsite.gateway.protocol import REPLAY_BYTES, REPLAY_EVENTS, Cursor, Ref, encode, resync_frame, stamp
from chatsite.gateway.streams import Entry, Head, stream
from chatsite.kernel import clock


class Replay(NamedTuple):
    """A SUBSCRIBED or RESYNC, the pos that it reaches, and whether there is more above that."""

    frame: bytes
    pos: int
    more: bool


def is_behind(cursor: Cursor | None, head: Head) -> bool:
    """Whether what is above a cursor must be read to answer it."""
    return cursor is not None and cursor.epoch == head.epoch and 0 <= cursor.pos < head.pos


def nothing_missed(cursor: Cursor | None, head: Head) -> Sequence[Entry] | None:
    """What a cursor that is not behind has missed: nothing, or None where that cannot be told."""
    return () if cursor is None or (cursor.pos == head.pos and cursor.epoch == head.epoch) else None


async def missed_since(subject: str, cursor: Cursor | None, head: Head) -> Sequence[Entry] | None:
    """The events above a cursor, none without one; None where they cannot be completed."""
    if cursor is not None and is_behind(cursor, head):
        return await stream().since(subject, cursor.pos)
    return nothing_missed(cursor, head)


def members_version_of(entries: Sequence[Entry] | None) -> int:
    """The newest membership that some events rest on: whoever is told of them is judged by it."""
    return max((entry.body.members_version for entry in entries or ()), default=0)


def replay(
    subject: str, cursor: Cursor | None, head: Head, missed: Sequence[Entry] | None, *, ref: Ref = None
) -> Replay:
    """The answer to a cursor: at most 100 events or 128 KiB of those that were missed."""
    if missed is None:
        answer = resync_frame(subject, Cursor(head.epoch, head.pos), ref=ref)
        return Replay(answer, head.pos, more=False)
    if not missed:
        reached = Cursor(head.epoch, max(head.pos, cursor.pos) if cursor else head.pos)
        return Replay(subscribed(subject, reached, (), ref, recovered=cursor is not None), reached.pos, more=False)
    events: list[bytes] = []
    size = 0
    for entry in missed:
        see(entry)
        event = stamp(entry.body.bytes, epoch=head.epoch, pos=entry.pos, prev=entry.prev)
        if events and (len(events) == REPLAY_EVENTS or size + len(event) > REPLAY_BYTES):
            break
        events.append(event)
        size += len(event)
    more = len(events) < len(missed)
    pos = missed[len(events) - 1].pos
    recovered = cursor is not None and not more
    return Replay(subscribed(subject, Cursor(head.epoch, pos), events, ref, recovered=recovered, more=more), pos, more)


def subscribed(
    subject: str, reached: Cursor, events: Sequence[bytes], ref: Ref, *, recovered: bool, more: bool = False
) -> bytes:
    """The SUBSCRIBED of a subject; put together by hand, since hundreds of them leave in one turn of the loop."""
    return b'{"type":"SUBSCRIBED",%b"roomId":%b,"epoch":%b,"pos":%d,"mode":"full","recovered":%b,%b"events":[%b]}' % (
        b"" if ref is None else b'"ref":%b,' % encode(ref),
        encode(subject),
        encode(reached.epoch),
        reached.pos,
        b"true" if recovered else b"false",
        b'"more":true,' if more else b"",
        b",".join(events),
    )


def see(entry: Entry) -> None:
    """Mint above what somebody here is sent, wherever it was minted."""
    if entry.body.minted is not None:
        clock.see(entry.body.minted)
