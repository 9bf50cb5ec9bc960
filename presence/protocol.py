"""The frames of presence. Pure."""

import msgspec

from chatsite.gateway.protocol import ClientFrame, encode
from chatsite.kernel.events import iso
from presence.policy import Shown

MAX_WATCHED = 200  # people that one connection, or one request, asks for


class PresenceWatch(ClientFrame, frozen=True, kw_only=True, tag="PRESENCE_WATCH"):
    """Hear of these people from now on, and of no others."""

    user_ids: list[str]

    def cost(self) -> float:
        """A frame, and a tenth of one for each person, as rooms cost."""
        return 1.0 + len(self.user_ids) / 10


class PresenceSet(ClientFrame, frozen=True, kw_only=True, tag="PRESENCE_SET"):
    """Show others this status and text, until a moment or for good."""

    status: str
    text: str = ""
    until: str | None = None


class PresenceFrame(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="PRESENCE"):
    """What others see of a person; the highest version holds."""

    user_id: str
    status: str
    last_seen: str | None
    version: int
    text: str | msgspec.UnsetType = msgspec.UNSET


def presence_frame(user: str, shown: Shown) -> bytes:
    """The frame that tells of a person."""
    return encode(
        PresenceFrame(
            user_id=user,
            status=str(shown.status),
            last_seen=iso(shown.last_seen_ms) if shown.last_seen_ms else None,
            version=shown.version,
            text=shown.text or msgspec.UNSET,
        )
    )
