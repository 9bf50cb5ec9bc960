"""What a client tells, and what it promises of each."""

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from chatsite.gateway.protocol import Cursor
    from tests.chat_client.outbox import Entry

Frame = dict[str, Any]
State = Literal["online", "connecting", "waiting", "offline"]


class Listener:
    """Hears what a client tells; a subclass overrides what it is interested in."""

    def event(self, frame: Frame) -> None:
        """A room event, each exactly once and in order, of the rooms heard; of unknown types too."""

    def whisper(self, frame: Frame) -> None:
        """What has no place in an order and may get lost: TYPING, PRESENCE, ROOM_ACTIVITY ..."""

    def personal(self, frame: Frame) -> None:
        """An ME frame, each exactly once and in order."""

    def missed(self) -> None:
        """ME frames of this connection were lost for good; what concerns the person must be read again."""

    def fresh(self, room_id: str, cursor: "Cursor") -> None:
        """A room is live from a pos on; what lies before was never told here."""

    def summary(self, room_id: str, told: Frame) -> None:
        """How a room of the person's stands, at each start of hearing all: mode, unread, mentions.

        In mode "activity" only `whisper` tells of it, until it is given to `follow`.
        """

    def reload(self, room_id: str) -> None:
        """Events were lost for good; what is cached of this room must be read again."""

    def gone(self, room_id: str) -> None:
        """The server does not let this person follow the room."""

    def delivered(self, entry: "Entry", frame: Frame) -> None:
        """The server has taken a send; frame is its ACK."""

    def outbox(self) -> None:
        """An entry of the outbox changed."""

    def ready(self, frame: Frame) -> None:
        """A new connection is up; what concerns the person may have changed before it."""

    def state(self, state: State, *, retry_at: float | None = None, reason: int | None = None) -> None:
        """How the connection is.

        `retry_at` is in ms since 1970; `reason` is the close code of a
        connection that is refused for good.
        """

    def signed_out(self) -> None:
        """The session has ended; only a new sign-in helps."""
