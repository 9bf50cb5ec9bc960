"""The group `webhooks`: facts of chats become deliveries, which a chore takes to their addresses.

A webhook is told of what happens after its making was answered: which there are is
looked up after what happened came. A replay finds each delivery as it is and tells
nobody anything again.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from chat.commands.webhooks import deliver_soon
from chat.events import HOOKED, MessageDeleted
from chat.models import Webhook, WebhookDelivery
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

REST_SECONDS = 0.05  # between two looks: under load each is for all that came meanwhile
MOST_WAITING = 10_000  # deliveries of one webhook; one that has more is stopped

webhooks = group("webhooks", may_lag=True)


class _Known(NamedTuple):
    """The webhooks of this installation, by chat."""

    read_at: float = float("-inf")  # monotonic
    of: Mapping[str, Sequence[UUID]] = MappingProxyType({})


_known = _Known()
_turn = asyncio.Lock()  # one reads for all


@webhooks.project(*HOOKED)
async def deliver_later(records: Sequence[Record]) -> None:
    """Keep what webhooks of a chat are to be told."""
    known = await _look()
    if hooked := known.of.get(records[0].key):
        await in_db_thread(_keep, hooked, records)


async def _look() -> _Known:
    """The webhooks as of now, or a little later; who asks meanwhile shares the next look."""
    global _known
    asked_at = time.monotonic()
    async with _turn:
        if _known.read_at < asked_at:
            await asyncio.sleep(_known.read_at + REST_SECONDS - asked_at)
            _known = await in_db_thread(_read)
    return _known


def _read() -> _Known:
    read_at, found = time.monotonic(), dict[str, list[UUID]]()
    for chat, webhook in Webhook.objects.values_list("chat_id", "id"):
        found.setdefault(str(chat), []).append(webhook)
    return _Known(read_at, found)


@transaction.atomic
def _keep(hooked: Sequence[UUID], records: Sequence[Record]) -> None:
    gone = {one.fact.payload.message_id for one in records if isinstance(one.fact.payload, MessageDeleted)}
    # Locked: one that was deleted meanwhile is told nothing.
    for webhook in Webhook.objects.select_for_update().filter(id__in=hooked).order_by("id"):
        _forget(webhook, gone)  # Those that are stopped too: they may go on one day.
        if webhook.is_active:
            _tell(webhook, records, gone)


def _tell(webhook: Webhook, records: Sequence[Record], gone: Collection[str]) -> None:
    since_ms = int(webhook.created_at.timestamp() * 1_000)
    told = [one for one in records if one.event_type in webhook.events and one.appended_ms >= since_ms]
    new = [_delivery(webhook, one) for one in told if _message_of(one) not in gone or _deletes(one)]
    if not new:
        return
    if WebhookDelivery.objects.filter(webhook=webhook, delivered_at=None).count() > MOST_WAITING:
        why = f"More than {MOST_WAITING} deliveries wait."
        Webhook.objects.filter(id=webhook.id).update(is_active=False, ended_why=why)
        return
    WebhookDelivery.objects.bulk_create(new, ignore_conflicts=True)
    deliver_soon(webhook.id)


def _delivery(webhook: Webhook, record: Record) -> WebhookDelivery:
    message = _message_of(record)
    return WebhookDelivery(
        webhook=webhook,
        event_id=UUID(record.event_id),
        event_type=record.event_type,
        message_id=int(message) if message else None,
        body=_body(record),
    )


def _body(record: Record) -> str:
    """The event as it is, but for where a forward was taken from and what was masked: a webhook hears what all do."""
    taken = getattr(record.fact.payload, "forwarded_from", None)
    masked = getattr(record.fact.payload, "unmasked_digest", None)
    if taken is None and masked is None:
        return record.value.decode()
    told = msgspec.json.decode(record.value)
    told["payload"].pop("unmaskedDigest", None)
    if taken is not None:
        told["payload"]["forwardedFrom"] = msgspec.to_builtins(taken.for_all)
    return msgspec.json.encode(told).decode()


def _message_of(record: Record) -> str | None:
    """The message that a fact is about, if it is about one."""
    return getattr(record.fact.payload, "message_id", None)


def _deletes(record: Record) -> bool:
    return record.event_type == MessageDeleted.event_type


def _forget(webhook: Webhook, messages: Collection[str]) -> None:
    """Keep nothing of what deleted messages said: what waits is not told, what was told is not told again.

    The rows stay, or a replay would make them anew.
    """
    if not messages:
        return
    about = WebhookDelivery.objects.filter(webhook=webhook, message_id__in=[int(one) for one in messages])
    about = about.exclude(event_type=MessageDeleted.event_type)
    about.filter(delivered_at=None).update(delivered_at=datetime.now(UTC), error="It was deleted.")
    about.update(body="")
