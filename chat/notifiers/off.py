"""Notifier where CHAT_PUSH is off: nobody is told, and who asks for it is told so."""

from chat.notifiers import Address
from chatsite.kernel.errors import NotSupported

OFF = "Notifications are switched off here (CHAT_PUSH)."


class NoNotifier:
    """Notifier that has nobody."""

    @property
    def key(self) -> None:
        return None

    async def send(self, note: bytes, address: Address, *, topic: str) -> int:
        raise NotSupported(OFF)
