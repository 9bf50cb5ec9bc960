"""Chats: who is in them, what is said in them."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Registers events, frames and projections."""

    name = "chat"

    def ready(self) -> None:
        from chat import frames, projections, told  # noqa: F401 - importing registers
        from chat.commands import companies, delivering, erasing, leaving, scheduled  # noqa: F401
        from chat.projections import delivery, history, previews, search, webhooks  # noqa: F401
