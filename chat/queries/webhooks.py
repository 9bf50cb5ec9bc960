"""The webhooks of a chat."""

from uuid import UUID

from chat.models import Chat, IncomingWebhook, Webhook, WebhookDelivery
from chatsite.kernel.errors import NotFound

PAGE = 100


def of(chat: Chat) -> list[IncomingWebhook]:
    """Those that say something in it, the oldest first."""
    return list(IncomingWebhook.objects.select_related("bot").filter(chat=chat).order_by("created_at"))


def told_of(chat: Chat) -> list[Webhook]:
    """Those that are told of what happens in it, the oldest first."""
    return list(Webhook.objects.filter(chat=chat).order_by("created_at"))


def deliveries(chat: Chat, webhook_id: UUID, *, before: int | None) -> list[WebhookDelivery]:
    """Up to 101 deliveries of a webhook, the newest first; one more than a page says there are more. NotFound."""
    if not Webhook.objects.filter(id=webhook_id, chat=chat).exists():
        raise NotFound("There is no such webhook.")
    found = WebhookDelivery.objects.filter(webhook=webhook_id)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.order_by("-id")[: PAGE + 1])
