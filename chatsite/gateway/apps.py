"""The gateway: WebSocket sessions, rooms of subscribers, streams of room events."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Registers the gateway's own frames."""

    name = "chatsite.gateway"
    label = "gateway"

    def ready(self) -> None:
        from chatsite.gateway import delivery, frames  # noqa: F401 - importing registers
