"""The port of what reaches people who have no window open: what its twins promise."""

from typing import NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend


class Address(NamedTuple):
    """Where somebody's browser takes notes, and what it reads them with (base64url, as it names them)."""

    endpoint: str
    p256dh: str
    auth: str


class Notifier(Protocol):
    """Takes notes to browsers that are not open; nobody between can read them.

    Only addresses of the public internet are asked, and those of WEBHOOK_ALLOW.
    """

    @property
    def key(self) -> str | None:
        """What browsers know us by: the public key of VAPID (base64url); None where nobody is told."""

    async def send(self, note: bytes, address: Address, *, topic: str) -> int:
        """Hand over at most 3,000 bytes, which replace what waits of a topic; answers the status.

        The topic has at most 32 letters of base64url. 404 and 410 say that the address is gone. Unreachable.
        """


def notifier() -> Notifier:
    """What notifies, as NOTIFIER names it."""
    return cast(Notifier, backend("NOTIFIER"))
