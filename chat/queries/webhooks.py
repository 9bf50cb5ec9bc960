"""The webhooks of a chat."""

from chat.models import Chat, IncomingWebhook


def of(chat: Chat) -> list[IncomingWebhook]:
    """Those that are there, the oldest first."""
    return list(IncomingWebhook.objects.select_related("bot").filter(chat=chat).order_by("created_at"))
