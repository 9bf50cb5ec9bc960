"""Chats: who is in them, what is said in them."""

from django.apps import AppConfig
from django.conf import settings


class ChatConfig(AppConfig):
    """Registers events, frames and projections."""

    name = "chat"

    def ready(self) -> None:
        from chat import frames, projections, told  # noqa: F401 - importing registers
        from chat.commands import (  # noqa: F401
            companies,
            delivering,
            digests,
            erasing,
            expiring,
            leaving,
            link_previews,
            notifying,
            polls,
            reminders,
            scheduled,
        )
        from chat.projections import delivery, history, moderation, notifications, previews, search, webhooks  # noqa: F401

        if settings.LINK_PREVIEWS:
            import chat.projections.link_previews  # noqa: F401
