"""The chore that takes facts to the addresses of webhooks, in order, until each answers with a 2xx."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat.commands.webhooks import DELIVER, deliver_soon, stands
from chat.models import Webhook, WebhookDelivery
from chatsite.kernel import chores, outbound
from chatsite.kernel.addresses import networks
from chatsite.kernel.database import in_db_thread

AT_ONCE = 2  # webhooks that are told at the same time by one process: a slow address holds up no other chores
TURN_SECONDS = 60.0  # of one webhook; the others have their turn then
GIVE_UP = timedelta(days=3)  # of failing, after which a webhook is stopped
KEPT = timedelta(days=7)  # deliveries that were made
MAX_ERROR = 200


@dataclass(frozen=True)
class _Job:
    delivery: int
    event: str
    url: str
    secret: str
    body: bytes


@chores.handles(DELIVER, at_once=AT_ONCE)
async def deliver(payload: dict[str, Any]) -> None:
    """Tell a webhook's address what waits for it; what fails comes again later and later."""
    webhook, until = UUID(payload["webhook"]), time.monotonic() + TURN_SECONDS
    while (job := await in_db_thread(_next, webhook)) is not None:
        if time.monotonic() > until:
            await in_db_thread(_come_again, webhook)
            return
        status, error = await _post(job)
        if not await in_db_thread(_answered, webhook, job.delivery, status, error):
            return
    await in_db_thread(_forget_old, webhook)


async def _post(job: _Job) -> tuple[int | None, str]:
    seconds = int(time.time())
    headers = {"Content-Type": "application/json"}
    headers |= outbound.signed(job.secret, message_id=job.event, seconds=seconds, body=job.body)
    try:
        return await outbound.post(job.url, job.body, headers, allowed=networks(settings.WEBHOOK_ALLOW)), ""
    except outbound.NotPublic as error:
        return None, f"{error}, nor one that CHAT_WEBHOOK_ALLOW names"
    except outbound.Unreachable as error:
        return None, str(error)[:MAX_ERROR]


@transaction.atomic
def _next(webhook_id: UUID) -> _Job | None:
    webhook = Webhook.objects.select_for_update().filter(id=webhook_id, is_active=True).first()
    if webhook is None:
        return None
    if not stands(webhook):
        _stop(webhook, "Who made it does not manage the chat any more.")
        return None
    first = WebhookDelivery.objects.filter(webhook=webhook, delivered_at=None).order_by("id").first()
    if first is None:
        return None
    return _Job(first.id, str(first.event_id), webhook.url, webhook.secret, first.body.encode())


@transaction.atomic
def _answered(webhook_id: UUID, delivery_id: int, status: int | None, error: str) -> bool:
    """Keep what came of a delivery; answers whether the next one may go."""
    webhook = Webhook.objects.select_for_update().filter(id=webhook_id).first()
    delivery = WebhookDelivery.objects.filter(id=delivery_id).first()
    if webhook is None or delivery is None:
        return webhook is not None
    now = datetime.now(UTC)
    delivery.attempts, delivery.status, delivery.error = delivery.attempts + 1, status, error
    is_taken = status is not None and 200 <= status < 300
    delivery.delivered_at = now if is_taken else None
    delivery.save(update_fields=["attempts", "status", "error", "delivered_at"])
    if is_taken:
        if webhook.failing_since is not None:
            Webhook.objects.filter(id=webhook.id).update(failing_since=None)
        return True
    since = webhook.failing_since or now
    Webhook.objects.filter(id=webhook.id).update(failing_since=since)
    if status == 410:
        _stop(webhook, "Its address says that it is gone.")
    elif now - since > GIVE_UP:
        _stop(webhook, f"It failed for {GIVE_UP.days} days.")
    else:
        deliver_soon(webhook.id, due_at=now + chores.pause_after(delivery.attempts))
    return False


def _stop(webhook: Webhook, why: str) -> None:
    Webhook.objects.filter(id=webhook.id).update(is_active=False, ended_why=why)


@transaction.atomic
def _come_again(webhook_id: UUID) -> None:
    deliver_soon(webhook_id)


def _forget_old(webhook_id: UUID) -> None:
    WebhookDelivery.objects.filter(webhook=webhook_id, delivered_at__lt=datetime.now(UTC) - KEPT).delete()
