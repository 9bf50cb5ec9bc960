"""The group `webhooks`: facts of chats become deliveries, which a chore takes to their addresses.

A webhook is told from a second after its making on. A replay finds each delivery
as it is and tells nobody anything again.
"""

import time
from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from chat.commands.webhooks import DELIVER
from chat.events import HOOKED, MessageDeleted
from chat.models import Webhook, WebhookDelivery
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

REREAD_SECONDS = 1.0
MOST_WAITING = 10_000  # deliveries of one webhook; one that has more is stopped

webhooks = group("webhooks", may_lag=True)


class _Known(NamedTuple):
    """The webhooks that are told, by chat."""

    read_at: float = float("-inf")  # monotonic
    of: dict[str, list[Webhook]] = {}


_known = _Known()


@webhooks.project(*HOOKED)
async def deliver_later(records: Sequence[Record]) -> None:
    """Keep what webhooks of a chat are to be told."""
    global _known
    if time.monotonic() - _known.read_at > REREAD_SECONDS:
        _known = await in_db_thread(_read)
    if hooked := _known.of.get(records[0].key):
        await in_db_thread(_keep, hooked, records)


def _read() -> _Known:
    read_at, found = time.monotonic(), dict[str, list[Webhook]]()
    for webhook in Webhook.objects.filter(is_active=True):
        found.setdefault(str(webhook.chat_id), []).append(webhook)
    return _Known(read_at, found)


@transaction.atomic
def _keep(hooked: Sequence[Webhook], records: Sequence[Record]) -> None:
    # Locked: one that was deleted meanwhile is told nothing.
    there = Webhook.objects.select_for_update().filter(id__in=[one.id for one in hooked], is_active=True)
    for webhook in there.order_by("id"):
        since_ms = int(webhook.created_at.timestamp() * 1_000)
        told = [one for one in records if one.event_type in webhook.events and one.appended_ms >= since_ms]
        gone = {one.fact.payload.message_id for one in records if isinstance(one.fact.payload, MessageDeleted)}
        if WebhookDelivery.objects.filter(webhook=webhook, delivered_at=None).count() > MOST_WAITING:
            Webhook.objects.filter(id=webhook.id).update(
                is_active=False, ended_why=f"More than {MOST_WAITING} deliveries wait."
            )
            continue
        _forget(webhook, gone)
        new = [
            _delivery(webhook, one)
            for one in told
            if _message_of(one) not in gone or one.event_type == MessageDeleted.event_type
        ]
        WebhookDelivery.objects.bulk_create(new, ignore_conflicts=True)
        if new:
            chores.add(DELIVER, key=str(webhook.id), payload={"webhook": str(webhook.id)})


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
    """The event as it is, but for where a forward was taken from: a webhook hears what every member does."""
    taken = getattr(record.fact.payload, "forwarded_from", None)
    if taken is None:
        return record.value.decode()
    told = msgspec.json.decode(record.value)
    told["payload"]["forwardedFrom"] = msgspec.to_builtins(taken.for_all)
    return msgspec.json.encode(told).decode()


def _message_of(record: Record) -> str | None:
    """The message that a fact is about, if it is about one."""
    return getattr(record.fact.payload, "message_id", None)


def _forget(webhook: Webhook, messages: Collection[str]) -> None:
    """Keep nothing of what deleted messages said: what waits is not told, what was told is not told again."""
    about = WebhookDelivery.objects.filter(webhook=webhook, message_id__in=[int(one) for one in messages])
    about.filter(delivered_at=None).delete()
    about.update(body="")
