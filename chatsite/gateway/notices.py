"""What processes tell each other over the layer: hints that may be lost, and on which alone nothing rests."""

import logging
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

from chatsite.gateway.protocol import prepare, stamp
from chatsite.gateway.streams import Entry
from chatsite.kernel.errors import Unavailable

logger = logging.getLogger(__name__)

HUBS = "hubs"  # the layer's group that every process is in


def group_of(subject: str) -> str:
    """The layer's group of a subject."""
    return f"room.{subject}"


def notice_of(subject: str, entry: Entry, epoch: str) -> dict[str, Any]:
    """What the layer says of an event that a subject's stream holds."""
    return {
        "type": "room.event",
        "subject": subject,
        "epoch": epoch,
        "pos": entry.pos,
        "prev": entry.prev,
        "frame": prepare(stamp(entry.body.bytes, epoch=epoch, pos=entry.pos, prev=entry.prev)),
        "members_version": entry.body.members_version,
        "joins": entry.body.joins,
        "joins_version": entry.body.joins_version,
        "minted": entry.body.minted,
    }


async def publish(subject: str, entry: Entry, epoch: str) -> None:
    """Tell every process about an event that its stream holds."""
    await get_channel_layer().group_send(group_of(subject), notice_of(subject, entry, epoch))


async def whisper(subject: str, body: bytes, *, besides: str | None = None) -> None:
    """Tell whoever hears a subject something that nobody misses: it has no place and may be dropped."""
    await get_channel_layer().group_send(
        group_of(subject),
        {"type": "room.whisper", "subject": subject, "frame": prepare(body), "besides": besides},
    )


# What apps have to say to each process, by type: heard in the loop's turn, by who must not wait.
listeners: dict[str, Callable[[dict[str, Any]], None]] = {}


async def tell_all(notice: dict[str, Any]) -> None:
    """Tell every process, this one too, something that its listener by `type` takes; a hint like any other."""
    await get_channel_layer().group_send(HUBS, notice)


async def tell_perhaps(notice: dict[str, Any]) -> None:
    """The same where nobody can be told that it was in vain."""
    try:
        await tell_all(notice)
    except Unavailable as error:
        logger.warning("other processes find out for themselves, within a minute: %s (%s)", notice["type"], error)
